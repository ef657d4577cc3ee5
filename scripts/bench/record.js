/**
 * What the record costs: a million finished requests written while the loop is watched, then every statistic asked for.
 * `--requests N` for another number. Times drift with the machine and with who else is on it; CPU does less.
 * Fails where a statistic takes 200 ms of CPU, or stalls the loop 5 ms longer than a loop that nobody asks anything.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import process from 'node:process';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { createRecord } from '../../dist/usage/record.js';
import { quantile } from './figures.js';

const given = process.argv.indexOf('--requests');
const REQUESTS = given === -1 ? 1_000_000 : Number(process.argv[given + 1]);
const DAYS = 30;
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 6, 1);
/** A busy loop's share: so many requests end in one turn of it. */
const A_TURN = 20;
/** 30 MB of the spool. */
const A_BATCH = 40_000;

const directory = mkdtempSync(join(tmpdir(), 'tollfree-bench-record-'));
const retention = { requestsMs: 4_000 * DAY_MS, mostRequests: 100_000_000, totalsMs: 4_000 * DAY_MS };
const rss = () => process.memoryUsage().rss / 2 ** 20;
const cpu = () => Object.values(process.cpuUsage()).reduce((sum, each) => sum + each, 0);

/** Six providers with five models and two accounts each, twenty keys in five projects: 36,000 sums a month. */
function finished(number) {
  const at = START + Math.floor((number / REQUESTS) * DAYS * DAY_MS);
  const dice = Math.imul(number, 0x9e3779b1) >>> 8;
  const provider = `provider-${dice % 6}`;
  const model = `maker/model-${(dice >>> 3) % 5}`;
  const account = `account-${(dice >>> 6) % 2}`;
  const key = (dice >>> 7) % 20;
  const attempts = (number % 10 === 0 ? ['rate-minute', 'ok'] : ['ok']).map((outcome) => ({ provider, account, model, outcome, sent: true, startedAt: at, firstContentAt: at + 200, endedAt: at + 900 }));
  const request = { id: `req_${number.toString(16).padStart(32, '0')}`, surface: 'chat', model: 'auto', stream: number % 2 === 0, caller: { id: `vk_${key}`, key: `key-${key}`, project: `project-${key % 5}` }, receivedAt: at };
  const summary = { status: 200, rule: 'general', words: [], attempts, provider, account, model, usage: { input: 800, output: 300 }, costUsd: 0, savedUsd: 0.0003, queueMs: 0, firstContentMs: 200, totalMs: 100 + (number % 3000), overheadMs: 1 };
  return { type: 'request-finished', request, summary };
}

/** What it takes, in milliseconds: time, CPU of both threads, and the longest the loop was away meanwhile. */
async function measure(job) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = { at: performance.now(), cpu: cpu() };
  await job();
  const took = { ms: performance.now() - before.at, cpu: (cpu() - before.cpu) / 1000 };
  // Who comes back late is counted when it comes back.
  await turn();
  delay.disable();
  return { ...took, stall: delay.max / 1e6 };
}

const idle = rss();
const record = createRecord({ dataDirectory: directory, retention, now: Date.now, emit: (event) => console.log(event) });
try {
  await record.stats({ by: [], from: '2026-07-01', limit: 1, offset: 0 });
  console.log(`memory of its thread, idle: ${(rss() - idle).toFixed(1)} MB`);

  const observed = [];
  const started = { at: performance.now(), cpu: cpu() };
  for (let number = 0; number < REQUESTS; number += A_TURN) {
    const events = Array.from({ length: Math.min(A_TURN, REQUESTS - number) }, (_, index) => finished(number + index));
    const before = performance.now();
    for (const event of events) record.observe(event);
    observed.push((performance.now() - before) / events.length);
    await turn();
    // Faster than any daemon writes, the spool would fill up before the database has taken it in.
    if (number % A_BATCH === 0) await record.stats({ by: [], from: '2026-07-01', limit: 1, offset: 0 });
  }
  const { total } = await record.stats({ by: [], from: '2026-07-01', limit: 1, offset: 0 });
  const seconds = (performance.now() - started.at) / 1000;
  console.log(`${total.requests} requests in ${seconds.toFixed(1)} s; on a request's way: median ${(quantile(observed, 0.5) * 1000).toFixed(1)} µs, p99.9 ${(quantile(observed, 0.999) * 1000).toFixed(1)} µs, longest ${(quantile(observed, 1) * A_TURN).toFixed(2)} ms for ${A_TURN}`);
  console.log(`CPU of both threads: ${((cpu() - started.cpu) / REQUESTS).toFixed(1)} µs a request (making it up included); memory ${rss().toFixed(0)} MB`);
  const files = readdirSync(join(directory, 'record'));
  console.log(`disk: ${files.map((name) => `${name} ${(statSync(join(directory, 'record', name)).size / 2 ** 20).toFixed(1)} MB`).join(', ')}`);

  const ways = [['key'], ['project'], ['provider'], ['model'], ['account'], ['day'], ['week'], ['month'], ['day', 'key'], ['day', 'key', 'model']];
  const jobs = [['nothing asked', () => pause(50)], ...ways.map((by) => [`by ${by.join(', ')}`, () => record.stats({ by, from: '2026-07-01', limit: 500, offset: 0 })])];
  const rounds = new Map(jobs.map(([name]) => [name, []]));
  for (let round = 0; round < 20; round++) for (const [name, job] of jobs) rounds.get(name).push(await measure(job));
  const of = (name, figure, share) => quantile(rounds.get(name).map((each) => each[figure]), share);
  const calm = of('nothing asked', 'stall', 0.5);
  for (const [name] of jobs) {
    const figures = [`${of(name, 'ms', 0.5).toFixed(0).padStart(5)} ms`, `CPU ${of(name, 'cpu', 0.5).toFixed(0).padStart(4)} ms`, `loop away ${of(name, 'stall', 0.5).toFixed(1)} ms, at most ${of(name, 'stall', 1).toFixed(1)} ms`];
    const missed = name !== 'nothing asked' && (of(name, 'cpu', 0.5) >= 200 || of(name, 'stall', 0.5) - calm >= 5);
    console.log(`${name.padEnd(19)} ${figures.join('; ')}${missed ? '  too much' : ''}`);
    if (missed) process.exitCode = 1;
  }
} finally {
  await record.close();
  rmSync(directory, { recursive: true });
}
