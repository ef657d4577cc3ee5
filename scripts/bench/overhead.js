/**
 * What tollfree costs beside a bare Node proxy and a direct call: rounds of the same load, in turn, on one machine.
 * Absolute figures drift with the machine; the ratios of one run are what counts. `--quick` for a first look.
 */
import { join } from 'node:path';
import { startDaemon } from './daemon.js';
import { load, quantile } from './load.js';
import { cpuMs, memoryMb, start } from './processes.js';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 2 : 5;
const here = (name) => join(import.meta.dirname, name);
const prompt = (bytes) => 'Please look at this and tell me what you think of it. '.repeat(Math.ceil(bytes / 54)).slice(0, bytes);
const body = (bytes, stream) => JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: prompt(bytes) }], stream, max_tokens: 400 });

const SCENES = [
  { name: 'JSON, 1 KB prompt', requests: quick ? 2000 : 6000, connections: 64, body: body(1000, false) },
  { name: 'JSON, 30 KB prompt', requests: quick ? 500 : 2000, connections: 64, body: body(30_000, false) },
  { name: 'stream of 50 chunks', requests: quick ? 300 : 1000, connections: 32, body: body(1000, true), chunks: 52 },
];

const upstream = await start([here('upstream.js')]);
const origin = `http://127.0.0.1:${upstream.word}`;
const bare = await start([here('bare.js'), origin]);
const tollfree = await startDaemon(origin);
const ways = [
  { name: 'direct', origin, pid: upstream.pid },
  { name: 'bare proxy', origin: `http://127.0.0.1:${bare.word}`, pid: bare.pid },
  { name: 'tollfree', origin: tollfree.origin, pid: tollfree.pid },
];

const median = (values) => quantile(values, 0.5);
const spread = (values, digits = 0) => `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

try {
  for (const scene of SCENES) {
    const seen = new Map(ways.map(({ name }) => [name, { cpu: [], rate: [], p50: [], p99: [] }]));
    for (let round = -1; round < ROUNDS; round++) {
      for (const { name, origin: at, pid } of ways) {
        const before = cpuMs(pid);
        const { rate } = await load(at, { ...scene, requests: round < 0 ? Math.ceil(scene.requests / 4) : scene.requests });
        const cpu = ((cpuMs(pid) - before) * 1000) / scene.requests;
        const calm = await load(at, { ...scene, requests: quick ? 100 : 300, connections: 1 });
        if (round < 0) continue;
        const row = seen.get(name);
        row.cpu.push(cpu);
        row.rate.push(rate);
        row.p50.push(quantile(calm.first, 0.5));
        row.p99.push(quantile(calm.first, 0.99));
      }
    }
    console.log(`\n${scene.name} (${ROUNDS} rounds, median and range)`);
    console.log('  way          CPU µs a request      requests/s            first byte p50 ms    p99 ms');
    for (const [name, { cpu, rate, p50, p99 }] of seen) {
      console.log(`  ${name.padEnd(12)} ${(name === 'direct' ? '–' : spread(cpu)).padEnd(21)} ${spread(rate).padEnd(21)} ${spread(p50, 2).padEnd(20)} ${spread(p99, 2)}`);
    }
    const [direct, proxy, ours] = [...seen.values()];
    const ratio = (key) => (median(ours[key]) / median(proxy[key])).toFixed(2);
    const added = (key) => (median(ours[key]) - median(direct[key])).toFixed(2);
    console.log(`  tollfree ÷ bare: CPU ${ratio('cpu')}, requests/s ${ratio('rate')}; added to a direct call: p50 ${added('p50')} ms, p99 ${added('p99')} ms`);
    if (scene.chunks) console.log(`  CPU a chunk: bare ${(median(proxy.cpu) / scene.chunks).toFixed(1)} µs, tollfree ${(median(ours.cpu) / scene.chunks).toFixed(1)} µs`);
  }
  console.log(`\nmemory after the load: bare ${memoryMb(bare.pid).toFixed(0)} MB, tollfree ${memoryMb(tollfree.pid).toFixed(0)} MB`);
} finally {
  for (const process of [tollfree, bare, upstream]) process.stop();
}
