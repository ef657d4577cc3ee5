/** Anthropic's official client, unmodified, against the daemon: one changed URL. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Anthropic, { AuthenticationError, BadRequestError, NotFoundError } from '@anthropic-ai/sdk';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System; client: Anthropic } = { system: undefined as never, client: undefined as never };
beforeAll(async () => {
  state.system = await startSystem();
  state.client = new Anthropic({ baseURL: state.system.url, apiKey: 'any', maxRetries: 0 });
});
beforeEach(() => state.system.simulators.clearCalls());
afterAll(() => state.system.close());

const ask = (content: string): Anthropic.MessageParam[] => [{ role: 'user', content }];
const weather = { name: 'get_weather', description: 'the weather now', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] } };
const tools: Anthropic.Tool[] = [weather];
/** The bodies of the questions that went upstream. */
const asked = (): Record<string, unknown>[] => state.system.simulators.calls().flatMap(({ body }) => (typeof body === 'object' && body !== null ? [body as Record<string, unknown>] : []));
const sent = (): Record<string, unknown> => asked()[0] ?? {};

describe('messages', () => {
  test('an answer, and the question as it went upstream', async () => {
    // Older clients still send these two.
    const tuning = { top_k: 5, temperature: 0.5 };
    const { data, response } = await state.client.messages
      .create({ model: 'auto', max_tokens: 300, system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }], messages: ask('hello'), stop_sequences: ['END'], metadata: { user_id: 'u' }, ...tuning })
      .withResponse();
    expect(data).toMatchObject({ type: 'message', role: 'assistant', model: 'auto', stop_reason: 'end_turn', stop_sequence: null });
    expect(data.content).toEqual([{ type: 'text', text: expect.stringMatching(/\S/) }]);
    expect(data.usage.input_tokens).toBeGreaterThan(0);
    expect(data.usage.output_tokens).toBeGreaterThan(0);
    expect(response.headers.get('x-tollfree-provider')).toBeTruthy();
    expect(response.headers.get('x-tollfree-dropped')).toBe('metadata, top_k');
    expect(sent()).toMatchObject({ messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'hello' }], max_tokens: 300, temperature: 0.5, stop: ['END'] });
    expect(sent()).not.toHaveProperty('top_k');
    expect(sent()).not.toHaveProperty('system');
  });

  test('a stream, read with the helper: the same message in the end', async () => {
    const seen: string[] = [];
    const stream = state.client.messages.stream({ model: 'auto', max_tokens: 300, messages: ask('hello') }).on('text', (words) => seen.push(words));
    const message = await stream.finalMessage();
    expect(seen.length).toBeGreaterThan(1);
    expect(message.content).toEqual([{ type: 'text', text: seen.join('') }]);
    expect(message.stop_reason).toBe('end_turn');
    expect(message.usage.output_tokens).toBeGreaterThan(0);
  });

  test('thoughts are told to those who ask for them', async () => {
    const question = { model: 'groq/openai/gpt-oss-120b', max_tokens: 3000, messages: ask('hello') };
    const silent = await state.client.messages.create(question);
    expect(silent.content.map(({ type }) => type)).toEqual(['text']);
    const thinking = await state.client.messages.stream({ ...question, thinking: { type: 'enabled', budget_tokens: 1024 } }).finalMessage();
    expect(thinking.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    expect(asked().at(-1)).toMatchObject({ reasoning_effort: 'low' });
  });

  test.each([false, true])('tools: the call comes back, and its result is taken (stream: %s)', async (stream) => {
    const question = { model: 'gpt-oss-120b', max_tokens: 500, tools: [{ ...weather, strict: true }], tool_choice: { type: 'any' as const }, messages: ask('weather in Paris?') };
    const first = stream ? await state.client.messages.stream(question).finalMessage() : await state.client.messages.create(question);
    expect(first.stop_reason).toBe('tool_use');
    const call = first.content.find((block) => block.type === 'tool_use');
    expect(call).toMatchObject({ name: 'get_weather', input: { city: expect.any(String) } });
    expect(sent()).toMatchObject({ tool_choice: 'required', tools: [{ type: 'function', function: { name: 'get_weather', strict: true, parameters: { required: ['city'] } } }] });

    state.system.simulators.clearCalls();
    const second = await state.client.messages.create({ ...question, tool_choice: { type: 'auto' }, messages: [...question.messages, { role: 'assistant', content: first.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: 'sunny' }, { type: 'text', text: 'so?' }] }] });
    expect(second.content.length).toBeGreaterThan(0);
    expect((sent()['messages'] as object[]).slice(1)).toMatchObject([{ role: 'assistant', tool_calls: [{ id: call?.id, function: { name: 'get_weather' } }] }, { role: 'tool', tool_call_id: call?.id, content: 'sunny' }, { role: 'user', content: 'so?' }]);
  });

  test('the runner of tools, which would rather have its conversation kept by the server', async () => {
    const runner = state.client.beta.messages.toolRunner({ model: 'gpt-oss-120b', max_tokens: 500, messages: [{ role: 'user', content: 'get_weather of Paris' }], tools: [{ ...weather, run: ({ city }: { readonly city: string }) => `sunny in ${city}` }] });
    const { content } = await runner.runUntilDone();
    expect(content).toMatchObject([{ type: 'text', text: expect.stringContaining('sunny in') }]);
    expect(asked()).toHaveLength(2);
    expect(asked()[1]).toMatchObject({ messages: [{ role: 'user', content: 'get_weather of Paris' }, { role: 'assistant', tool_calls: [{}] }, { role: 'tool', content: expect.stringContaining('sunny in') }] });
  });

  test('a picture goes to a model that sees', async () => {
    const image = { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data: 'iVBORw0KGgo=' } };
    await state.client.messages.create({ model: 'auto', max_tokens: 100, messages: [{ role: 'user', content: [{ type: 'text', text: 'what is this?' }, image] }] }).catch(() => undefined);
    for (const body of asked()) expect(body).toMatchObject({ messages: [{ content: [{ type: 'text' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] }] });
  });

  test('tokens are counted without asking anyone', async () => {
    const { input_tokens: tokens } = await state.client.messages.countTokens({ model: 'auto', messages: ask('one two three four five six seven eight'), tools });
    expect(tokens).toBeGreaterThan(10);
    expect(asked()).toEqual([]);
  });
});

test('models: the list this client expects, with what is left', async () => {
  const ids: string[] = [];
  for await (const { id, type, display_name: name } of state.client.models.list()) {
    ids.push(id);
    expect([type, name]).toEqual(['model', id]);
  }
  expect(ids).toContain('auto');
  const model: unknown = await state.client.models.retrieve('groq/openai/gpt-oss-120b');
  expect(model).toMatchObject({ owned_by: 'groq', limits: expect.arrayContaining([{ unit: 'requests', seconds: 86_400, limit: 1000, remaining: expect.any(Number) }]) });
});

describe('errors', () => {
  test('a stream that breaks ends in an error the client raises', async () => {
    const undo = await state.system.simulators.misbehave({ fault: { kind: 'reset', after: 2 } });
    try {
      const stream = state.client.messages.stream({ model: 'auto', max_tokens: 300, messages: ask('hello') });
      await expect(stream.finalMessage()).rejects.toMatchObject({ error: { type: 'error', error: { type: 'api_error', code: 'upstream_broken_answer' } } });
    } finally {
      await undo();
    }
  });

  test('arrive as the classes the client has for them', async () => {
    const create = (changes: object): Promise<unknown> => state.client.messages.create({ model: 'auto', max_tokens: 10, messages: ask('x'), ...changes });
    await expect(create({ model: 'no-such-model' })).rejects.toBeInstanceOf(NotFoundError);
    await expect(create({ messages: [] })).rejects.toBeInstanceOf(BadRequestError);
    await expect(create({ messages: ask('word '.repeat(1_500_000)) })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('prompt is too long') });
    await expect(create({ max_tokens: undefined })).rejects.toMatchObject({ status: 400, type: 'invalid_request_error', requestID: expect.stringMatching(/^req_/) });
    await expect(create({ messages: [{ role: 'user', content: [{ type: 'hologram' }] }] })).rejects.toThrow(/messages\[0\]\.content\[0\]\.type/);
    await state.system.admin('POST', '/virtual-keys', { name: 'someone' });
    await expect(create({})).rejects.toBeInstanceOf(AuthenticationError);
  });
});
