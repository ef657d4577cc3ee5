import { afterEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLogFile } from '../../src/observe/log-file.ts';

const made: string[] = [];
afterEach(() => made.splice(0).forEach((directory) => rmSync(directory, { recursive: true, force: true })));
function place(): { readonly directory: string; readonly path: string; readonly texts: () => Record<string, string> } {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-log-'));
  made.push(directory);
  return { directory, path: join(directory, 'tollfree.log'), texts: () => Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')])) };
}

test.each([
  [3, { 'tollfree.log': 'six\n', 'tollfree1.log': 'four\nfive\n', 'tollfree2.log': 'three\n' }],
  [1, { 'tollfree.log': 'six\n' }],
])('a full file steps aside, %s are kept, and another process goes on where it ended', (maxFiles, kept) => {
  const { path, texts } = place();
  for (const word of ['one', 'two', 'three', 'four', 'five', 'six']) {
    const file = createLogFile({ path, maxSizeBytes: 10, maxFiles });
    file.write(`${word}\n`);
    file.close();
  }
  expect(texts()).toEqual(kept);
});

test('a text that could not be written throws, and the next one begins the file again', () => {
  const { path, texts } = place();
  const file = createLogFile({ path, maxSizeBytes: 1_000, maxFiles: 2 });
  mkdirSync(path);
  expect(() => file.write('lost\n')).toThrow('EISDIR');
  rmSync(path, { recursive: true });
  file.write('kept\n');
  file.close();
  expect(texts()).toEqual({ 'tollfree.log': 'kept\n' });
});

/** A program that says something in a directory, tells its log what its log could not do, as the daemon does, and ends. */
const SAYS_AND_ENDS = `
  const { createLog } = await import(process.argv[1]);
  const log = createLog({ level: 'info', bodies: false, style: 'json', directory: process.argv[2], maxSizeBytes: 1_000, maxFiles: 2,
    onTrouble: (part, problem) => log.observe({ type: 'notice', level: 'error', message: part + ': ' + problem }) });
  log.observe({ type: 'notice', level: 'info', message: 'started' });
  await log.close();
`;

test('a process whose first lines are its last ends well, though they cannot be written', async () => {
  const { directory, path } = place();
  mkdirSync(path);
  const program = join(import.meta.dirname, '..', '..', 'dist', 'observe', 'log.js');
  expect(await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SAYS_AND_ENDS, program, directory])).toEqual({ stdout: '', stderr: '' });
});
