/** Official clients on one side, providers with formats of their own on the other: what each of them gets. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRecording } from './recorder.ts';
import type { Recorded, Recording, Reply } from './recorder.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures', name), 'utf8');

/** Every provider answers with what was recorded of it. */
function answer({ path, body }: Recorded): Reply {
  if (body === '') return { status: 404, type: 'application/json', body: '{}' };
  const asked = JSON.parse(body) as { readonly stream?: boolean; readonly tools?: unknown };
  const provider = path.startsWith('/gemini') ? 'gemini-native' : (path.split('/')[1] ?? '');
  if (body.includes('refuse me')) return { status: 429, type: 'application/json', body: JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message: 'This request would exceed the rate limit of requests per minute.' } }) };
  if (asked.stream !== true && !path.includes('stream')) return { type: 'application/json', body: fixture(`${provider}/answer.json`) };
  return { type: 'text/event-stream', body: fixture(`${provider}/stream${asked.tools === undefined ? '' : '-tools'}.sse`) };
}

const state: Recording & { anthropic: Anthropic } = { system: undefined as never, recorder: undefined as never, close: undefined as never, anthropic: undefined as never };
beforeAll(async () => {
  const recording = await startRecording(answer, (origin) => {
    const entry = (name: string, path: string): string =>
      `{ base_url: "${origin}${path}", dialect: ${name}, omit: [logit_bias], models: [{ name: ${name}-model, context: 100000, capabilities: [text_generation, tools, vision], price: { input: 0, output: 0 } }] }`;
    return { anthropic: entry('anthropic', '/anthropic/v1'), gemini: entry('gemini', '/gemini/v1beta'), cohere: entry('cohere', '/cohere/v2') };
  });
  Object.assign(state, recording, { anthropic: new Anthropic({ baseURL: recording.system.url, apiKey: 'any', maxRetries: 0 }) });
});
beforeEach(() => {
  state.recorder.seen.length = 0;
});
afterAll(() => state.close());

const asked = (): Recorded => state.recorder.seen.findLast(({ path }) => !path.endsWith('/models')) ?? { path: '', headers: {}, body: '{}' };
const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'hello' }];
const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];

describe.each([
  ['anthropic', '/anthropic/v1/messages', 'x-api-key', 'Grüß Gott 👋', 16],
  ['gemini', '/gemini/v1beta/models/gemini-model:', 'x-goog-api-key', 'There are **3** of them ✨', 9],
  ['cohere', '/cohere/v2/chat', 'authorization', 'Bonjour ☀️', 12],
])("OpenAI's client to %s", (provider, path, header, words, tokens) => {
  test('an answer', async () => {
    const { data, response } = await state.system.client.chat.completions.create({ model: `${provider}/${provider}-model`, messages, logit_bias: { 5: 1 }, prompt_cache_retention: '24h' }).withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello');
    expect(response.headers.get('x-tollfree-dropped')).toBe('prompt_cache_retention, logit_bias');
    expect(asked().path.startsWith(path)).toBe(true);
    expect(asked().headers[header]).toContain(`${provider}-key-1`);
    expect(asked().body).toContain('be brief');
  });

  test('a stream, with its usage', async () => {
    const stream = await state.system.client.chat.completions.create({ model: `${provider}/${provider}-model`, messages, stream: true, stream_options: { include_usage: true } });
    const seen = { text: '', finish: '', input: 0 };
    for await (const { choices, usage } of stream) {
      seen.text += choices?.[0]?.delta.content ?? '';
      seen.finish = choices?.[0]?.finish_reason ?? seen.finish;
      seen.input = usage?.prompt_tokens ?? seen.input;
    }
    expect(seen).toEqual({ text: words, finish: 'stop', input: tokens });
  });

  test('a call of a tool, read with the helper', async () => {
    const completion = await state.system.client.chat.completions.stream({ model: `${provider}/${provider}-model`, messages, tools }).finalChatCompletion();
    expect(completion.choices[0]?.finish_reason).toBe('tool_calls');
    const call = completion.choices[0]?.message.tool_calls?.[0];
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } });
    expect(JSON.parse(call?.type === 'function' ? call.function.arguments : '')).toEqual({ city: 'Paris' });
    expect(asked().body).toContain('get_weather');
  });

  test("and Anthropic's client gets its own events of it", async () => {
    const message = await state.anthropic.messages.stream({ model: `${provider}/${provider}-model`, max_tokens: 100, messages: [{ role: 'user', content: 'hello' }], tools: [{ name: 'get_weather', input_schema: { type: 'object' } }] }).finalMessage();
    expect(message.stop_reason).toBe('tool_use');
    expect(message.content.find(({ type }) => type === 'tool_use')).toMatchObject({ type: 'tool_use', name: 'get_weather', input: { city: 'Paris' } });
  });
});

test('what has no place there is told by name', async () => {
  const create = state.system.client.chat.completions.create({ model: 'anthropic/anthropic-model', messages, logprobs: true });
  await expect(create).rejects.toMatchObject({ status: 400, param: 'logprobs' });
  expect(asked().body).toBe('{}');
});

test('a refusal rests the account and is told in the words of the surface', async () => {
  const refused = state.anthropic.messages.create({ model: 'anthropic/anthropic-model', max_tokens: 5, messages: [{ role: 'user', content: 'refuse me' }] }, { headers: { 'x-tollfree-deadline-ms': '5000' } });
  await expect(refused).rejects.toMatchObject({ status: 429, type: 'rate_limit_error' });
});
