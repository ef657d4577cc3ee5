/** OpenAI's official client asking for what some models pass over in silence: whoever takes it answers, or it is told by name. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem();
});
beforeEach(() => state.system.simulators.clearCalls());
afterAll(() => state.system.close());

const MODEL = 'openrouter/poolside/laguna-s-2.1:free';
const ask = (asked: object) => state.system.client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'hello' }], ...asked }).withResponse();
const bodies = (): Record<string, unknown>[] => state.system.simulators.calls().flatMap(({ body }) => (typeof body === 'object' && body !== null ? [body as Record<string, unknown>] : []));
const insists = (): unknown[] => bodies().map(({ provider }) => provider);

describe('OpenRouter', () => {
  test('is told that a field matters where it does, and what the client says of it goes before', async () => {
    await ask({ seed: 7, temperature: 0.5, response_format: { type: 'text' }, tool_choice: 'auto' });
    await ask({ stop: ['END'] });
    await ask({ web_search_options: {} });
    await ask({ stop: 'END', provider: { sort: 'latency', require_parameters: false } });
    expect(insists()).toEqual([undefined, { require_parameters: true }, { require_parameters: true }, { sort: 'latency', require_parameters: false }]);
  });

  test('refuses for the sake of what only tunes, and is asked again without', async () => {
    const { response } = await ask({ stop: 'END', top_k: 5, seed: 7, user: 'me' });
    expect(response.headers.get('x-tollfree-dropped')?.split(', ').toSorted()).toEqual(['seed', 'top_k', 'user']);
    expect(bodies()).toMatchObject([{ stop: 'END', top_k: 5, seed: 7 }, { stop: 'END', provider: { require_parameters: true } }]);
    expect(bodies()[1]).not.toHaveProperty('top_k');
    expect(response.headers.get('x-tollfree-attempts')).toBe('2');
  });

  test('whose model does not know it is passed over for another that does, and nobody is harmed', async () => {
    await expect(ask({ logprobs: true })).rejects.toMatchObject({ status: 400 });
    expect(insists()).toEqual([{ require_parameters: true }]);
    const { accounts } = (await (await state.system.admin('GET', '/accounts')).json()) as { accounts: { state: string }[] };
    expect(accounts.map((account) => account.state)).toEqual(accounts.map(() => 'active'));

    state.system.simulators.clearCalls();
    const { response } = await ask({ model: 'gpt-oss-120b', logprobs: true });
    expect(response.headers.get('x-tollfree-provider')).toBe('cerebras');
    expect(response.headers.get('x-tollfree-dropped')).toBeNull();
    expect(bodies().at(-1)).toMatchObject({ logprobs: true });
  });

  test('more than one answer is asked of who gives several', async () => {
    await expect(ask({ n: 2 })).rejects.toMatchObject({ status: 400, param: 'n' });
    expect(bodies()).toEqual([]);
    const { response } = await ask({ model: 'gpt-oss-120b', n: 2 });
    expect(response.headers.get('x-tollfree-provider')).toBe('cerebras');
  });
});

test('Groq is not told who speaks, which it refuses', async () => {
  const { response } = await ask({ model: 'groq/openai/gpt-oss-120b', messages: [{ role: 'user', name: 'ann', content: 'hello' }] });
  expect(response.headers.get('x-tollfree-dropped')).toBe('messages.name');
  expect(bodies()).toMatchObject([{ messages: [{ role: 'user', content: 'hello' }] }]);
  expect(JSON.stringify(bodies())).not.toContain('ann');
});

test.each(['groq/openai/gpt-oss-120b', 'cerebras/gpt-oss-120b'])('what another provider said besides is not said back to %s', async (model) => {
  const said = { role: 'assistant' as const, content: 'ho', refusal: null, annotations: [], reasoning_content: 'hm', reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] };
  const { response } = await ask({ model, messages: [{ role: 'user', content: 'hi' }, said, { role: 'user', content: 'so?' }] });
  expect(bodies()).toMatchObject([{ messages: [{}, { role: 'assistant', content: 'ho' }, {}] }]);
  expect(JSON.stringify(bodies())).not.toMatch(/refusal|annotations|reasoning_/);
  expect(response.headers.get('x-tollfree-dropped')).toBe('messages.reasoning_content, messages.reasoning_details');
});

test('a field that a model does not take costs one call, not one a request', async () => {
  const own = await startSystem({
    accounts: { groq: ['one'] },
    providers: JSON.stringify({ providers: { groq: { base_url: 'https://groq.example/v1', models: [{ name: 'openai/gpt-oss-120b', context: 131_072, price: { input: 0, output: 0 } }] } } }),
    rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n',
  });
  try {
    const told: [string | null, string | null][] = [];
    for (const seed of [1, 2, 3]) {
      const { response } = await own.client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'hello' }], logit_bias: { 5: 1 }, seed }).withResponse();
      told.push([response.headers.get('x-tollfree-attempts'), response.headers.get('x-tollfree-dropped')]);
    }
    expect(told).toEqual([['2', 'logit_bias'], ['1', 'logit_bias'], ['1', 'logit_bias']]);
    expect(own.simulators.calls({ path: '/chat/completions' })).toHaveLength(4);
  } finally {
    await own.close();
  }
});
