import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { collectWhenQuiet, createBusyShare, createCollector } from '../../src/main/quiet.ts';

/** At which looks there was a collection, when the process was so busy at each of them. */
async function collections(shares: readonly number[]): Promise<readonly number[]> {
  const collectedAt: number[] = [];
  const seen = { looks: 0 };
  const quiet = collectWhenQuiet({
    everyMs: 1,
    busyShare() {
      seen.looks += 1;
      return shares[seen.looks - 1] ?? 0;
    },
    collect: () => void collectedAt.push(seen.looks),
  });
  // Timers of a millisecond come in turn: by then there were as many looks as there will be.
  for (let turn = 0; turn < 10; turn++) await sleep(1);
  quiet.close();
  return collectedAt;
}

test('what the start took is collected at the first two looks', async () => {
  expect(await collections([0, 0.01])).toEqual([1, 2]);
});

test('nothing is collected once there was work', async () => {
  expect(await collections([0.5])).toEqual([]);
  expect(await collections([0, 0.5])).toEqual([1]);
});

test('a collection gives the heap back, and takes nothing that is in use', () => {
  const kept = { text: 'in use' };
  const garbage: unknown[] = Array.from({ length: 300_000 }, (_, index) => ({ index }));
  const before = getHeapStatistics().used_heap_size;
  garbage.length = 0;
  createCollector()();
  expect(before - getHeapStatistics().used_heap_size).toBeGreaterThan(8 * 2 ** 20);
  expect(kept.text).toBe('in use');
});

test('a process at work is told from one that waits', async () => {
  const busyShare = createBusyShare();
  const until = performance.now() + 50;
  while (performance.now() < until);
  await sleep(1);
  const worked = busyShare();
  // The process is jest's as well, which has work of its own at times.
  let least = worked;
  for (let turn = 0; turn < 40 && least > worked / 2; turn++) {
    await sleep(50);
    least = Math.min(least, busyShare());
  }
  expect(least).toBeLessThan(worked);
});
