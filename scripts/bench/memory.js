/**
 * What tollfree takes before it does anything, and what it keeps: start, memory when idle, over many requests, for each open stream,
 * and on the disk. `--requests 1000000` for the long way, `--without install` where there is no registry.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startDaemon } from './daemon.js';
import { createGoals, median, over, spread, table } from './figures.js';
import { holdStreams, load } from './load.js';
import { start } from './processes.js';

const { values: options } = parseArgs({ options: { requests: { type: 'string', default: '50000' }, starts: { type: 'string', default: '5' }, streams: { type: 'string', default: '1000' }, without: { type: 'string', default: '' } } });
const SLICES = 10;
const CONNECTIONS = 16;
/** The daemon gives back what its start took once nobody has asked for some seconds. */
const QUIET_MS = 35_000;

const repository = join(import.meta.dirname, '..', '..');
const upstreamProgram = join(import.meta.dirname, 'upstream.js');
const body = (stream) => JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Please tell me what you think of it. '.repeat(27) }], stream, max_tokens: 400 });
const goals = createGoals();

async function timed(begin) {
  const started = await begin();
  const { cpuMs } = await started.look();
  await started.stop();
  return { ms: started.readyMs, cpu: cpuMs };
}

/** An empty Node, ours with a key file, ours with a passphrase, in turn: the first tells what the machine is like. Files that are what they were at the start before are not parsed again. */
async function compareStarts() {
  const ways = {
    'an empty Node': () => start(['-e', 'console.log(1); setTimeout(() => {}, 100_000)']),
    'serve, key file, the very first time': () => startDaemon('http://127.0.0.1:9'),
    'serve, key file': () => startDaemon('http://127.0.0.1:9', { again: true }),
    'serve, passphrase': () => startDaemon('http://127.0.0.1:9', { again: true, words: 'correct horse battery staple' }),
  };
  const seen = Object.fromEntries(Object.keys(ways).map((name) => [name, { ms: [], cpu: [] }]));
  for (let round = 0; round < Number(options.starts); round++) {
    for (const [name, begin] of Object.entries(ways)) {
      const { ms, cpu } = await timed(begin);
      seen[name].ms.push(ms);
      seen[name].cpu.push(cpu);
    }
  }
  const { 'an empty Node': empty, 'serve, key file': keyFile, 'serve, passphrase': passphrase } = seen;
  console.log(`\nstart to ready (${options.starts} times, median and range)`);
  table([['', 'ms', 'CPU ms, all threads', 'CPU ÷ an empty Node'], ...Object.entries(seen).map(([name, { ms, cpu }]) => [name, spread(ms), spread(cpu), spread(over(cpu, empty.cpu), 1)])]);
  goals.add('start to ready with a key file, ms', keyFile.ms, { most: 500 });
  console.log(`  one Argon2: ${(median(passphrase.ms) - median(keyFile.ms)).toFixed(0)} ms`);
}

async function growth(daemon) {
  const each = Math.ceil(Number(options.requests) / SLICES);
  await load(daemon.origin, { body: body(false), connections: CONNECTIONS, seconds: 0, least: Math.min(each, 5_000) });
  const slices = [];
  for (let slice = 0; slice < SLICES; slice++) {
    const { failed, reason } = await load(daemon.origin, { body: body(false), connections: CONNECTIONS, seconds: 0, least: each });
    if (failed > 0) console.log(`  ${failed} requests failed: ${reason}`);
    const busy = await daemon.look();
    const { heapMb } = await daemon.look({ collected: true });
    slices.push({ rss: busy.rssMb, heap: heapMb });
  }
  console.log(`\n${SLICES} times ${each} requests`);
  table([['', ...slices.map((_slice, index) => String(index + 1))], ...[['resident MB', 'rss'], ['heap MB, collected', 'heap']].map(([name, key]) => [name, ...slices.map((slice) => slice[key].toFixed(1))])]);
  // The first half may still fill caches that have an end.
  const half = SLICES / 2;
  for (const [name, key, most] of [['resident', 'rss', 10], ['collected heap', 'heap', 2]]) {
    goals.add(`${name} MB, last half less the half before`, [median(slices.slice(half).map((slice) => slice[key])) - median(slices.slice(0, half).map((slice) => slice[key]))], { most });
  }
}

async function streams(daemon) {
  const count = Number(options.streams);
  const holding = async (streams) => {
    const open = await holdStreams(daemon.origin, { body: body(true), streams, overSeconds: 2 });
    await pause(500);
    const seen = await daemon.look({ collected: true });
    const { failed, reason } = open.close();
    if (failed > 0) console.log(`  ${failed} streams failed: ${reason}`);
    await pause(1_000);
    return seen;
  };
  await holding(Math.ceil(count / 10));
  const before = await daemon.look({ collected: true });
  const open = await holding(count);
  const kilobytes = (key) => ((open[key] - before[key]) * 1024) / count;
  console.log(`\n${count} open streams: ${kilobytes('rssMb').toFixed(1)} KB resident each, of it heap ${kilobytes('heapMb').toFixed(1)} KB`);
  goals.add('resident KB an open stream', [kilobytes('rssMb')], { most: 48 });
}

function megabytes(path) {
  const entry = lstatSync(path);
  if (!entry.isDirectory()) return entry.size / 2 ** 20;
  return readdirSync(path).reduce((sum, name) => sum + megabytes(join(path, name)), 0);
}

function installation() {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-bench-install-'));
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(repository, name), join(directory, name));
    const npm = (...words) => execFileSync('npm', words, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
    const before = performance.now();
    npm('ci');
    const seconds = (performance.now() - before) / 1000;
    npm('prune', '--omit=dev');
    const size = megabytes(join(directory, 'node_modules')) + megabytes(join(repository, 'dist'));
    const largest = readdirSync(join(directory, 'node_modules')).map((name) => [name, megabytes(join(directory, 'node_modules', name))]).sort(([, a], [, b]) => b - a).slice(0, 5);
    console.log(`\nnpm ci ${seconds.toFixed(1)} s; installed for production ${size.toFixed(1)} MB, most of it ${largest.map(([name, mb]) => `${name} ${mb.toFixed(1)}`).join(', ')}`);
    goals.add('npm ci, s', [seconds], { most: 30 });
    goals.add('installed for production, MB', [size], { most: 80 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await compareStarts();
const upstream = await start([upstreamProgram]);
const daemon = await startDaemon(`http://127.0.0.1:${upstream.word}`, { again: true });
try {
  await pause(QUIET_MS);
  const { rssMb, heapMb } = await daemon.look();
  console.log(`\nidle after ${QUIET_MS / 1000} s: ${rssMb.toFixed(1)} MB resident, heap ${heapMb.toFixed(1)} MB`);
  goals.add('idle, resident MB', [rssMb], { most: 90 });
  await growth(daemon);
} finally {
  await daemon.stop();
  await upstream.stop();
}
const slow = await start([upstreamProgram, '1000']);
const slowly = await startDaemon(`http://127.0.0.1:${slow.word}`, { again: true });
try {
  await streams(slowly);
} finally {
  await slowly.stop();
  await slow.stop();
}
if (options.without !== 'install') installation();
goals.tell();
