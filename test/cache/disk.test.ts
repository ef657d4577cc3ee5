/** Answers on disk: found again by their question, and by nothing else. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAnswerDisk } from '../../src/cache/disk.ts';
import type { AnswerDisk, AnswerDiskOptions } from '../../src/cache/disk.ts';
import type { Kept } from '../../src/cache/store.ts';
import type { Catalogue } from '../../src/types.ts';
import { account, model, provider } from '../providers/support.ts';

const MIB = 2 ** 20;
const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-20T12:00:00Z');
const groq = provider({ name: 'groq', models: [model({ name: 'gpt' })] });
const target = { provider: groq, model: groq.models[0] ?? model({ name: 'gpt' }) };
const catalogue: Catalogue = { providers: new Map([['groq', groq]]) };

const made: string[] = [];
afterEach(async () => {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true });
});

interface Place {
  readonly directory: string;
  readonly clock: { now: number };
  readonly told: (string | undefined)[];
  /** As a process that starts there would. */
  readonly open: (more?: Partial<AnswerDiskOptions>) => AnswerDisk;
  readonly files: () => Promise<readonly string[]>;
}

async function place(): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), 'tollfree-cache-'));
  made.push(base);
  const directory = join(base, 'cache');
  const clock = { now: NOW };
  const told: (string | undefined)[] = [];
  return {
    directory,
    clock,
    told,
    open: (more = {}) => createAnswerDisk({ directory, mostBytes: MIB, now: () => clock.now, catalogue: () => catalogue, onTrouble: (problem) => told.push(problem?.message), ...more }),
    files: () => readdir(directory).then((names) => names.toSorted().map((name) => join(directory, name))),
  };
}

const answer = (words = 'the secret answer'): Kept => ({
  chunks: [{ text: JSON.stringify({ said: words }), whole: false, content: true }, { text: '', whole: false, content: true, raw: { contentType: 'audio/mpeg', bytes: Uint8Array.of(0, 255, 7) }, finish: 'stop' }],
  usage: { input: 3, output: 4 }, target, account: account({ provider: 'groq', label: 'work' }), dropped: ['seed'], keptAt: NOW,
});

describe('an answer on disk', () => {
  test('is found again by another process, whole', async () => {
    const { open, clock } = await place();
    await open().keep('question', answer(), HOUR);
    clock.now += 60_000;
    const found = await open().find('question');
    expect(found).toMatchObject({ ttlMs: HOUR - 60_000, kept: { usage: { input: 3, output: 4 }, account: { label: 'work' }, dropped: ['seed'], keptAt: NOW } });
    expect(found?.kept.target).toEqual(target);
    expect(found?.kept.chunks.map(({ raw, ...chunk }) => ({ ...chunk, ...(raw && { raw: { ...raw, bytes: [...raw.bytes] } }) }))).toEqual(
      answer().chunks.map(({ raw, ...chunk }) => ({ ...chunk, ...(raw && { raw: { ...raw, bytes: [...raw.bytes] } }) })),
    );
    expect(await open().find('another question')).toBeUndefined();
  });

  test('lies in a private file that tells neither question nor answer', async () => {
    const { open, files, directory } = await place();
    const disk = open();
    for (const question of ['one', 'two']) await disk.keep(question, answer(), HOUR);
    const [first = '', second = '', ...others] = await files();
    expect(others).toEqual([]);
    expect([(await stat(directory)).mode & 0o777, (await stat(first)).mode & 0o777]).toEqual([0o700, 0o600]);
    for (const path of [first, second]) expect(`${path} ${await readFile(path, 'latin1')}`).not.toMatch(/one|two|secret|answer|groq|gpt|audio|work/);
    // The same words, and yet no byte in common but by chance.
    const [a, b] = [await readFile(first), await readFile(second)];
    expect(a.filter((byte, index) => byte === b[index]).length).toBeLessThan(a.length / 16);
  });

  test('is gone when its time is over, which the file itself tells', async () => {
    const { open, clock, files } = await place();
    await open().keep('question', answer(), HOUR);
    const [path = ''] = await files();
    expect((await stat(path)).mtimeMs).toBe(NOW + HOUR);
    clock.now += HOUR - 1;
    expect(await open().find('question')).toBeDefined();
    clock.now += 1;
    expect(await open().find('question')).toBeUndefined();
    expect(await files()).toEqual([]);
  });

  test.each<[string, (path: string, bytes: Buffer) => Promise<void>]>([
    ['its first byte', (path, bytes) => writeFile(path, Buffer.concat([Buffer.of((bytes[0] ?? 0) ^ 1), bytes.subarray(1)]))],
    ['a byte in the middle', (path, bytes) => writeFile(path, bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 128 : byte)))],
    ['its last byte', (path, bytes) => writeFile(path, bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)))],
    ['its length', (path, bytes) => truncate(path, bytes.length - 1)],
    ['its whole content', (path) => truncate(path, 0)],
    ['its size', async (path) => {
      await rm(path);
      await writeFile(path, 'x'.repeat(2 * MIB));
    }],
  ])('of which %s is another is no answer, and leaves', async (_what, spoil) => {
    const { open, files } = await place();
    await open().keep('question', answer(), HOUR);
    const [path = ''] = await files();
    await spoil(path, await readFile(path));
    await utimes(path, (NOW + HOUR) / 1000, (NOW + HOUR) / 1000);
    expect(await open().find('question')).toBeUndefined();
    expect(await files()).toEqual([]);
  });

  test('of a model that is no longer known is no answer', async () => {
    const { open } = await place();
    await open().keep('question', answer(), HOUR);
    expect(await open({ catalogue: () => ({ providers: new Map([['groq', { ...groq, models: [] }]]) }) }).find('question')).toBeUndefined();
  });
});

describe('the directory', () => {
  test('never takes more than its bound: what was unused longest leaves, over restarts too', async () => {
    const { open, files } = await place();
    const size = async (): Promise<number> => (await Promise.all((await files()).map((path) => stat(path)))).reduce((sum, { size: bytes }) => sum + bytes, 0);
    const disk = open({ mostBytes: 50_000 });
    for (let number = 0; number < 12; number += 1) {
      await disk.keep(`question ${number}`, answer('x'.repeat(10_000)), HOUR + number);
      await disk.find('question 0');
      expect(await size()).toBeLessThanOrEqual(50_000);
    }
    const found = await Promise.all(Array.from({ length: 12 }, async (_, number) => (await disk.find(`question ${number}`)) !== undefined));
    expect(found.flatMap((there, number) => (there ? [number] : []))).toEqual([0, 9, 10, 11]);
    await disk.keep('too large', answer('x'.repeat(60_000)), HOUR);
    expect(await disk.find('too large')).toBeUndefined();

    const smaller = open({ mostBytes: 25_000 });
    await smaller.keep('small', answer(), HOUR);
    expect(await size()).toBeLessThanOrEqual(25_000);
    expect(await smaller.find('small')).toBeDefined();
  });

  test('is cleared of what expired and what was never finished; what is not ours stays', async () => {
    const { open, clock, files, directory } = await place();
    const disk = open();
    await disk.keep('short', answer(), 1_000);
    await disk.keep('long', answer(), HOUR);
    await writeFile(join(directory, `${'a'.repeat(32)}.new`), 'half an ans');
    await writeFile(join(directory, 'notes.txt'), 'mine');
    clock.now += 1_000;
    await open().keep('long', answer(), HOUR);
    expect((await files()).map((path) => path.slice(directory.length + 1))).toEqual([expect.stringMatching(/^[\da-f]{32}$/), 'notes.txt']);
  });

  test('that takes nothing costs nothing: it is told once, and once when it heals', async () => {
    const { open, told, directory } = await place();
    await writeFile(directory, 'in the way');
    const disk = open();
    for (const question of ['one', 'two']) await disk.keep(question, answer(), HOUR);
    expect(await disk.find('one')).toBeUndefined();
    expect(told).toEqual([expect.stringMatching(/EEXIST|ENOTDIR/)]);
    await rm(directory);
    for (const question of ['one', 'two']) await disk.keep(question, answer(), HOUR);
    expect(told).toEqual([expect.any(String), undefined]);
    expect(await disk.find('one')).toBeDefined();
  });

  test('on a disk that is full in the middle of a file keeps nothing of it', async () => {
    const { directory } = await place();
    const script = `
      import { createAnswerDisk } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'dist', 'cache', 'disk.js'))};
      const disk = createAnswerDisk({ directory: ${JSON.stringify(directory)}, mostBytes: ${MIB}, now: Date.now, catalogue: () => ({ providers: new Map() }), onTrouble: (problem) => console.log(String(problem?.code)) });
      const kept = (words) => ({ chunks: [{ text: words, whole: true, content: true }], target: { provider: { name: 'a' }, model: { name: 'b' } }, account: {}, dropped: [], keptAt: 1 });
      await disk.keep('large', kept('x'.repeat(20_000)), 3_600_000);
      await disk.keep('small', kept('x'), 3_600_000);`;
    const { stdout } = await promisify(execFile)('bash', ['-c', `trap '' XFSZ; ulimit -S -f 8; exec "$0" --input-type=module -e "$1"`, process.execPath, script]);
    expect(stdout).toBe('EFBIG\nundefined\n');
    expect(await readdir(directory)).toHaveLength(1);
  });
});
