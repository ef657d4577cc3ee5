/** Bytes between a socket and its reader: who waits for whom. */
import { describe, expect, test } from '@jest/globals';
import { createInbox } from '../../src/providers/inbox.ts';
import type { Inbox } from '../../src/providers/inbox.ts';
import { END } from '../../src/source.ts';

function inbox(): { readonly box: Inbox; readonly told: string[]; readonly reader: AsyncIterator<Uint8Array> } {
  const told: string[] = [];
  const box = createInbox({ pause: () => told.push('pause'), resume: () => told.push('resume'), leave: () => told.push('leave') });
  return { box, told, reader: box.bytes[Symbol.asyncIterator]() };
}

const big = new Uint8Array(40_000);
const tiny = new Uint8Array(1);

describe('an inbox', () => {
  test('holds the sender back when full, and lets it go on when read', async () => {
    const { box, told, reader } = inbox();
    box.take(big, 0);
    expect(told).toEqual([]);
    box.take(big, 0);
    expect(told).toEqual(['pause']);
    await reader.next();
    expect(told).toEqual(['pause', 'resume']);
  });

  test('counts silence from the first byte, and only while somebody waits for the next', async () => {
    const { box, reader } = inbox();
    expect(box.silentFor(50_000)).toBe(0);
    box.take(tiny, 50_000);
    expect(box.silentFor(90_000)).toBe(0);
    await reader.next();
    expect(box.silentFor(95_000)).toBe(5000);
  });

  test('gives what it holds before it tells the failure', async () => {
    const { box, reader } = inbox();
    box.take(tiny, 0);
    box.end(new Error('broken'));
    expect((await reader.next()).done).toBe(false);
    await expect(reader.next()).rejects.toThrow('broken');
  });

  test('wakes a reader that waits, by a byte, by the end, by giving up', async () => {
    for (const [how, done] of [[(box: Inbox) => box.take(tiny, 0), false], [(box: Inbox) => box.end(), true], [(box: Inbox) => box.discard(), true]] as const) {
      const { box, reader } = inbox();
      const next = reader.next();
      how(box);
      expect((await next).done).toBe(done);
    }
  });

  test('wakes who waits once, however much comes before it asks again', () => {
    const { box } = inbox();
    const woken: string[] = [];
    expect(box.bytes.take()).toBeUndefined();
    box.bytes.when(() => woken.push('once'));
    box.take(tiny, 0);
    box.take(tiny, 0);
    box.end();
    expect(woken).toEqual(['once']);
    expect([box.bytes.take(), box.bytes.take(), box.bytes.take(), box.bytes.take()]).toEqual([tiny, tiny, END, END]);
  });

  test('a reader that leaves early says so; one that gave up or is done does not', async () => {
    const early = inbox();
    await early.reader.return?.();
    expect(early.told).toEqual(['leave']);
    const given = inbox();
    given.box.take(big, 0);
    given.box.take(big, 0);
    expect(given.box.discard()).toBe(true);
    await given.reader.return?.();
    expect(given.told).toEqual(['pause', 'resume']);
    const done = inbox();
    done.box.end();
    expect(done.box.discard()).toBe(false);
    await done.reader.return?.();
    expect(done.told).toEqual([]);
  });
});
