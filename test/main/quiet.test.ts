import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { collectWhenQuiet, createBusyShare, createCollector } from '../../src/main/quiet.ts';

/** At which looks there was a collection, when the loop was so busy at each of them. */
function collections(shares: readonly number[]): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const collectedAt: number[] = [];
    const seen = { looks: 0 };
    const quiet = collectWhenQuiet({
      everyMs: 1,
      busyShare() {
        seen.looks += 1;
        if (seen.looks > shares.length) {
          quiet.close();
          resolve(collectedAt);
        }
        return shares[seen.looks - 1] ?? 1;
      },
      collect: () => void collectedAt.push(seen.looks),
    });
  });
}

test('what the start took is collected at the first two quiet looks', async () => {
  expect(await collections([0, 0, 0, 0])).toEqual([1, 2]);
  expect(await collections([0.9, 0.3, 0.01, 0, 0])).toEqual([3, 4]);
});

test('each rush is collected after it has ended', async () => {
  expect(await collections([0, 0.5, 0.5, 0, 0, 0.01, 0.8, 0])).toEqual([1, 4, 5, 8]);
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
  await sleep(100);
  expect(busyShare()).toBeLessThan(worked);
});
