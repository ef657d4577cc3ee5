/**
 * What a take over eight windows and its end cost with 100,000 events behind it, in processor time: see docs/quotas.md.
 */
import { createEstimates } from '../../dist/accounts/estimate.js';
import { createLedger } from '../../dist/accounts/ledger.js';
import { createPools } from '../../dist/accounts/pools.js';

const EVENTS = 100_000;
const MEASURED = 100_000;
const ROUNDS = 5;
/** A Tuesday, off the turn of every window. */
const START = Date.UTC(2026, 2, 10, 9, 13, 17, 345);
const IN_FLIGHT = 50;
/** Between two calls. */
const STEP_MS = 20;
const MANY = 1e12;

const window = (unit, seconds, kind) => ({ unit, seconds, kind, limit: MANY });
const eight = (kinds) => ['requests', 'tokens'].flatMap((unit, index) => [60, 3600, 86_400, 2_592_000].map((seconds, place) => window(unit, seconds, kinds[(place + index) % kinds.length])));

function measure(kinds) {
  const windows = eight(kinds);
  const model = { name: 'm', aliases: [], capabilities: ['text_generation'], limits: { windows: windows.slice(4) }, price: { input: 0, output: 0 } };
  const provider = { name: 'p', title: 'p', status: 'active', baseUrl: 'https://p.test', dialect: 'openai', priority: 1, quotaScope: 'account', limits: { windows: windows.slice(0, 4) }, omit: [], rename: {}, headers: {}, models: [model] };
  const ledger = createLedger(createPools(), { must: () => undefined, may: () => undefined }, 0);
  const estimate = createEstimates(() => undefined).of('p', model, { surface: 'chat', promptTokens: 100 });
  const place = { target: { provider, model }, pool: 'p', accountId: 'a' };
  let at = START;
  const open = [];
  const run = (times) => {
    const before = process.cpuUsage();
    for (let call = 0; call < times; call += 1) {
      at += STEP_MS;
      open.push(ledger.take(at, place, estimate));
      // Every other answer begins at once.
      if (call % 2 === 0) ledger.seen(at + STEP_MS / 2, open.at(-1));
      if (open.length > IN_FLIGHT) ledger.release(at, open.shift(), true);
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };
  run(EVENTS);
  return Math.min(...Array.from({ length: ROUNDS }, () => run(MEASURED)));
}

console.log(`µs of processor time for a take and its end, best of ${ROUNDS} rounds of ${MEASURED}, over eight windows (four of the pool, four of the model), ${EVENTS} events behind them:`);
for (const kinds of [['rolling'], ['refill'], ['calendar'], ['rolling', 'refill', 'calendar']]) {
  console.log(`  ${kinds.join(', ').padEnd(28)} ${measure(kinds).toFixed(2)}`);
}
