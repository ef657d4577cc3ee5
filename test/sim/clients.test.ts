/** The official client, unmodified, against each simulator. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI, { AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import { PROVIDER_NAMES } from '../../src/sim/types.ts';
import type { ProviderName } from '../../src/sim/types.ts';
import { MIDNIGHT, MODELS, keyOf } from './support.ts';

let simulators: Simulators;
beforeAll(async () => {
  simulators = await startSimulators({ now: () => MIDNIGHT, pace: { tokenMs: 0 }, limits: { openrouter: { rate_limit: {} }, groq: { rate_limit: {} }, cerebras: { rate_limit: {} } } });
});
afterAll(() => simulators.close());

const clientOf = (provider: ProviderName, apiKey = keyOf(provider, 'alice')): OpenAI => new OpenAI({ baseURL: simulators.baseUrls[provider], apiKey, maxRetries: 0 });
const question = { role: 'user', content: 'Write a TypeScript function that adds numbers.' } as const;

const weather = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } }, required: ['city'] } },
} as const;

describe.each(PROVIDER_NAMES)('%s', (provider) => {
  const model = MODELS[provider];

  test('answers a chat, the same every time, with usage that adds up', async () => {
    const [first, second] = await Promise.all([1, 2].map(() => clientOf(provider).chat.completions.create({ model, messages: [question] })));
    expect(first?.choices[0]?.message.content).toContain('```typescript');
    expect(second?.choices[0]?.message.content).toBe(first?.choices[0]?.message.content);
    expect(first?.usage?.total_tokens).toBe((first?.usage?.prompt_tokens ?? 0) + (first?.usage?.completion_tokens ?? 0));
    expect(first?.choices[0]?.finish_reason).toBe('stop');
  });

  test('streams the same answer', async () => {
    const whole = await clientOf(provider).chat.completions.create({ model, messages: [question] });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of await clientOf(provider).chat.completions.create({ model, messages: [question], stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
  });

  test('calls a tool that is required, whole and in a stream', async () => {
    const asked = { model, messages: [{ role: 'user', content: 'Paris' }], tools: [weather], tool_choice: 'required' } as const;
    const whole = await clientOf(provider).chat.completions.create({ ...asked, messages: [...asked.messages], tools: [...asked.tools] });
    const call = whole.choices[0]?.message.tool_calls?.[0];
    const streamed = await clientOf(provider).chat.completions.stream({ ...asked, messages: [...asked.messages], tools: [...asked.tools] }).finalChatCompletion();
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({ city: 'Paris', unit: 'celsius' });
    expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'get_weather', arguments: call?.type === 'function' ? call.function.arguments : '' } });
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('answers JSON where the format asks for it', async () => {
    const schema = { type: 'object', properties: { title: { type: 'string' }, pages: { type: 'integer' } }, required: ['title', 'pages'], additionalProperties: false };
    const answer = await clientOf(provider).chat.completions.create({ model, messages: [question], response_format: { type: 'json_schema', json_schema: { name: 'book', schema, strict: true } } });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ title: expect.any(String), pages: 42 });
  });

  test('stops at the budget and at stop sequences', async () => {
    const cut = await clientOf(provider).chat.completions.create({ model, messages: [question], max_completion_tokens: 30 });
    expect(cut.choices[0]?.finish_reason).toBe('length');
    expect(cut.usage?.completion_tokens).toBe(30);
    const stopped = await clientOf(provider).chat.completions.create({ model, messages: [question], stop: ['```'] });
    expect(stopped.choices[0]?.message.content).toBe('Here is a small, complete version:\n\n');
  });

  test('lists its models', async () => {
    const models = await clientOf(provider).models.list();
    expect(models.data.map(({ id }) => id)).toContain(model);
  });

  test('raises the client’s own errors', async () => {
    const chat = (apiKey: string, name: string) => clientOf(provider, apiKey).chat.completions.create({ model: name, messages: [question] });
    await expect(chat('nonsense', model)).rejects.toBeInstanceOf(AuthenticationError);
    await expect(chat(keyOf(provider, 'alice'), 'no/such-model')).rejects.toBeInstanceOf(provider === 'openrouter' ? BadRequestError : NotFoundError);
    const undo = await simulators.misbehave({ provider, account: 'limited', fault: { kind: 'refusal', name: 'rate-minute' } }, { provider, account: 'broken', fault: { kind: 'refusal', name: 'server-error' } });
    await expect(chat(keyOf(provider, 'limited'), model)).rejects.toBeInstanceOf(RateLimitError);
    await expect(chat(keyOf(provider, 'broken'), model)).rejects.toBeInstanceOf(InternalServerError);
    await undo();
  });
});

test('openrouter embeds in the format that is asked for', async () => {
  const asked = { model: 'nvidia/nemotron-embed-1b:free', input: ['one', 'two'] };
  const decoded = await clientOf('openrouter').embeddings.create(asked);
  const floats = await clientOf('openrouter').embeddings.create({ ...asked, encoding_format: 'float' });
  expect(decoded.data[0]?.embedding).toHaveLength(64);
  decoded.data[1]?.embedding.forEach((value, index) => expect(value).toBeCloseTo(floats.data[1]?.embedding[index] ?? Number.NaN, 6));
});
