/** Our own command as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../errors.ts';

export interface Child {
  /** The first match in what it says, on either stream. Throws with its last words where it ends before. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Every further line of its stdout. */
  readonly follow: (show: (line: string) => void) => void;
  /** When it ends by itself. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

const program = fileURLToPath(new URL('../index.js', import.meta.url));

/** A daemon that drains longer than this has nothing left worth waiting for in a demo. */
const PATIENCE_MS = 5000;
const KEPT_LINES = 500;

export function startChild(commandLine: readonly string[], environment: NodeJS.ProcessEnv): Child {
  const child = spawn(process.execPath, [program, ...commandLine], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const heard: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const hear = (line: string): void => {
    heard.push(line);
    if (heard.length > KEPT_LINES) heard.shift();
    for (const listener of listeners) listener(line);
  };
  const lines = createInterface(child.stdout).on('line', hear);
  createInterface(child.stderr).on('line', hear);
  const ended = once(child, 'close').then(() => undefined);

  return {
    ended,
    says: async (pattern) => {
      const said = new Promise<RegExpExecArray>((resolve) => {
        const listen = (line: string): void => {
          const match = pattern.exec(line);
          if (match === null) return;
          listeners.delete(listen);
          resolve(match);
        };
        listeners.add(listen);
        for (const line of heard.slice()) listen(line);
      });
      const gone = ended.then(() => {
        throw new CommandError(`tollfree ${commandLine[0] ?? ''} ended before it was ready`, { hint: heard.slice(-3).join(' · ') });
      });
      return Promise.race([said, gone]);
    },
    follow: (show) => lines.on('line', show),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const impatient = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await ended;
      clearTimeout(impatient);
    },
  };
}
