/** Processes under measurement, and what the kernel says they used. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The kernel counts processor time in hundredths of a second on every Linux in use. */
const TICK_MS = 10;

/** Starts a script and resolves with its first line on the one stream that is piped. */
export async function start(command, options = {}) {
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  const lines = createInterface({ input: child.stdout ?? child.stderr });
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${command.join(' ')} ended with ${code}`)));
  const [line] = await Promise.race([once(lines, 'line'), exited]);
  exited.catch(() => undefined);
  return { pid: child.pid, line, stop: () => child.kill('SIGTERM') };
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
