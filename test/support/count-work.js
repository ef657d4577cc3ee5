/**
 * A daemon that counts what it does, started with `fork`: it sends its port and what it loaded when it is ready, and its counts whenever it is sent
 * anything. However busy the machine, it refuses nobody.
 */
import { createHook } from 'node:async_hooks';
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { PerformanceObserver } from 'node:perf_hooks';
import process from 'node:process';
import { startDaemon } from '../../dist/main.js';

const counts = { promises: 0, ticks: 0, timers: 0, immediates: 0, connections: 0, files: 0, synchronousWrites: 0, collections: 0 };
const KINDS = { PROMISE: 'promises', TickObject: 'ticks', Timeout: 'timers', Immediate: 'immediates', TCPCONNECTWRAP: 'connections', FSREQCALLBACK: 'files', FSREQPROMISE: 'files' };

createHook({
  init(_id, type) {
    const kind = KINDS[type];
    if (kind !== undefined) counts[kind] += 1;
  },
}).enable();
new PerformanceObserver((list) => (counts.collections += list.getEntries().length)).observe({ entryTypes: ['gc'] });

for (const name of ['writeSync', 'fsyncSync', 'writeFileSync', 'appendFileSync']) {
  const original = fs[name];
  fs[name] = (...words) => {
    counts.synchronousWrites += 1;
    return original(...words);
  };
}
syncBuiltinESMExports();

// Where nothing is collected, what is in use is what was allocated.
process.on('message', () => process.send({ ...counts, bytes: process.memoryUsage().heapUsed }));
const { port } = await startDaemon({ environment: process.env, directory: process.cwd(), load: { lateMs: Number.POSITIVE_INFINITY, heapShare: 1 } });
process.send({ port, modules: Object.keys(createRequire(import.meta.url).cache) });
