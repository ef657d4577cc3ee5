import { expect, test } from '@jest/globals';
import { createSeldom } from '../../src/accounts/seldom.ts';

test('the first change of each thing is written, then one in so many', () => {
  const written: string[] = [];
  const change = createSeldom<number>(3, (key, known) => void written.push(`${key}${known}`));
  for (let time = 1; time <= 7; time += 1) change('a', time);
  change('b', 1);
  expect(written).toEqual(['a1', 'a4', 'a7', 'b1']);
});
