/** What OpenRouter sells its free models for, learned from the list that is fetched anyway. */
import { afterEach, expect, test } from '@jest/globals';
import { startDaemon } from '../../src/main.ts';
import type { Daemon } from '../../src/main.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const FREE = 'z-ai/glm-5.2:free';
const SOLD = { input: 0.6, output: 2.2 };

const state: { system?: System; again?: Daemon } = {};
afterEach(async () => {
  await state.again?.stop();
  await state.system?.close();
});

async function savedAt(url: string): Promise<{ readonly told: string | null; readonly worth: number }> {
  const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello(), model: `openrouter/${FREE}` }) });
  const { usage } = (await answer.json()) as { readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number } };
  return { told: answer.headers.get('x-tollfree-saved-usd'), worth: (usage.prompt_tokens * SOLD.input + usage.completion_tokens * SOLD.output) / 1e6 };
}

const listPriceAt = async (url: string): Promise<unknown> => {
  const { providers } = (await (await fetch(`${url}/admin/providers`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json()) as { readonly providers: readonly { readonly name: string; readonly models: readonly { readonly name: string; readonly price: object }[] }[] };
  return providers.find(({ name }) => name === 'openrouter')?.models.find(({ name }) => name === FREE)?.price;
};

test('an answer saves what it would have cost; a restart knows without asking again', async () => {
  const system = (state.system = await startSystem({ accounts: { openrouter: ['one'] } }));
  const lists = (): number => system.simulators.calls({ path: '/models' }).length;
  const price = { input: 0, output: 0, list_input: SOLD.input, list_output: SOLD.output };
  await system.simulators.callsUntil({ path: '/models', outcome: 'finished' }, 1);
  while (JSON.stringify(await listPriceAt(system.url)) !== JSON.stringify(price));
  const first = await savedAt(system.url);
  expect(Number(first.told)).toBeCloseTo(first.worth, 8);
  expect(first.worth).toBeGreaterThan(0);

  await system.daemon.stop();
  state.again = await startDaemon({ environment: system.environment, directory: system.directory, load: { lateMs: Number.POSITIVE_INFINITY } });
  const url = `http://127.0.0.1:${state.again.port}`;
  expect(await listPriceAt(url)).toEqual(price);
  const second = await savedAt(url);
  expect(Number(second.told)).toBeCloseTo(second.worth, 8);
  expect(lists()).toBe(1);
});
