/**
 * The daemon under steady load with faults, for as long as one likes: `npm run soak -- --minutes 60 --clients 20 --faults 0.05`.
 * A line every few seconds, a plot at the end; fails where memory, sockets or timers grow, or where the windows are not what upstream counted.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSimulators } from '../dist/sim/simulators.js';
import { makeKeyFile } from '../dist/vault/find-unlock.js';
import { openVault } from '../dist/vault/vault.js';
import { memoryMb, start } from './bench/processes.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, clients: { type: 'string', default: '20' }, faults: { type: 'string', default: '0.05' } } });
const minutes = Number(values.minutes);
const clients = Number(values.clients);
const probability = Number(values.faults);
const ADMIN_TOKEN = 'soak';
const MODELS = { groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b', openrouter: 'z-ai/glm-5.2:free' };
const DAY = 86_400;
const plenty = { windows: [{ requests: 100_000_000, seconds: DAY, kind: 'rolling' }] };
/** A line this often; a hundred lines make the plot. */
const everyMs = Math.max(1_000, (minutes * 60_000) / 100);

const faults = [
  { kind: 'answer', status: 500, body: '' }, { kind: 'answer', status: 529, body: '' }, { kind: 'reset' }, { kind: 'close', after: 3 }, { kind: 'malformed', after: 2 }, { kind: 'end', after: 4 },
  { kind: 'empty' }, { kind: 'html' }, { kind: 'swap' }, { kind: 'framing', bytes: 7, newline: 'crlf' }, { kind: 'silence', after: 2 }, { kind: 'error-event', after: 1 },
];

async function startAll() {
  const names = Object.keys(MODELS);
  const simulators = await startSimulators({
    pace: { firstMs: 20, tokenMs: 2 },
    limits: Object.fromEntries(names.map((name) => [name, { rate_limit: plenty, models: 'together' }])),
    faults: faults.map((fault) => ({ probability: probability / faults.length, fault })),
  });
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-soak-'));
  const at = (name) => join(directory, name);
  mkdirSync(at('data'), { mode: 0o700 });
  const vault = await openVault({ file: at('data/vault.json'), pid: process.pid, now: Date.now });
  await vault.create([await makeKeyFile(at('vault.key'))]);
  await vault.addAll(names.flatMap((provider) => ['one', 'two'].map((label) => ({ provider, label, origin: simulators.origins[provider], key: `sim-${provider}-${label}` }))));
  vault.lock();
  writeFileSync(at('providers.yaml'), JSON.stringify({ providers: Object.fromEntries(names.map((name) => [name, { base_url: simulators.baseUrls[name], rate_limit: plenty, models: [{ name: MODELS[name], context: 131_072, price: { input: 0, output: 0 } }] }])) }));
  writeFileSync(at('rules.yaml'), JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: names }], default_rule: 'general' }));
  writeFileSync(at('tollfree.yaml'), 'log: { format: json }\ndeadlines: { stall: 2s }\n');
  const env = {
    PATH: process.env.PATH,
    TOLLFREE_CONFIG: at('tollfree.yaml'), TOLLFREE_PROVIDERS: at('providers.yaml'), TOLLFREE_RULES: at('rules.yaml'), TOLLFREE_DATA_DIR: at('data'),
    TOLLFREE_KEY_FILE: at('vault.key'), TOLLFREE_PORT: '0', TOLLFREE_ADMIN_TOKEN: ADMIN_TOKEN,
  };
  const daemon = await start([join(import.meta.dirname, '..', 'dist', 'cli', 'index.js'), 'serve'], { env, stdio: ['ignore', 'ignore', 'pipe'], ready: /listening on (http:\/\/[^/]+)/ });
  const stop = async () => {
    await daemon.stop();
    await simulators.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  };
  return { simulators, daemon, stop };
}

const { simulators, daemon, stop } = await startAll();
const url = daemon.word;
const totals = { requests: 0, failed: 0, broken: 0, turnedAway: 0, upstream: 0 };
const round = { latencies: [] };
const state = { over: false };

async function client(number) {
  for (let count = 0; !state.over; count++) {
    const stream = (number + count) % 2 === 0;
    const at = performance.now();
    const body = JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: `question ${number}-${count}: tell me a story` }] });
    try {
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const text = await answer.text();
      totals.requests += 1;
      if (text.includes('"server_overloaded"')) {
        // Short of time on a busy machine: it is asked again when it said.
        totals.turnedAway += 1;
        await sleep(Number(answer.headers.get('retry-after')) * 1_000);
        continue;
      }
      if (answer.status !== 200) totals.failed += 1;
      else if (stream && !text.endsWith('data: [DONE]\n\n')) totals.broken += 1;
    } catch {
      totals.failed += 1;
    }
    round.latencies.push(performance.now() - at);
  }
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
const sockets = () => readdirSync(`/proc/${daemon.pid}/fd`).length;

async function timers() {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_active_resources\{type="Timeout"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

async function look(startedAt) {
  const sorted = round.latencies.toSorted((one, other) => one - other);
  round.latencies = [];
  const seen = { seconds: Math.round((performance.now() - startedAt) / 1000), p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), memory: memoryMb(daemon.pid), sockets: sockets(), timers: await timers() };
  process.stdout.write(`${String(seen.seconds).padStart(6)} s  ${totals.requests} requests  ${totals.failed} failed  ${totals.broken} broken  ${totals.turnedAway} turned away  p50 ${seen.p50.toFixed(0)} ms  p99 ${seen.p99.toFixed(0)} ms  ${seen.memory.toFixed(0)} MB  ${seen.sockets} files  ${seen.timers} timers\n`);
  return seen;
}

const BARS = '▁▂▃▄▅▆▇█';
function plot(title, numbers, unit) {
  const most = Math.max(...numbers, 1);
  const bars = numbers.map((number) => BARS[Math.min(BARS.length - 1, Math.floor((number / most) * BARS.length))]).join('');
  process.stdout.write(`${title.padEnd(8)} ${bars} most ${most.toFixed(0)} ${unit}\n`);
}

/** Requests in the day's windows of all pools. */
async function counted() {
  const { accounts } = await (await fetch(`${url}/admin/accounts`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json();
  return accounts.flatMap(({ windows }) => windows).filter(({ unit, seconds, model }) => unit === 'requests' && seconds === DAY && model === undefined).reduce((sum, { used }) => sum + used, 0);
}

/** V8 takes this long to find its size. */
const SETTLED_MINUTES = 5;
const median = (numbers) => percentile(numbers.toSorted((one, other) => one - other), 0.5);
/** The first tenth warms up: what grew since then grows for ever. */
const grew = (numbers) => median(numbers.slice(-Math.ceil(numbers.length / 4))) / median(numbers.slice(Math.ceil(numbers.length / 10), Math.ceil(numbers.length / 2)));

const startedAt = performance.now();
const running = Array.from({ length: clients }, (_, number) => client(number));
const looks = [];
while (performance.now() - startedAt < minutes * 60_000) {
  await sleep(everyMs);
  // Records are bounded: counted and let go, so that a long run recounts all of them.
  const done = simulators.calls({ path: '/chat/completions' });
  if (done.length > 50_000 && done.every(({ outcome }) => outcome !== 'open')) {
    totals.upstream += done.length;
    simulators.clearCalls();
  }
  looks.push(await look(startedAt));
}
state.over = true;
await Promise.all(running);
totals.upstream += simulators.calls({ path: '/chat/completions' }).length;
const windows = await counted();

plot('memory', looks.map(({ memory }) => memory), 'MB');
plot('p50', looks.map(({ p50 }) => p50), 'ms');
plot('p99', looks.map(({ p99 }) => p99), 'ms');
plot('files', looks.map(({ sockets: open }) => open), '');
plot('timers', looks.map(({ timers: running }) => running), '');
const verdicts = [
  [`the windows hold ${windows}, upstream saw ${totals.upstream}`, windows === totals.upstream],
  [`memory grew by a factor of ${grew(looks.map(({ memory }) => memory)).toFixed(2)}`, grew(looks.map(({ memory }) => memory)) < 1.25 || minutes < SETTLED_MINUTES],
  [`files grew by a factor of ${grew(looks.map(({ sockets: open }) => open)).toFixed(2)}`, grew(looks.map(({ sockets: open }) => open)) < 1.25],
  [`timers grew by a factor of ${grew(looks.map(({ timers: running }) => running)).toFixed(2)}`, grew(looks.map(({ timers: running }) => running)) < 1.5],
  [`${totals.failed} of ${totals.requests} requests failed before they began`, totals.failed < totals.requests / 100],
];
for (const [words, good] of verdicts) process.stdout.write(`${good ? 'ok    ' : 'FAILED'} ${words}\n`);
await stop();
process.exitCode = verdicts.every(([, good]) => good) ? 0 : 1;
