/** Processes under measurement, and what they have used. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const probe = join(import.meta.dirname, 'probe.js');

/** Starts a script, and resolves with what it says when it is ready. It ends with this process at the latest. */
export async function start(command, { ready = /(\d+)/, stdio = ['ignore', 'pipe', 'inherit'], ...options } = {}) {
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', probe, ...command], { ...options, stdio: [...stdio, 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const said = [];
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${command.join(' ')} ended with ${code}: ${said.join('\n')}`)));
  exited.catch(() => undefined);
  const word = new Promise((resolve) => {
    createInterface({ input: child.stdout ?? child.stderr }).on('line', (line) => {
      said.push(line);
      const found = ready.exec(line);
      if (found) resolve(found[1]);
    });
  });
  const answer = await Promise.race([word, exited]);
  return {
    pid: child.pid,
    word: answer,
    readyMs: performance.now() - began,
    /** Processor time so far, memory, and the loop's delay since it was last asked; with `collected` after a collection of garbage. */
    async look({ collected = false } = {}) {
      child.send({ collected });
      const [seen] = await Promise.race([once(child, 'message'), exited]);
      return seen;
    },
    async stop() {
      process.removeListener('exit', kill);
      child.kill('SIGTERM');
      await exited.catch(() => undefined);
    },
  };
}

export function memoryMb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
