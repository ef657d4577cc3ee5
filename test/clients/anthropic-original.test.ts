/** Anthropic's official client to Anthropic itself, with us in between: its own words arrive, and its own events come back. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Anthropic from '@anthropic-ai/sdk';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRecording } from './recorder.ts';
import type { Recorded, Recording, Reply } from './recorder.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures', name), 'utf8');

function answer({ path, body }: Recorded): Reply {
  if (body === '') return { status: 404, type: 'application/json', body: '{}' };
  const { stream } = JSON.parse(body) as { readonly stream?: boolean };
  if (path.startsWith('/other')) return { type: stream === true ? 'text/event-stream' : 'application/json', body: fixture(stream === true ? 'openrouter/stream-reasoning.sse' : 'openrouter/answer.json') };
  if (body.includes('stream all the same')) return { type: 'text/event-stream', body: fixture('anthropic/stream-thinking.sse') };
  return stream === true ? { type: 'text/event-stream', body: fixture('anthropic/stream-thinking.sse') } : { type: 'application/json', body: fixture('anthropic/answer.json') };
}

const model = (name: string): string => `models: [{ name: ${name}, aliases: [both], context: 100000, capabilities: [text_generation, tools, vision], price: { input: 0, output: 0 } }]`;
const state: Recording & { client: Anthropic } = { system: undefined as never, recorder: undefined as never, close: undefined as never, client: undefined as never };
beforeAll(async () => {
  const recording = await startRecording(answer, (origin) => ({
    anthropic: `{ base_url: "${origin}/anthropic/v1", dialect: anthropic, priority: 2, omit: [metadata, reasoning_effort], ${model('claude')} }`,
    other: `{ base_url: "${origin}/other/v1", priority: 1, ${model('plain')} }`,
  }));
  Object.assign(state, recording, { client: new Anthropic({ baseURL: recording.system.url, apiKey: 'any', maxRetries: 0 }) });
});
beforeEach(() => {
  state.recorder.seen.length = 0;
});
afterAll(() => state.close());

const questions = (): Recorded[] => state.recorder.seen.filter(({ path }) => !path.endsWith('/models'));
const asked = (): Recorded => questions()[0] ?? { path: '', headers: {}, body: '{}' };

/** All that OpenAI's form has no place for. */
const thought: Anthropic.Messages.ThinkingBlockParam = { type: 'thinking', thinking: 'Two', signature: 'EqQB' };
const question = {
  model: 'anthropic/claude',
  max_tokens: 4_000,
  system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: '2 + 2?' }, { role: 'assistant', content: [thought, { type: 'text', text: '4' }] }, { role: 'user', content: [{ type: 'text', text: 'sure?', cache_control: { type: 'ephemeral' } }] }],
  thinking: { type: 'enabled', budget_tokens: 2_000 },
  tools: [{ type: 'web_search_20250305', name: 'web_search' }, { name: 'look', input_schema: { type: 'object' } }],
  metadata: { user_id: 'u' },
  service_tier: 'auto',
} satisfies Anthropic.MessageCreateParamsNonStreaming;
const beta = 'interleaved-thinking-2025-05-14,context-management-2025-06-27';

describe('to Anthropic', () => {
  test('the question arrives as it was asked, its trials with it', async () => {
    const { data, response } = await state.client.messages.create(question, { headers: { 'anthropic-beta': beta } }).withResponse();
    expect(JSON.parse(asked().body)).toEqual({ ...question, model: 'claude' });
    expect(asked().headers).toMatchObject({ 'anthropic-beta': beta, 'anthropic-version': '2023-06-01', 'x-api-key': 'anthropic-key-1' });
    expect(response.headers.get('x-tollfree-dropped')).toBeNull();
    // The client adds what it knows about the message; everything else is what came.
    expect(data).toMatchObject(JSON.parse(fixture('anthropic/answer.json')) as object);
  });

  test('the events come back as they were, to the last byte', async () => {
    const response = await fetch(`${state.system.url}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...question, stream: true }) });
    expect(await response.text()).toBe(fixture('anthropic/stream-thinking.sse'));
  });

  test('thoughts with their signature, what is redacted, citations', async () => {
    const message = await state.client.messages.stream(question).finalMessage();
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Two and two', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' },
      { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' },
      { type: 'text', text: 'Four ✨', citations: [{ cited_text: '2 + 2' }] },
    ]);
    expect(message.usage).toMatchObject({ cache_creation_input_tokens: 7, output_tokens: 31 });
  });

  test('a stream nobody asked for becomes one message', async () => {
    const message = await state.client.messages.create({ ...question, messages: [{ role: 'user', content: 'stream all the same' }] });
    expect(message).toMatchObject({ id: 'msg_01Think', stop_reason: 'end_turn', content: [{ type: 'thinking', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' }, { type: 'redacted_thinking' }, { text: 'Four ✨' }] });
  });

  test('what means something only there goes there, past a provider that comes first', async () => {
    const result = { type: 'web_search_tool_result' as const, tool_use_id: 'srvtoolu_1', content: [] };
    const said: Anthropic.ContentBlockParam[] = [{ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'x' } }, result, { type: 'text', text: 'found' }];
    await state.client.messages.create({ ...question, model: 'both', messages: [{ role: 'user', content: 'look' }, { role: 'assistant', content: said }, { role: 'user', content: 'go on' }] });
    expect(questions().map(({ path }) => path)).toEqual(['/anthropic/v1/messages']);
    expect(asked().body).toContain('web_search_tool_result');
  });

  test('fields that are ours or nobody’s go nowhere', async () => {
    await fetch(`${state.system.url}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...question, api_key: 'sk-stolen', base_url: 'http://169.254.169.254' }) });
    expect(asked().body).not.toMatch(/sk-stolen|169\.254/);
  });

  test('a header that is none is refused', async () => {
    await expect(state.client.messages.create(question, { headers: { 'anthropic-beta': 'x{}' } })).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(questions()).toEqual([]);
  });
});

const askOther = (changes: object): Promise<unknown> => state.client.messages.create({ ...question, model: 'other/plain', ...changes });

describe('to somebody else', () => {
  test('thoughts end in a signature that is empty, and such a thought is told to nobody as Anthropic’s own', async () => {
    const types: string[] = [];
    const stream = state.client.messages.stream({ ...question, model: 'other/plain' }).on('streamEvent', (event) => types.push(event.type === 'content_block_delta' ? event.delta.type : event.type));
    const { content } = await stream.finalMessage();
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual(['message_start', 'content_block_start', 'thinking_delta', 'signature_delta', 'content_block_stop', 'content_block_start', 'text_delta', 'content_block_stop', 'message_delta', 'message_stop']);
    expect(content[0]).toMatchObject({ type: 'thinking', signature: '' });
    expect(asked().headers).not.toHaveProperty('anthropic-beta');

    state.recorder.seen.length = 0;
    await state.client.messages.create({ ...question, messages: [{ role: 'user', content: 'x' }, { role: 'assistant', content }, { role: 'user', content: 'y' }] });
    expect(JSON.parse(asked().body)).toMatchObject({ messages: [{}, { content: [{ type: 'text' }] }, {}] });
    expect(asked().body).not.toContain('"thinking":"');
  });

  test('what means something only at Anthropic is refused by name where nobody is Anthropic', async () => {
    await expect(askOther({ container: 'c1' })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('container: this happens at Anthropic') });
    await expect(askOther({ messages: [{ role: 'user', content: [{ type: 'container_upload', file_id: 'f' }] }] })).rejects.toThrow(/messages\[0\]\.content\[0\]\.type/);
    expect(questions()).toEqual([]);
  });
});
