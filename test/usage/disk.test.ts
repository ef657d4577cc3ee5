/** Disks that take nothing, and what becomes of the record meanwhile and afterwards. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createKeeper } from '../../src/usage/keeper.ts';
import { createRecord } from '../../src/usage/record.ts';
import { createSpool } from '../../src/usage/spool.ts';
import type { GatewayEvent } from '../../src/types.ts';
import { AT, finished } from './finished.ts';

const DAY = 86_400_000;
const retention = { requestsMs: 30 * DAY, mostRequests: 1_000_000, totalsMs: 400 * DAY };
const everything = { by: [], from: '2026-01-01', limit: 1, offset: 0 };

const made: string[] = [];
afterEach(() => made.splice(0).forEach((directory) => rmSync(directory, { recursive: true, force: true })));
function directory(): string {
  const name = mkdtempSync(join(tmpdir(), 'tollfree-disk-'));
  made.push(name);
  return name;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 10_000) throw new Error('waited a hundred seconds in vain');
    await pause(10);
  }
}

/** Everything the record holds, taken in by this process. */
function counted(dataDirectory: string): number {
  const keeper = createKeeper({ directory: join(dataDirectory, 'record'), retention, tell: () => undefined });
  while (keeper.take(AT));
  const { total } = keeper.stats(everything, AT);
  keeper.close();
  return total.requests;
}

describe('a disk that takes nothing', () => {
  test('costs no request: they are held, the operator is told once, and all are written when it heals', async () => {
    const dataDirectory = directory();
    // Root writes into read-only directories; nobody makes a directory where a file is.
    writeFileSync(join(dataDirectory, 'record'), 'in the way');
    const told: GatewayEvent[] = [];
    const record = createRecord({ dataDirectory, retention, now: () => AT, emit: (event) => told.push(event) });
    for (let number = 0; number < 50; number += 1) record.observe(finished({ id: `req_${number}` }));
    await expect(record.stats(everything)).rejects.toMatchObject({ failure: { kind: 'unavailable' } });
    expect(record.health()).toMatchObject({ problems: [expect.any(String), expect.any(String)], pending: 50, lost: 0 });
    expect(told).toEqual([
      expect.objectContaining({ type: 'notice', level: 'error', message: expect.stringContaining("the record's spool cannot be written") }),
      expect.objectContaining({ type: 'notice', level: 'error', message: expect.stringContaining("the record's database cannot be written") }),
    ]);

    rmSync(join(dataDirectory, 'record'));
    await until(() => record.health().problems.length === 0);
    expect(record.health()).toEqual({ problems: [], pending: 0, lost: 0 });
    expect((await record.stats(everything)).total.requests).toBe(50);
    expect(told).toHaveLength(4);
    await record.close();
  });

  const limits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;
  (limits ? test : test.skip)('may be full in the middle of a line and of a transaction', async () => {
    const dataDirectory = directory();
    const path = join(dataDirectory, 'said');
    const said = openSync(path, 'a');
    // No file may grow beyond 64 KiB: half a segment, and less than the database's log.
    const child = spawn('bash', ['-c', `trap '' XFSZ; ulimit -S -f 64; exec "$0" "$@"`, process.execPath, join(import.meta.dirname, 'writer.js'), dataDirectory, 'full', '2000'], { stdio: ['ignore', said, 'inherit'] });
    const ended = once(child, 'exit');
    const words = () => readFileSync(path, 'utf8').split('\n');
    await until(() => ['spool', 'database'].every((part) => words().some((line) => line.startsWith(`notice the record's ${part} cannot be written`))));
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited:unlimited']);
    expect(await ended).toEqual([0, null]);
    closeSync(said);
    const notices = words().filter((line) => line.startsWith('notice'));
    expect(notices.filter((line) => line.includes('cannot be written'))).toHaveLength(2);
    expect(notices.filter((line) => line.includes('can be written again'))).toHaveLength(2);
    expect(counted(dataDirectory)).toBe(2_000);
  });

  test('takes no more memory than what was set aside, and says what is missing', () => {
    const place = join(directory(), 'record');
    writeFileSync(place, 'in the way');
    const told: unknown[] = [];
    const spool = createSpool({ directory: place, now: () => AT, onTrouble: (problem, lost) => told.push([problem === undefined, lost]) });
    for (let number = 0; number < 10_500; number += 1) spool.append(`[${number}]`);
    expect(spool.held()).toEqual({ pending: 10_000, lost: 500 });
    rmSync(place);
    while (spool.held().pending > 0) spool.retry();
    spool.close();
    expect(told).toEqual([[false, 0], [true, 500]]);
    const lines = readdirSync(place).flatMap((name) => readFileSync(join(place, name), 'utf8').split('\n').slice(0, -1));
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([10_000, '[500]', '[10499]']);
  });
});

/** A line of a version that knew fewer columns. */
const lineAt = (id: string): string => JSON.stringify([['req', AT, null, 'ci', 'web', 'chat', 0, id]]);

describe('a file that is not what it was', () => {
  test('a damaged database is put aside, never overwritten, and a new one takes what the spool still has', () => {
    const place = directory();
    writeFileSync(join(place, 'record.db'), 'this is no database, but somebody may want it back'.repeat(100));
    writeFileSync(join(place, 'spool-00000000000001.jsonl'), `${lineAt('a')}\n${lineAt('b')}\n`);
    const told: string[] = [];
    const keeper = createKeeper({ directory: place, retention, tell: (message) => told.push(message) });
    expect(() => keeper.take(AT)).toThrow('file is not a database');
    while (keeper.take(AT));
    expect(keeper.stats(everything, AT).total.requests).toBe(2);
    keeper.close();
    expect(told).toEqual([expect.stringContaining('was put aside')]);
    const aside = readdirSync(place).find((name) => name.startsWith('record.db.bad-')) ?? '';
    expect(readFileSync(join(place, aside), 'utf8')).toMatch(/^this is no database/);
  });

  test('so is one that turns out damaged later', () => {
    const place = directory();
    const first = createKeeper({ directory: place, retention, tell: () => undefined });
    while (first.take(AT));
    first.close();
    const path = join(place, 'record.db');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xff, 4_096));
    writeFileSync(join(place, 'spool-00000000000001.jsonl'), `${lineAt('a')}\n`);
    const told: string[] = [];
    const keeper = createKeeper({ directory: place, retention, tell: (message) => told.push(message) });
    expect(() => keeper.take(AT)).toThrow('malformed');
    while (keeper.take(AT));
    expect(keeper.stats(everything, AT).total.requests).toBe(1);
    keeper.close();
    expect(told).toEqual([expect.stringContaining('was put aside')]);
  });

  test("a newer program's database is left alone", () => {
    const place = directory();
    const first = createKeeper({ directory: place, retention, tell: () => undefined });
    while (first.take(AT));
    first.close();
    // The version stands at byte 60 of the header.
    const bytes = readFileSync(join(place, 'record.db'));
    bytes.writeUInt32BE(99, 60);
    writeFileSync(join(place, 'record.db'), bytes);
    const keeper = createKeeper({ directory: place, retention, tell: () => undefined });
    expect(() => keeper.take(AT)).toThrow('newer tollfree');
    expect(readFileSync(join(place, 'record.db')).equals(bytes)).toBe(true);
  });

  test('lines that are none, cut ones and those of other versions', () => {
    const place = directory();
    const longer = JSON.stringify([Array.from({ length: 60 }, (_, column) => ['req', AT][column] ?? null), [null]]);
    writeFileSync(join(place, 'spool-00000000000007.jsonl'), ['', 'garbage', '[]', '[[1]]', '{"a":1}', '[["req","late"]]', '[["req",1.5]]', lineAt('short'), longer, lineAt('cut')].join('\n'));
    mkdirSync(join(place, 'spool-00000000000008.jsonl.d'));
    const told: string[] = [];
    const keeper = createKeeper({ directory: place, retention, tell: (message) => told.push(message) });
    while (keeper.take(AT));
    expect(keeper.stats(everything, AT).total.requests).toBe(2);
    keeper.close();
    expect(told).toEqual(["7 lines of the record's spool could not be read and are left out"]);
    expect(existsSync(join(place, 'spool-00000000000007.jsonl'))).toBe(true);
  });
});
