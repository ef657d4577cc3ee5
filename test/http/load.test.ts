import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLoad } from '../../src/http/load.ts';

/** Keeps the event loop from turning. */
function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test('a loop that is late again and again is short of time, and recovers', async () => {
  const load = createLoad({ underWay: () => 32, everyMs: 60, heapShare: 1 });
  try {
    expect(load.short()).toBeUndefined();
    for (let turns = 0; turns < 100 && load.short() === undefined; turns++) {
      block(250);
      await sleep(1);
    }
    expect(load.short()).toBe('time');
    for (let turns = 0; turns < 100 && load.short() !== undefined; turns++) await sleep(60);
    expect(load.short()).toBeUndefined();
  } finally {
    load.close();
  }
});

test('a loop that is late with hardly a request under way is the machine: nobody is refused for it', async () => {
  const load = createLoad({ underWay: () => 31, everyMs: 60, heapShare: 1 });
  try {
    for (let turns = 0; turns < 5; turns++) {
      block(250);
      await sleep(1);
      expect(load.short()).toBeUndefined();
    }
  } finally {
    load.close();
  }
});

test('a heap that is nearly full is short of memory', async () => {
  const load = createLoad({ underWay: () => 0, everyMs: 5, heapShare: 0 });
  try {
    for (let turns = 0; turns < 100 && load.short() === undefined; turns++) await sleep(5);
    expect(load.short()).toBe('memory');
  } finally {
    load.close();
  }
});
