/** The audit log as somebody finds it who wants to hide what was done. */
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { lineOf } from '../../src/audit/chain.ts';

const dist = join(import.meta.dirname, '..', '..', 'dist');
const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

interface Desk {
  readonly path: string;
  readonly log: AuditLog;
  readonly notices: string[];
  key: string | undefined;
}
const state: { desk: Desk } = { desk: undefined as never };

async function createDesk(): Promise<Desk> {
  const directory = await mkdtemp(join(tmpdir(), 'tollfree-audit-'));
  directories.push(directory);
  const notices: string[] = [];
  const path = join(directory, 'audit.log');
  const desk: Desk = { path, notices, key: 'the key of the vault', log: undefined as never };
  const vouch = (entry: string): string | undefined => (desk.key === undefined ? undefined : createHmac('sha256', desk.key).update(entry).digest('base64url'));
  return Object.assign(desk, { log: createAuditLog({ path, pid: process.pid, now: () => Date.UTC(2026, 10, 20), vouch, notice: (message) => notices.push(message), onTrouble: (problem) => notices.push(problem ?? 'written again') }) });
}

beforeEach(async () => {
  state.desk = await createDesk();
  for (const name of ['one', 'two', 'three', 'four']) await state.desk.log.record({ by: 'cli', act: 'account added', on: [`groq/${name}`] });
});

const lines = async (): Promise<string[]> => (await readFile(state.desk.path, 'utf8')).split('\n').slice(0, -1);
const put = (changed: readonly string[]): Promise<void> => writeFile(state.desk.path, changed.map((line) => `${line}\n`).join(''));

describe('left alone', () => {
  test('is whole, for its owner alone, and says who did what to what when', async () => {
    expect(state.desk.log.check()).toEqual({ entries: 4, vouched: true });
    expect((await stat(state.desk.path)).mode & 0o777).toBe(0o600);
    expect((await stat(`${state.desk.path}.seal`)).mode & 0o777).toBe(0o600);
    expect(JSON.parse((await lines())[1] ?? '')).toMatchObject({ at: '2026-11-20T00:00:00.000Z', by: 'cli', act: 'account added', on: ['groq/two'] });
    expect(state.desk.notices).toEqual([]);
  });

  test('grows while the vault is locked, and is vouched for again when it is not', async () => {
    state.desk.key = undefined;
    await state.desk.log.record({ by: 'daemon', act: 'locked' });
    expect(state.desk.log.check()).toEqual({ entries: 5, vouched: false });
    state.desk.key = 'the key of the vault';
    await state.desk.log.record({ by: 'daemon', act: 'vault unlocked' });
    expect(state.desk.log.check()).toEqual({ entries: 6, vouched: true });
  });

  test('of many writers at once, nobody is lost and nobody breaks the chain', async () => {
    const { path } = state.desk;
    const others = Array.from({ length: 4 }, () => createAuditLog({ path, pid: process.pid, now: Date.now, vouch: () => undefined, notice: (message) => state.desk.notices.push(message), onTrouble: (problem) => state.desk.notices.push(problem ?? 'written again') }));
    await Promise.all(others.flatMap((log) => Array.from({ length: 5 }, (_, index) => log.record({ by: 'cli', act: `act ${index}` }))));
    expect(state.desk.log.check()).toMatchObject({ entries: 24 });
    expect(state.desk.log.check()).not.toHaveProperty('problem');
    expect(state.desk.notices).toEqual([]);
  });

  test('an entry that a crash cut in the middle was never told to be there, and the next one stands well', async () => {
    await writeFile(state.desk.path, '{"at":"2026', { flag: 'a' });
    await state.desk.log.record({ by: 'cli', act: 'after the crash' });
    expect(state.desk.log.check()).toEqual({ entries: 5, vouched: true });
  });
});

describe('kill -9', () => {
  test('at any moment leaves a whole log, vouched for, with everything in it that was told to be written', async () => {
    const { path } = state.desk;
    const told = { entries: 4 };
    for (let round = 0; round < 6; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, dist, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.on('data', (bytes: Buffer) => (told.entries += bytes.length));
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 3 + round * 17));
      child.kill('SIGKILL');
      await once(child, 'close');
      const found = state.desk.log.check();
      expect(found).not.toHaveProperty('problem');
      expect(found.entries).toBeGreaterThanOrEqual(told.entries);
      told.entries = found.entries;
    }
    await state.desk.log.record({ by: 'cli', act: 'after all' });
    expect(state.desk.log.check()).toEqual({ entries: told.entries + 1, vouched: true });
    expect(state.desk.notices).toEqual([]);
  });
});

/** Says one byte for every entry that is written. Vouches with the key of the tests. */
const WRITER = `
import { createHmac } from 'node:crypto';
import { writeSync } from 'node:fs';
const [, dist, path] = process.argv;
const { createAuditLog } = await import(dist + '/audit/audit-log.js');
const log = createAuditLog({ path, pid: process.pid, now: Date.now, notice: console.error, onTrouble: console.error, vouch: (entry) => createHmac('sha256', 'the key of the vault').update(entry).digest('base64url') });
for (;;) {
  await log.record({ by: 'cli', act: 'account added', on: ['groq/x'] });
  writeSync(1, '.');
}
`;

describe('changed by someone else', () => {
  test('any byte', async () => {
    const text = await readFile(state.desk.path);
    for (let at = 0; at < text.length; at += 1) {
      const changed = Buffer.from(text);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(state.desk.path, changed);
      expect([at, state.desk.log.check().problem === undefined]).toEqual([at, false]);
    }
  });

  test.each<[string, (all: readonly string[]) => readonly string[], RegExp]>([
    ['a line taken out', ([a = '', , c = '', d = '']) => [a, c, d], /^line 2 /],
    ['the first taken out', ([, ...rest]) => rest, /^line 1 /],
    ['two that changed places', ([a = '', b = '', c = '', d = '']) => [a, c, b, d], /^line 2 /],
    ['one doubled', ([a = '', ...rest]) => [a, a, ...rest], /^line 2 /],
    ['the end cut off', (all) => all.slice(0, -1), /cut off/],
    ['all of it cut off', () => [], /cut off/],
    ['made anew by somebody who knows how', () => chain(['groq/one', 'groq/innocent', 'groq/three', 'groq/four']), /made anew/],
  ])('%s', async (_name, change, problem) => {
    await put(change(await lines()));
    expect(state.desk.log.check()).toMatchObject({ problem: expect.stringMatching(problem) as unknown, vouched: false });
    await state.desk.log.record({ by: 'cli', act: 'vault unlocked' });
    // Writing on does not make it right.
    expect(state.desk.log.check().problem).toBeDefined();
  });

  test('a directory in its place is told, by check and by the next act', async () => {
    await rm(state.desk.path);
    await mkdir(state.desk.path);
    expect(state.desk.log.check()).toMatchObject({ problem: expect.stringMatching(/cannot be read/) as unknown, vouched: false });
    await state.desk.log.record({ by: 'cli', act: 'vault unlocked' });
    expect(state.desk.notices).toEqual([expect.stringMatching(/could not be written .*EISDIR/)]);
  });

  test('while nothing can be written, acts wait, and stand in their order afterwards', async () => {
    const desk = await createDesk();
    await mkdir(desk.path);
    await desk.log.record({ by: 'cli', act: 'first' });
    await desk.log.record({ by: 'cli', act: 'second' });
    await rm(desk.path, { recursive: true });
    await desk.log.record({ by: 'cli', act: 'third' });
    const acts = (await readFile(desk.path, 'utf8')).split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { act: string }).act);
    expect([acts, desk.log.check()]).toEqual([['first', 'second', 'third'], { entries: 3, vouched: true }]);
    expect(desk.notices).toEqual([expect.stringContaining('first could not'), expect.stringContaining('second could not'), 'written again']);
  });

  test('a seal that another key made vouches for nothing', async () => {
    state.desk.key = 'another key';
    expect(state.desk.log.check()).toEqual({ entries: 4, vouched: false });
  });

  test('a link in its place is not written through', async () => {
    const elsewhere = `${state.desk.path}.elsewhere`;
    await writeFile(elsewhere, '');
    await rm(state.desk.path);
    await symlink(elsewhere, state.desk.path);
    await state.desk.log.record({ by: 'cli', act: 'misled' });
    expect(await readFile(elsewhere, 'utf8')).toBe('');
    expect(state.desk.notices).toEqual([expect.stringMatching(/misled could not be written .*ELOOP/)]);
  });

  test('a file cut to nothing is told, not begun anew in silence', async () => {
    await truncate(state.desk.path);
    await state.desk.log.record({ by: 'cli', act: 'anew' });
    expect(state.desk.notices).toEqual([expect.stringMatching(/audit\.log was changed by someone else/)]);
    expect(state.desk.log.check().problem).toMatch(/cut off/);
  });
});

function chain(names: readonly string[]): string[] {
  let last = '';
  return names.map((name) => {
    const { line, hash } = lineOf({ by: 'cli', act: 'account added', on: [name] }, Date.UTC(2026, 10, 20), last);
    last = hash;
    return line;
  });
}

(process.platform === 'win32' ? test.skip : test)('a disk that is full in the middle of an entry costs that entry, not the seal', async () => {
  const { path } = await createDesk();
  const code = `
    import { createAuditLog } from ${JSON.stringify(join(dist, 'audit', 'audit-log.js'))};
    const notices = [];
    const log = createAuditLog({ path: process.argv[1], pid: process.pid, now: Date.now, vouch: (entry) => entry.slice(0, 43).padEnd(43, '-'), notice: console.error, onTrouble: (problem) => notices.push(problem) });
    for (let count = 0; count < 100 && notices.length === 0; count += 1) await log.record({ by: 'cli', act: 'account added', on: ['groq/' + count] });
    console.log(JSON.stringify({ notices, check: log.check() }));`;
  const child = spawn('bash', ['-c', `trap '' XFSZ; ulimit -f 4; exec "$0" "$@"`, process.execPath, '--input-type=module', '-e', code, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => void said.push(piece));
  await once(child, 'close');
  expect(JSON.parse(Buffer.concat(said).toString())).toMatchObject({ notices: [expect.stringContaining('could not be written')], check: { vouched: true } });
});
