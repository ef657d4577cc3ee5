/** The time a refused client is told: just before it nobody could serve it, and then somebody does. */
import { expect, test } from '@jest/globals';
import { array, assert, asyncProperty, constantFrom, integer, oneof, record } from 'fast-check';
import type { Limits, WindowLimit } from '../../src/types.ts';
import { START, account, createHouse, createTime, model, provider, window } from './harness.ts';

const kinds = constantFrom<WindowLimit['kind']>('rolling', 'refill', 'calendar');

/** Requests and tokens, by the second, the minute, the hour and an odd span. */
const limits = array(
  oneof(
    record({ unit: constantFrom('requests' as const), limit: integer({ min: 1, max: 6 }), seconds: constantFrom(1, 60, 100, 3600), kind: kinds }),
    record({ unit: constantFrom('tokens' as const), limit: integer({ min: 60, max: 300 }), seconds: constantFrom(60, 3600), kind: kinds }),
  ),
  { minLength: 1, maxLength: 4 },
).map((all) => all.filter(({ unit, seconds }, index) => all.findIndex((other) => other.unit === unit && other.seconds === seconds) === index));

const steps = array(record({ wait: oneof(integer({ min: 0, max: 200 }), integer({ min: 0, max: 70_000 })), tokens: integer({ min: 1, max: 40 }) }), { maxLength: 25 });

const told = (specs: readonly Pick<WindowLimit, 'unit' | 'limit' | 'seconds' | 'kind'>[]): Limits => ({ windows: specs.map(({ limit, seconds, ...rest }) => window(limit, seconds, rest)) });

/** A millionth of a request of an hour's bucket flows back in this time. */
const ROUNDING_MS = 4;

test('an account that small requests have spent is told free by what a large one needs', async () => {
  const time = createTime(START);
  const limits = told([{ unit: 'requests', limit: 1, seconds: 300, kind: 'rolling' }, { unit: 'tokens', limit: 100, seconds: 3600, kind: 'rolling' }]);
  const house = createHouse([provider('one', [model('m', limits)])], [account('one', 'a')], { time });
  const ask = (tokens: number) => ({ request: { promptTokens: tokens, maxOutput: 0, deadline: time.now() } });
  (await house.ask(ask(90))).settle({ input: 90, output: 0 });
  time.skip(1_000);
  const small = await house.refusal(ask(5));
  const large = await house.refusal(ask(90));
  const again = await house.refusal(ask(5));
  const seconds = [small, large, again].map((refusal) => ('retryAt' in refusal ? Math.floor(((refusal.retryAt ?? Number.NaN) - START) / 1_000) : undefined));
  expect(seconds).toEqual([300, 3600, 300]);
});

test('the earliest of all candidates, each over all of its windows, whatever was asked before', async () => {
  await assert(asyncProperty(limits, limits, limits, steps, async (own, whole, others, asked) => {
    const time = createTime(START + 12_345);
    const one = provider('one', [model('m', told(own))], { limits: told(whole) });
    const two = provider('two', [model('m', told(others))]);
    const house = createHouse([one, two], [account('one', 'a'), account('one', 'b'), account('two', 'a')], { time });
    for (const { wait, tokens } of asked) {
      time.skip(wait);
      const ask = () => ({ request: { promptTokens: tokens, maxOutput: 0, deadline: time.now() } });
      const end = { input: tokens, output: 0 };
      const lease = await house.ask(ask()).catch(() => undefined);
      if (lease !== undefined) {
        lease.settle(end);
        continue;
      }
      const refusal = await house.refusal(ask());
      const retryAt = 'retryAt' in refusal ? (refusal.retryAt ?? Number.NaN) : Number.NaN;
      const before = Math.max(0, retryAt - ROUNDING_MS - time.now());
      time.skip(before);
      if (before > 0) expect(await house.refusal(ask())).toMatchObject({ kind: 'exhausted', retryAt });
      time.skip(retryAt - time.now());
      (await house.ask(ask())).settle(end);
    }
  }), { numRuns: 200 });
});
