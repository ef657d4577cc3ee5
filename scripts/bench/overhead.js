/**
 * What tollfree costs beside a bare Node proxy, Portkey's gateway and a direct call: rounds of the same load, in turn, on one
 * machine. Absolute figures drift with the machine, as each round's calibration loop shows; the ratios of one run are what counts.
 * `--quick` for a first look, `--only <word of a scene>`, `--without portkey`, `--profile`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startDaemon } from './daemon.js';
import { load, quantile } from './load.js';
import { manyRules } from './many-rules.js';
import { startPortkey } from './portkey.js';
import { cpuMs, memoryMb, start } from './processes.js';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, without: { type: 'string', default: '' }, profile: { type: 'boolean', default: false } } });
const ROUNDS = options.quick ? 2 : 5;
const CALM_SECONDS = options.quick ? 0.5 : 2;
const here = (name) => join(import.meta.dirname, name);
const prompt = (bytes) => 'Please look at this and tell me what you think of it. '.repeat(Math.ceil(bytes / 54)).slice(0, bytes);
const body = (bytes, stream) => JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: prompt(bytes) }], stream, max_tokens: 400 });

const SCENES = [
  { name: 'JSON, 1 KB prompt', requests: options.quick ? 2000 : 6000, connections: 64, body: body(1000, false) },
  { name: 'JSON, 30 KB prompt, 200 rules with 1,000 keywords', requests: options.quick ? 500 : 2000, connections: 64, body: body(30_000, false), rules: manyRules() },
  { name: 'stream of 50 chunks', requests: options.quick ? 300 : 1000, connections: 32, body: body(1000, true), chunks: 52 },
].filter(({ name }) => name.includes(options.only));

/** The same work every time: what it takes is the machine's, and nobody's else. */
function calibration() {
  const started = process.cpuUsage();
  const words = [];
  for (let index = 0; index < 3_000_000; index++) words[index & 1023] = index * 7;
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

const directory = mkdtempSync(join(tmpdir(), 'tollfree-bench-overhead-'));
const upstream = await start([here('upstream.js')]);
const origin = `http://127.0.0.1:${upstream.word}`;
const bare = await start([here('bare.js'), origin]);
const portkey = options.without === 'portkey' ? undefined : await startPortkey(origin);

const median = (values) => quantile(values, 0.5);
const spread = (values, digits = 0) => `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;

async function daemonFor({ name, rules }) {
  const flags = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${join(tmpdir(), 'tollfree-bench-profiles')}`] : [];
  if (rules === undefined) return startDaemon(origin, { flags });
  const file = join(directory, `${name.length}.yaml`);
  writeFileSync(file, rules);
  return startDaemon(origin, { rules: file, flags });
}

/** One way's turn in a round: at saturation, then at a tenth of what it can do, where the rate is known already. */
async function turn(scene, way, requests, perSecond) {
  const before = cpuMs(way.pid);
  const { rate } = await load(way.origin, { ...scene, headers: way.headers, requests });
  const cpu = ((cpuMs(way.pid) - before) * 1000) / requests;
  const pace = (perSecond ?? rate) / 10;
  const { first } = await load(way.origin, { ...scene, headers: way.headers, requests: Math.max(50, Math.ceil(pace * CALM_SECONDS)), perSecond: pace });
  return { cpu, rate, first };
}

async function measure(scene, ways) {
  const seen = new Map(ways.map(({ name }) => [name, { cpu: [], rate: [], p50: [], p99: [], all: [] }]));
  const loops = [];
  const known = { rate: undefined };
  for (let round = -1; round < ROUNDS; round++) {
    const loop = calibration();
    if (round >= 0) loops.push(loop);
    for (const way of ways) {
      const share = way === portkey ? 0.25 : 1;
      const { cpu, rate, first } = await turn(scene, way, Math.ceil(scene.requests * share * (round < 0 ? 0.25 : 1)), way === portkey ? undefined : known.rate);
      if (way.name === 'tollfree') known.rate = rate;
      if (round < 0) continue;
      const row = seen.get(way.name);
      row.cpu.push(cpu);
      row.rate.push(rate);
      row.p50.push(quantile(first, 0.5));
      row.p99.push(quantile(first, 0.99));
      row.all.push(...first);
    }
  }
  return { seen, loops };
}

function report(scene, { seen, loops }) {
  console.log(`\n${scene.name} (${ROUNDS} rounds, median and range)`);
  console.log('  way          CPU µs a request      requests/s            at a tenth: first byte p50 ms  p99 ms                p99.9 · longest ms   over 35 ms');
  for (const [name, { cpu, rate, p50, p99, all }] of seen) {
    const longest = `${quantile(all, 0.999).toFixed(1)} · ${quantile(all, 1).toFixed(1)}`;
    console.log(`  ${name.padEnd(12)} ${(name === 'direct' ? '–' : spread(cpu)).padEnd(21)} ${spread(rate).padEnd(21)} ${spread(p50, 2).padEnd(30)} ${spread(p99, 2).padEnd(21)} ${longest.padEnd(20)} ${all.filter((time) => time > 35).length} of ${all.length}`);
  }
  const [direct, proxy, ours] = ['direct', 'bare proxy', 'tollfree'].map((name) => seen.get(name));
  // Round by round: what the machine did to one it did to the other.
  const ratios = (key, other) => spread(ours[key].map((value, round) => value / other[key][round]), 2);
  const added = (key) => spread(ours[key].map((value, round) => value - direct[key][round]), 2);
  console.log(`  tollfree ÷ bare: CPU ${ratios('cpu', proxy)}, requests/s ${ratios('rate', proxy)}; added to a direct call: p50 ${added('p50')} ms, p99 ${added('p99')} ms`);
  const peer = seen.get('Portkey');
  if (peer) console.log(`  tollfree ÷ Portkey: CPU ${ratios('cpu', peer)}, requests/s ${ratios('rate', peer)}`);
  if (scene.chunks) console.log(`  CPU a chunk: bare ${(median(proxy.cpu) / scene.chunks).toFixed(1)} µs, tollfree ${(median(ours.cpu) / scene.chunks).toFixed(1)} µs`);
  console.log(`  the machine, round by round: calibration loop ${loops.map((loop) => loop.toFixed(0)).join(' ')} ms, bare ${proxy.cpu.map((cpu) => cpu.toFixed(0)).join(' ')} µs`);
}

try {
  for (const scene of SCENES) {
    const tollfree = await daemonFor(scene);
    try {
      const ways = [
        { name: 'direct', origin, pid: upstream.pid },
        { name: 'bare proxy', origin: `http://127.0.0.1:${bare.word}`, pid: bare.pid },
        { name: 'tollfree', origin: tollfree.origin, pid: tollfree.pid },
        ...(portkey ? [portkey] : []),
      ];
      report(scene, await measure(scene, ways));
      console.log(`  memory after the load: bare ${memoryMb(bare.pid).toFixed(0)} MB, tollfree ${memoryMb(tollfree.pid).toFixed(0)} MB${portkey ? `, Portkey ${memoryMb(portkey.pid).toFixed(0)} MB` : ''}`);
    } finally {
      tollfree.stop();
    }
  }
  if (options.profile) console.log(`\nprofiles, one a scene: ${join(tmpdir(), 'tollfree-bench-profiles')}`);
} finally {
  for (const process of [portkey, bare, upstream]) process?.stop();
  rmSync(directory, { recursive: true, force: true });
}
