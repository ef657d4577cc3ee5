/** The official client, unmodified, against the daemon: one changed URL. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { APIError, BadRequestError, NotFoundError, RateLimitError } from 'openai';
import type OpenAI from 'openai';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { openrouter: ['one', 'two'], groq: ['one', 'two'], cerebras: ['one'] } });
});
afterAll(() => state.system.close());

const ask = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: 'user', content }];

describe('the official client', () => {
  test('chat, with how the answer came about in the headers', async () => {
    const { data, response } = await state.system.client.chat.completions.create({ model: 'auto', messages: ask('Write a Python function') }).withResponse();
    expect(data.choices[0]?.message.content).toContain('```python');
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(response.headers.get('x-tollfree-provider')).toBe('groq');
    expect(response.headers.get('x-tollfree-route')).toBe('code_generation');
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    expect(Number(response.headers.get('x-tollfree-saved-usd'))).toBeGreaterThan(0);
  });

  test.each(['groq', 'openrouter', 'cerebras'])('a stream from %s, with the usage that was asked for', async (provider) => {
    const stream = await state.system.client.chat.completions.create({ model: `${provider}/${provider === 'openrouter' ? 'z-ai/glm-5.2:free' : provider === 'groq' ? 'openai/gpt-oss-120b' : 'gpt-oss-120b'}`, messages: ask('hello'), stream: true, stream_options: { include_usage: true } });
    const seen = { text: '', finish: '', tokens: 0 };
    for await (const { choices, usage } of stream) {
      seen.text += choices?.[0]?.delta.content ?? '';
      seen.finish = choices?.[0]?.finish_reason ?? seen.finish;
      seen.tokens = usage?.total_tokens ?? seen.tokens;
    }
    expect(seen.text.length).toBeGreaterThan(10);
    expect(seen.finish).toBe('stop');
    expect(seen.tokens).toBeGreaterThan(0);
  });

  test('a stream nobody asked usage of has no chunk without choices', async () => {
    const stream = await state.system.client.chat.completions.create({ model: 'auto', messages: ask('hello'), stream: true });
    for await (const { choices } of stream) expect(choices?.length ?? 1).toBeGreaterThan(0);
  });

  test('tools: the call comes back, and its result is taken', async () => {
    const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }];
    const first = await state.system.client.chat.completions.create({ model: 'gpt-oss-120b', messages: ask('weather in Paris?'), tools, tool_choice: 'required' });
    const message = first.choices[0]?.message;
    const call = message?.tool_calls?.[0];
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } });
    const second = await state.system.client.chat.completions.create({ model: 'gpt-oss-120b', messages: [...ask('weather in Paris?'), message as OpenAI.ChatCompletionMessageParam, { role: 'tool', tool_call_id: call?.id ?? '', content: 'sunny' }] });
    expect(second.choices[0]?.message.content).toBeTruthy();
  });

  test('models: everything that may stand in `model`, and each by its name', async () => {
    const list = await state.system.client.models.list();
    const ids = list.data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['auto', 'auto:code_generation', 'groq/openai/gpt-oss-120b', 'gpt-oss-120b', 'openrouter/z-ai/glm-5.2:free']));
    expect(new Set(ids).size).toBe(ids.length);
    expect(await state.system.client.models.retrieve('groq/openai/gpt-oss-120b')).toMatchObject({ id: 'groq/openai/gpt-oss-120b', owned_by: 'groq' });
    await expect(state.system.client.models.retrieve('nobody/nothing')).rejects.toBeInstanceOf(NotFoundError);
  });

  test('errors arrive as the classes the client has for them', async () => {
    const { chat } = state.system.client;
    await expect(chat.completions.create({ model: 'no-such-model', messages: ask('x') })).rejects.toBeInstanceOf(NotFoundError);
    await expect(chat.completions.create({ model: 'auto', messages: [] })).rejects.toBeInstanceOf(BadRequestError);
    await expect(chat.completions.create({ model: 'auto', messages: ask('x'), n: 1_000_000 })).rejects.toMatchObject({ status: 400, param: 'n', requestID: expect.stringMatching(/^req_/) });
    await expect(chat.completions.create({ model: 'openrouter/openai/gpt-4', messages: ask('x') })).rejects.toBeInstanceOf(APIError);
  });

  test('fields nobody here knows reach upstream untouched', async () => {
    state.system.simulators.clearCalls();
    const unknown = { brand_new_field: { deep: [1, 'two'] }, api_key: 'sk-stolen', base_url: 'https://evil.example' };
    await state.system.client.chat.completions.create({ model: 'cerebras/gpt-oss-120b', messages: ask('hi'), ...unknown });
    const [call] = state.system.simulators.calls({ provider: 'cerebras' });
    expect(call?.body).toMatchObject({ model: 'gpt-oss-120b', brand_new_field: { deep: [1, 'two'] } });
    expect(call?.body).not.toHaveProperty('api_key');
    expect(call?.body).not.toHaveProperty('base_url');
  });
});

describe('its own retries', () => {
  test('a wait within its patience is waited for, a longer one is not asked again', async () => {
    const limits = { rate_limit: { windows: [{ requests: 1, seconds: 6, kind: 'rolling' as const }] }, models: 'together' as const };
    const system = await startSystem({
      simulators: { limits: { groq: limits } },
      accounts: { groq: ['one'] },
      rules: 'routing_rules: [{ name: general, provider_preferences: [groq] }]\ndefault_rule: general\n',
      providers: 'providers: { groq: { base_url: "https://g.example/v1", rate_limit: { windows: [{ requests: 1, seconds: 6 }] }, models: [{ name: openai/gpt-oss-120b, price: { input: 0, output: 0 } }] } }',
    });
    try {
      // Long enough for an answer, too short for the window, on a loaded machine, too.
      const impatient = { headers: { 'x-tollfree-deadline-ms': '1500' } };
      await system.client.chat.completions.create({ model: 'auto', messages: ask('one') });
      await expect(system.client.chat.completions.create({ model: 'auto', messages: ask('two') }, impatient)).rejects.toBeInstanceOf(RateLimitError);
      const retrying = await system.client.chat.completions.create({ model: 'auto', messages: ask('two') }, { ...impatient, maxRetries: 1 });
      expect(retrying.choices).toHaveLength(1);
      expect(system.simulators.calls({ status: 429 })).toEqual([]);
    } finally {
      await system.close();
    }
  });
});
