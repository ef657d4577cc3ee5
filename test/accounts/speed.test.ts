import { expect, test } from '@jest/globals';
import { createEstimates } from '../../src/accounts/estimate.ts';
import { createLedger } from '../../src/accounts/ledger.ts';
import { createPools } from '../../src/accounts/pools.ts';
import { START, model, provider, request, window } from './harness.ts';

test('a take over eight windows with 10,000 events behind it (printed, not held to a number)', () => {
  const many = 1_000_000;
  const windows = (['requests', 'tokens'] as const).flatMap((unit) => [60, 3600, 86_400, 2_592_000].map((seconds) => window(unit === 'tokens' ? many * 1000 : many, seconds, { unit })));
  const one = provider('p', [model('m', { windows })]);
  const target = { provider: one, model: one.models[0] ?? model('m') };
  const ledger = createLedger(createPools(), () => undefined, 0);
  const estimate = createEstimates().of('p', target.model, request(START));
  const place = { target, pool: 'p', accountId: 'a' };
  const take = (at: number): void => {
    const hold = ledger.take(at, place, estimate);
    if (hold === undefined) throw new Error('refused');
    ledger.release(at, hold, true);
  };
  for (let event = 0; event < 10_000; event += 1) take(START + event * 20);
  const started = performance.now();
  for (let event = 10_000; event < 20_000; event += 1) take(START + event * 20);
  const micros = ((performance.now() - started) * 1000) / 10_000;
  process.stdout.write(`a take and release over 8 windows: ${micros.toFixed(2)} µs\n`);
  expect(micros).toBeGreaterThan(0);
});
