/**
 * What the record costs: a million finished requests written while the loop is watched, then every statistic asked for.
 * `--requests N` for another number. Absolute figures drift with the machine.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
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

const directory = mkdtempSync(join(tmpdir(), 'tollfree-bench-record-'));
const retention = { requestsMs: 90 * DAY_MS, mostRequests: 100_000_000, totalsMs: 400 * DAY_MS };
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

/** The longest turn of the loop while something else goes on. */
function watchLoop() {
  const state = { last: performance.now(), longest: 0, over: false };
  const look = () => {
    const now = performance.now();
    state.longest = Math.max(state.longest, now - state.last);
    state.last = now;
    if (!state.over) setImmediate(look);
  };
  look();
  return () => {
    state.over = true;
    return state.longest;
  };
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
  }
  const { total } = await record.stats({ by: [], from: '2026-07-01', limit: 1, offset: 0 });
  const seconds = (performance.now() - started.at) / 1000;
  console.log(`${total.requests} requests in ${seconds.toFixed(1)} s; on a request's way: median ${(quantile(observed, 0.5) * 1000).toFixed(1)} µs, p99.9 ${(quantile(observed, 0.999) * 1000).toFixed(1)} µs, longest ${(quantile(observed, 1) * A_TURN).toFixed(2)} ms for ${A_TURN}`);
  console.log(`CPU of both threads: ${((cpu() - started.cpu) / REQUESTS).toFixed(1)} µs a request (making it up included); memory ${rss().toFixed(0)} MB`);
  const files = readdirSync(join(directory, 'record'));
  console.log(`disk: ${files.map((name) => `${name} ${(statSync(join(directory, 'record', name)).size / 2 ** 20).toFixed(1)} MB`).join(', ')}`);

  const ways = [['key'], ['project'], ['provider'], ['model'], ['account'], ['day'], ['week'], ['month'], ['day', 'key'], ['day', 'key', 'model']];
  for (const by of [undefined, ...ways]) {
    const times = [];
    const stalls = [];
    for (let round = 0; round < 10; round++) {
      await turn();
      const stop = watchLoop();
      const before = performance.now();
      await (by === undefined ? pause(50) : record.stats({ by, from: '2026-07-01', limit: 500, offset: 0 }));
      times.push(performance.now() - before);
      stalls.push(stop());
    }
    const took = `median ${quantile(times, 0.5).toFixed(1).padStart(6)} ms, longest ${quantile(times, 1).toFixed(1).padStart(6)} ms`;
    console.log(`${(by === undefined ? 'nothing asked' : `by ${by.join(', ')}`).padEnd(19)} ${took}; loop stalled median ${quantile(stalls, 0.5).toFixed(1)} ms, at most ${quantile(stalls, 1).toFixed(1)} ms`);
  }
} finally {
  await record.close();
  rmSync(directory, { recursive: true });
}
