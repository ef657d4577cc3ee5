/**
 * How much of what upstream would give each way of asking gets, and what it costs: see docs/benchmarks.md.
 * With a word as argument, only scenarios whose name has it; `--refusals` lists what upstream refused tollfree, and what clients were told
 * while upstream had room.
 */
import { now, runUntil, startOver } from './yield-time.js';
import { performance } from 'node:perf_hooks';
import { startLoad } from './yield-load.js';
import { sceneOf, scenarios } from './yield-scenarios.js';
import { clairvoyant, clairvoyantOvertaking, reservoirs, tollfree, untilRefused } from './yield-schedulers.js';
import { createUpstream } from './yield-upstream.js';

const MINUTES = 20.5;
const MINUTE_MS = 60_000;
/** The first of them tell what is wrong. */
const MESSAGES_KEPT = 10;
const words = process.argv.slice(2);
const wanted = words.find((word) => !word.startsWith('--')) ?? '';
const showRefusals = words.includes('--refusals');

async function run(schedule, scenario, { minutes = MINUTES }) {
  startOver();
  const scene = sceneOf(scenario);
  const upstream = createUpstream({ ...scenario, limits: scene.limits });
  const outcome = { answered: [], errors: 0, avoidable: 0, retryAfter: [], messages: [], upstream };
  /** A client was refused: was there room for it, and was the time it was told the true one? */
  function missed(question, { waiting, failure }) {
    outcome.errors += 1;
    const tokensOf = upstream.reserve(question);
    const room = upstream.room(scene.options, tokensOf);
    const avoidable = room - waiting - upstream.counts.onTheWay > 0;
    if (avoidable) outcome.avoidable += 1;
    if (avoidable && failure !== undefined && outcome.messages.length < MESSAGES_KEPT) outcome.messages.push(`${((now() - start) / 1000).toFixed(3)} ${failure.kind}: ${failure.message}`);
    if (failure?.retryAt === undefined || waiting + upstream.counts.onTheWay > 0) return;
    outcome.retryAfter.push(failure.retryAt - (room > 0 ? now() : upstream.opensAt(scene.options, tokensOf)));
  }
  const start = now();
  const ask = schedule({ ...scene, upstream, missed });
  const end = start + (scenario.minutes ?? minutes) * MINUTE_MS;
  startLoad(scenario.load, end, async (question, deadline) => {
    const result = await ask(question, deadline);
    if (result.ok) outcome.answered.push({ at: result.admittedAt - start, amount: scenario.load.sizes === undefined ? 1 : result.tokens });
    return result;
  });
  await runUntil(end);
  outcome.ms = end - start;
  return outcome;
}

/** Answered, as it stood on average over the last minute: where in a window the clock stops must not matter. */
function yieldOf({ answered, ms }) {
  const from = ms - MINUTE_MS;
  return answered.reduce((sum, { at, amount }) => sum + amount * Math.max(0, Math.min(1, (ms - at) / (ms - from))), 0);
}

const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
const pad = (text, width) => String(text).padStart(width);
const seconds = (errors) => {
  if (errors.length === 0) return '–';
  const worst = errors.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most), 0);
  return `${worst >= 0 ? '+' : ''}${(worst / 1000).toFixed(2)} s`;
};
const brief = ({ answered, upstream, errors, avoidable }, optimum) => [percent(yieldOf({ answered, ms: optimum.ms }), yieldOf(optimum)), upstream.counts.refused, `${errors}/${avoidable}`];

const widths = [46, 9, 9, 8, 12, 11, 4, 9, 8, 13, 9, 8, 13];
const line = (cells) => console.log(cells.map((cell, index) => (index === 0 ? String(cell).padEnd(widths[0]) : pad(cell, widths[index]))).join(''));

console.log('Virtual time: the daemon\'s own gateway, line, windows and readers against the simulators\' own counters, headers and refusals,');
console.log('over a virtual network (5 to 75 ms each way unless told) without sockets. Twenty minutes each, an hour where something has to be learned. The optimum is a scheduler');
console.log('that sees upstream\'s counters, serves in the order of the line, and whose calls need no time to get there. "errors" are what clients saw: all / while upstream had room.');
console.log('Where sizes are mixed, tokens are counted instead of answers. Retry-After: the worst error of the told time, where nobody else waited.\n');
line(['', 'optimum', 'tollfree', 'refused', 'errors', 'retry-after', '', 'Bottlen.', 'refused', 'errors', 'till 429', 'refused', 'errors']);

const began = performance.now();
const missedGoals = [];
let group = {};
for (const one of scenarios) {
  if (one.group !== undefined) {
    group = one;
    if (wanted === '') console.log(one.group);
    continue;
  }
  if (!one.name.includes(wanted)) continue;
  const optimum = await run(clairvoyant, one, group);
  const own = await run(tollfree, one, group);
  const others = [await run(reservoirs, one, group), await run(untilRefused, one, group)];
  const [share, refused, errors] = brief(own, optimum);
  line([`  ${one.name}`, Math.round(yieldOf(optimum)), share, refused, errors, seconds(own.retryAfter), '', ...others.flatMap((other) => brief(other, optimum))]);
  const overtaking = one.packs === undefined ? undefined : await run(clairvoyantOvertaking, one, group);
  if (overtaking !== undefined) line(['    of what comes if small ones overtake large ones', Math.round(yieldOf(overtaking)), percent(yieldOf(own), yieldOf(overtaking))]);
  const allowed = (one.learns ?? group.learns ?? 0) * (one.pools ?? 1);
  if (yieldOf(own) < 0.99 * yieldOf(optimum) || own.upstream.counts.refused > allowed || own.avoidable > 0 || own.retryAfter.some((error) => Math.abs(error) > 1000)) missedGoals.push(`${one.name} (${share}, ${refused} refused, ${errors} errors, retry-after ${seconds(own.retryAfter)})`);
  if (showRefusals) for (const { at, account, status, text } of own.upstream.counts.refusals) console.log('     ', account, ((at - (now() - own.ms)) / 1000).toFixed(3), status, text.slice(0, 150));
  if (showRefusals) for (const message of own.messages) console.log('      told while there was room:', message);
}
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s of real time.`);
console.log(missedGoals.length === 0 ? 'Every goal is met.' : `Not met: ${missedGoals.join('; ')}.`);
