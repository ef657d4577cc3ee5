/** Loaded into a process under measurement (`--import`): answers over its channel with what that process has used. */
import cluster from 'node:cluster';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds between two looks at the clock; what exceeds them is the loop's delay. */
const TICK_MS = 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const delay = monitorEventLoopDelay({ resolution: TICK_MS });
if (isMainThread) delay.enable();

// A worker process's channel is its owner's, and a thread has none: the record's would end at once.
if (cluster.isPrimary && isMainThread) {
  process.on('message', ({ collected }) => {
    if (collected) collect();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send({ cpuMs: (user + system) / 1000, rssMb: rss / 2 ** 20, heapMb: (heapUsed + external) / 2 ** 20, lagP99Ms: Math.max(0, delay.percentile(99) / 1e6 - TICK_MS) });
    delay.reset();
  });
  process.channel.unref();
}
