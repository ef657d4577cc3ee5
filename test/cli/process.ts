/** The built command as a real process. `npm run build` makes it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Heard } from './context.ts';

export const program = join(import.meta.dirname, '../../dist/cli/index.js');

export interface Run {
  readonly environment?: NodeJS.ProcessEnv;
  readonly directory?: string;
  readonly stdin?: string;
}

/** An environment without anything of ours or of the person's who runs the tests. */
export const bare: NodeJS.ProcessEnv = { PATH: process.env['PATH'] };

export async function runProgram(commandLine: readonly string[], { environment = {}, directory, stdin = '' }: Run = {}): Promise<Heard> {
  const child = spawn(process.execPath, [program, ...commandLine], { cwd: directory, env: { ...bare, ...environment } });
  child.stdin.end(stdin);
  const [out, words] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: child.exitCode ?? -1, out, words };
}
