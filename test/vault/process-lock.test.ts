import { describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { lockDataDirectory } from '../../src/vault/daemon-lock.ts';
import { acquireLock } from '../../src/vault/process-lock.ts';
import { createWorkplace, NOW } from './workplace.ts';

const dist = (name: string): string => JSON.stringify(new URL(`../../dist/vault/${name}.js`, import.meta.url).href);
const child = (code: string, ...values: readonly string[]): ChildProcessByStdio<null, Readable, null> => spawn(process.execPath, ['--input-type=module', '-e', code, ...values], { stdio: ['ignore', 'pipe', 'inherit'] });

const holder = `
  import { lockDataDirectory } from ${dist('daemon-lock')};
  await lockDataDirectory({ directory: process.argv[1], pid: process.pid, now: Date.now });
  console.log('held');
  setInterval(() => {}, 1000);`;

const lockOf = (directory: string, waitMs = 0): ReturnType<typeof acquireLock> => acquireLock({ directory, name: 'test', pid: process.pid, now: () => NOW + 0.25, waitMs });

describe('one daemon a data directory', () => {
  test('the second is told who is first; after kill -9 it takes over at once', async () => {
    const { directory } = await createWorkplace();
    const first = child(holder, directory);
    await once(first.stdout, 'data');
    await expect(lockDataDirectory({ directory, pid: 1, now: Date.now })).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringMatching(new RegExp(`^${directory} is already served by process ${first.pid} since \\d{4}-`)) as unknown,
      hint: expect.stringContaining('TOLLFREE_DATA_DIR') as unknown,
    });
    first.kill('SIGKILL');
    await once(first, 'close');
    const lock = await lockDataDirectory({ directory, pid: process.pid, now: Date.now });
    expect(await readdir(directory)).toHaveLength(1);
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  test('of several that start at once, exactly one', async () => {
    const { directory } = await createWorkplace();
    const contender = `
      import { lockDataDirectory } from ${dist('daemon-lock')};
      await lockDataDirectory({ directory: process.argv[1], pid: process.pid, now: Date.now }).then(() => console.log('held'), (error) => console.log(error.kind));
      setInterval(() => {}, 1000);`;
    const children = Array.from({ length: 4 }, () => child(contender, directory));
    const words = await Promise.all(children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()));
    for (const { kill } of children.map((one) => ({ kill: () => one.kill('SIGKILL') }))) kill();
    expect(words.sort()).toEqual(['busy', 'busy', 'busy', 'held']);
  });
});

describe('a lock', () => {
  test('goes from hand to hand, one at a time, over hundreds of changes by several processes', async () => {
    const { directory } = await createWorkplace();
    const file = join(directory, 'count');
    await writeFile(file, '0');
    const counter = `
      import { readFile, writeFile } from 'node:fs/promises';
      import { acquireLock } from ${dist('process-lock')};
      const [, directory, file] = process.argv;
      for (let index = 0; index < 40; index += 1) {
        const lock = await acquireLock({ directory, name: 'test', pid: process.pid, now: Date.now, waitMs: 60_000 });
        await writeFile(file, String(Number(await readFile(file, 'utf8')) + 1));
        await lock.release();
      }`;
    await Promise.all(Array.from({ length: 4 }, () => once(child(counter, directory, file), 'close')));
    expect(await readFile(file, 'utf8')).toBe('160');
    expect(await readdir(directory)).toEqual(['count']);
  });

  test('waits for a living holder as long as it was told', async () => {
    const { directory } = await createWorkplace();
    const first = await lockOf(directory);
    await expect(lockOf(directory)).rejects.toMatchObject({ kind: 'busy', message: expect.stringContaining(`process ${process.pid} since 2026-11-20T12:00:00.000Z`) as unknown });
    const second = lockOf(directory, 5000);
    await first.release();
    await (await second).release();
  });

  test('is not held by what a dead process, or somebody else, left lying about', async () => {
    const { directory } = await createWorkplace();
    await writeFile(join(directory, 'test.lock.1.1.abcdef'), '');
    await writeFile(join(directory, 'testing.txt'), '');
    await (await lockOf(directory)).release();
    expect(await readdir(directory)).toEqual(['testing.txt']);
  });

  test('works in a directory whose path no socket address can hold', async () => {
    const { directory } = await createWorkplace();
    const deep = join(directory, 'x'.repeat(100), 'y'.repeat(100));
    await mkdir(deep, { recursive: true });
    const lock = await lockOf(deep);
    await expect(lockOf(deep)).rejects.toMatchObject({ kind: 'busy' });
    await lock.release();
    expect(await readdir(deep)).toEqual([]);
  });
});
