import { expect, test } from '@jest/globals';
import { createSteadyClock } from '../../src/main/clock.ts';

test.each([['an hour forward', 3_600_000], ['an hour back', -3_600_000], ['a day forward', 86_400_000], ['a day back', -86_400_000]])('a system clock set %s moves no window', (_how, step) => {
  const system = Date.now;
  const now = createSteadyClock();
  const before = now();
  try {
    Date.now = () => system() + step;
    expect(Math.abs(now() - before)).toBeLessThan(1_000);
  } finally {
    Date.now = system;
  }
});
