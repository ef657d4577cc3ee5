/** The built daemon as a process of its own, for what only a process can show: signals, kills, exit codes. */
import { afterAll } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

export interface DaemonProcess {
  readonly url: string;
  readonly pid: number;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly words: () => string;
}

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'index.js');

export interface ProcessOptions {
  /** A command that becomes the one behind it, e.g. `['nice']`. */
  readonly within?: readonly string[];
  /** Node's own. */
  readonly flags?: readonly string[];
}

/** A test that fails half way leaves its process behind, and jest would wait for it. */
const alive = new Set<ChildProcess>();
afterAll(() => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Resolves once it listens; a daemon that ends before that rejects with what it said. */
export async function startProcess(environment: Readonly<Record<string, string>>, directory: string, { within = [], flags = [] }: ProcessOptions = {}): Promise<DaemonProcess> {
  const [command, ...words] = [...within, process.execPath, ...flags, cli, 'serve'] as const;
  const child = spawn(command, words, { cwd: directory, env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  const said: string[] = [];
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const listening = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const [, url] = /listening on (http:\/\/\S+?)\/v1/.exec(line) ?? [];
        if (url !== undefined) resolve(url);
      });
    }
  });
  const url = await Promise.race([listening, ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${said.join('\n')}`)))]);
  return { url, pid: child.pid ?? 0, signal: (name) => void child.kill(name), ended, words: () => said.join('\n') };
}
