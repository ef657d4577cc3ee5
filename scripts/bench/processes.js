/** Processes under measurement, and what the kernel says they used. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The kernel counts processor time in hundredths of a second on every Linux in use. */
const TICK_MS = 10;

/** Starts a script, and resolves with what it says when it is ready. It ends with this process at the latest. */
export async function start(command, { ready = /(\d+)/, ...options } = {}) {
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  process.once('exit', () => child.kill('SIGKILL'));
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
  return { pid: child.pid, word: await Promise.race([word, exited]), stop: () => child.kill('SIGTERM') };
}

/** Processor time used so far, milliseconds. */
export function cpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function memoryMb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
