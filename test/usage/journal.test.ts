import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayEvent } from '../../src/types.ts';
import { createJournal, type LineJournal } from '../../src/usage/journal.ts';

let directory = '';
let events: GatewayEvent[] = [];
let now = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollfree-journal-'));
  events = [];
  now = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const path = (): string => join(directory, 'quota.journal');
const open = (maxBytes?: number): LineJournal =>
  createJournal({ path: path(), now: () => now, emit: (event) => events.push(event), ...(maxBytes !== undefined && { maxBytes }) });

/** Milliseconds of processor time: a machine that is busy elsewhere holds any loop. */
function worked(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

describe('the journal', () => {
  test('reads back what was appended, without being closed', () => {
    const journal = open();
    journal.append({ n: 1 });
    journal.append({ n: 2 });
    expect(open().read()).toEqual([{ n: 1 }, { n: 2 }]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test('a line that may be lost goes with the next that may not, or when the turn is over', async () => {
    const journal = open();
    journal.defer({ n: 1 });
    expect(readFileSync(path(), 'utf8')).toBe('');
    journal.append({ n: 2 });
    expect(readFileSync(path(), 'utf8')).toBe('{"n":1}\n{"n":2}\n');
    journal.defer({ n: 3 });
    journal.defer({ n: 4 });
    await new Promise((resolve) => void setImmediate(resolve));
    expect(open().read()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
    journal.defer({ n: 5 });
    journal.close();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(open().read()).toHaveLength(5);
    expect(events).toEqual([]);
  });

  test('a snapshot knows what was about to be written', async () => {
    const journal = open(100);
    journal.defer({ n: 1 });
    journal.rewrite([{ all: 1 }]);
    journal.defer({ n: 2 });
    await journal.compact([{ all: 2 }]);
    expect(open().read()).toEqual([{ all: 2 }]);
  });

  test('leaves out a torn last line and goes on after it', () => {
    open().append({ n: 1 });
    appendFileSync(path(), '{"n":2,"wor');
    const journal = open();
    expect(journal.read()).toEqual([{ n: 1 }]);
    journal.append({ n: 3 });
    expect(open().read()).toEqual([{ n: 1 }, { n: 3 }]);
    expect(events).toEqual([]);
  });

  test('leaves out damage in the middle, and says so', () => {
    writeFileSync(path(), '{"n":1}\n\0\0garbage\n{"n":3}\n');
    expect(open().read()).toEqual([{ n: 1 }, { n: 3 }]);
    expect(events).toMatchObject([{ type: 'notice', level: 'warn' }]);
  });

  test('asks for a snapshot when it is long, and is replaced by it', () => {
    const journal = open(100);
    for (let n = 0; n < 20; n += 1) journal.append({ n });
    expect(journal.full).toBe(true);
    journal.rewrite([{ all: true }]);
    expect(journal.full).toBe(false);
    journal.append({ n: 21 });
    expect(readFileSync(path(), 'utf8')).toBe('{"all":true}\n{"n":21}\n');
  });

  test('a snapshot longer than the bound is not asked for again at once', () => {
    const journal = open(100);
    journal.rewrite([{ all: 'x'.repeat(500) }]);
    journal.append({ n: 1 });
    expect(journal.full).toBe(false);
  });

  test('is shortened in the background: what is appended meanwhile comes after, and nothing is lost at any moment', async () => {
    const journal = open(100);
    for (let n = 0; n < 20; n += 1) journal.append({ n });
    const snapshot = Array.from({ length: 3000 }, (_, index) => ({ index, padding: 'x'.repeat(100) }));
    const done = journal.compact(snapshot);
    expect(journal.full).toBe(false);
    journal.append({ during: 1 });
    // A kill now: the old lines are all there.
    expect(open().read()).toHaveLength(21);
    await new Promise((resolve) => void setImmediate(resolve));
    journal.append({ during: 2 });
    await done;
    journal.append({ after: 1 });
    expect(open().read()).toEqual([...snapshot, { during: 1 }, { during: 2 }, { after: 1 }]);
  });

  test('a snapshot at once outruns the one in the background', async () => {
    const journal = open(100);
    const done = journal.compact(Array.from({ length: 3000 }, (_, index) => ({ index, padding: 'x'.repeat(100) })));
    journal.append({ n: 1 });
    journal.rewrite([{ all: 1 }]);
    await done;
    journal.append({ n: 2 });
    expect(open().read()).toEqual([{ all: 1 }, { n: 2 }]);
  });

  test('a long snapshot in the background never holds the event loop', async () => {
    const journal = open(100);
    const snapshot = Array.from({ length: 40 }, (_, index) => ({ index, state: Array.from({ length: 8192 }, (_value, place) => 1_770_000_000_000 + place) }));
    const laps: number[] = [];
    const state = { last: worked(), over: false };
    const lap = (): void => {
      laps.push(worked() - state.last);
      state.last = worked();
      if (!state.over) setImmediate(lap);
    };
    setImmediate(lap);
    await journal.compact(snapshot);
    state.over = true;
    // 4.6 MB in 40 slices: at once it takes as long as all of them together.
    const sum = laps.reduce((total, one) => total + one, 0);
    expect(Math.max(...laps)).toBeLessThan(Math.max(sum / 3, 15));
  });

  // The device that is always full is Linux's own.
  (existsSync('/dev/full') ? test : test.skip)('a disk that refuses is told once, and a snapshot is asked for until it takes one', () => {
    const journal = createJournal({ path: '/dev/full', now: () => now, emit: (event) => events.push(event) });
    journal.append({ n: 1 });
    journal.append({ n: 2 });
    expect(events).toMatchObject([{ type: 'notice', level: 'error' }]);
    expect(journal.full).toBe(false);
    now += 5000;
    expect(journal.full).toBe(true);
    journal.close();
  });

  test('a directory that is gone keeps the old file whole and heals when it is back', () => {
    const journal = open(10);
    journal.append({ n: 'before' });
    rmSync(directory, { recursive: true });
    journal.rewrite([{ all: 1 }]);
    journal.rewrite([{ all: 1 }]);
    expect(events).toHaveLength(1);
    directory = mkdtempSync(join(tmpdir(), 'tollfree-journal-'));
    const again = open();
    again.rewrite([{ all: 2 }]);
    expect(open().read()).toEqual([{ all: 2 }]);
  });
});
