/** What the machine under a benchmark did by itself: how fast it is just now, and what else it was busy with. */
import { cpus } from 'node:os';

/** The same work every time: what it takes is the machine's, and nobody else's. */
export function calibrationMs() {
  const started = process.cpuUsage();
  const words = [];
  for (let index = 0; index < 3_000_000; index++) words[index & 1023] = index * 7;
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

/** Milliseconds all processors together have worked, for whomever. */
const busyMs = () => cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);

/**
 * Does some work and adds what one process used of the processor meanwhile, its loop's delay, and how many cores were busy with
 * processes that are none of `ours`.
 */
export async function watched({ ours, subject }, work) {
  const cpuOfOurs = async () => {
    const looks = await Promise.all(ours.filter((each) => each !== subject).map((each) => each.look()));
    const { user, system } = process.cpuUsage();
    return looks.reduce((sum, { cpuMs }) => sum + cpuMs, (user + system) / 1000);
  };
  const before = { ours: await cpuOfOurs(), subject: await subject.look(), busy: busyMs(), at: performance.now() };
  const result = await work();
  const wallMs = performance.now() - before.at;
  const after = { busy: busyMs(), subject: await subject.look(), ours: await cpuOfOurs() };
  const cpuMs = after.subject.cpuMs - before.subject.cpuMs;
  return { ...result, cpuMs, cores: cpuMs / wallMs, wallMs, lagMs: after.subject.lagP99Ms, others: Math.max(0, (after.busy - before.busy - cpuMs - after.ours + before.ours) / wallMs) };
}

export const tellMachine = ({ loop, others }) =>
  console.log(`  the machine, round by round: calibration loop ${loop.map((ms) => ms.toFixed(0)).join(' ')} ms; cores busy with others ${others.map((cores) => cores.toFixed(1)).join(' ')}`);
