/** What an answer cost is what its provider says it did, where the catalogue says that it does; else tokens times price. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRecorder } from '../clients/recorder.ts';
import type { Recorder } from '../clients/recorder.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

/** 7 tokens in and 3 out at $1 a million, and half a cent for the request. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/perplexity/answer.json'), 'utf8')) as { readonly usage: object };

const state: { system: System; recorder: Recorder; usage: object } = { system: undefined as never, recorder: undefined as never, usage: {} };
beforeAll(async () => {
  const recorder = await startRecorder(() => ({ type: 'application/json', body: JSON.stringify({ ...recorded, usage: { ...recorded.usage, ...state.usage } }) }));
  const provider = (name: string, rest: string): string => `  ${name}: { base_url: "${recorder.origin}/v1", ${rest} }\n`;
  const priced = 'models: [{ name: sonar, price: { input: 1, output: 1, list_input: 3, list_output: 3 } }]';
  const providers = `providers:\n${provider('teller', `tells_cost: true, ${priced}`)}${provider('other', priced)}${provider('unpriced', 'tells_cost: true, models: [{ name: sonar }]')}`;
  const system = await startSystem({ accounts: {}, providers, settings: 'free_only: false\n', rules: 'routing_rules: [{ name: general }]\n' });
  for (const name of ['teller', 'other', 'unpriced']) expect((await system.admin('POST', '/accounts', { provider: name, key: `key-of-${name}`, check: false })).status).toBe(201);
  Object.assign(state, { system, recorder });
});
afterAll(async () => {
  await state.system.close();
  state.recorder.close();
});

async function moneyOf(provider: string, usage: object = {}): Promise<readonly (string | null)[]> {
  state.usage = usage;
  const answer = await state.system.chat({ ...hello(), model: `${provider}/sonar` });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
  return ['x-tollfree-cost-usd', 'x-tollfree-saved-usd'].map((name) => answer.headers.get(name));
}

test('fees included, against list price, and without a price; a cost nobody vouches for is not believed', async () => {
  expect(await moneyOf('teller')).toEqual(['0.00501', '0']);
  expect(await moneyOf('teller', { cost: 0.00001 })).toEqual(['0.00001', '0.00002']);
  expect(await moneyOf('teller', { cost: 0.9, is_byok: true })).toEqual(['0.00001', '0.00002']);
  expect(await moneyOf('teller', { cost: -1 })).toEqual(['0.00001', '0.00002']);
  expect(await moneyOf('other')).toEqual(['0.00001', '0.00002']);
  expect(await moneyOf('unpriced')).toEqual(['0.00501', null]);
  expect(await moneyOf('unpriced', { cost: 0.9, is_byok: true })).toEqual([null, null]);
  const stats = (await (await state.system.admin('GET', '/usage-stats?by=provider')).json()) as { readonly rows: readonly { readonly provider: string }[] };
  expect(stats.rows.toSorted((one, another) => one.provider.localeCompare(another.provider))).toMatchObject([
    { provider: 'other', cost_usd: 0.000_01, saved_usd: 0.000_02, unpriced_requests: 0 },
    { provider: 'teller', cost_usd: 0.005_04, saved_usd: 0.000_06, unpriced_requests: 0 },
    { provider: 'unpriced', cost_usd: 0.005_01, saved_usd: null, unpriced_requests: 1, unvalued_requests: 2 },
  ]);
});
