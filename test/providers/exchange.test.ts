/** Every wire format over real sockets: what is sent, in full; what is read of the answer and its headers; what each refusal is; what is refused here, by name. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { failureOf } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { isRecord, listAt, parseJson, recordAt, textAt } from '../../src/providers/json.ts';
import type { ChatChunk, Provider } from '../../src/types.ts';
import { account, all, harness, KEY, model, provider, request, serve } from './support.ts';
import type { Harness, Running } from './support.ts';

type Body = Readonly<Record<string, unknown>>;

const fixtures = join(import.meta.dirname, '..', 'fixtures');

const PICTURE = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } };
const tool = { type: 'function', function: { name: 'look', description: 'looks', parameters: { type: 'object', properties: { at: { type: 'string' } } } } };
const question = (parts: readonly unknown[]): Body => ({
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: [{ type: 'text', text: 'what is this?' }, ...parts] },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: 'a cat' },
  ],
  max_completion_tokens: 50,
  temperature: 0.5,
  top_p: 0.9,
  stop: ['END'],
  tools: [tool],
  tool_choice: 'auto',
  stream: true,
});
/** What anybody takes who takes fields nobody here knows. */
const EXTRA = { seed: 7, n: 1, logprobs: true, top_logprobs: 2, user: 'me', response_format: { type: 'json_object' }, reasoning_effort: 'low', brand_new: { a: [1] } };

interface Format {
  readonly name: string;
  /** Of recorded answers, refusals and of what must be sent. */
  readonly folder: string;
  readonly sent?: string;
  /** Where its refusals are, if they are recorded elsewhere. */
  readonly errors?: string;
  readonly provider: Partial<Provider>;
  readonly path: string;
  readonly body: Body;
  /** By the field they are told by. */
  readonly refused: readonly (readonly [string, Body])[];
}

const asked = (content: unknown): Body => ({ messages: [{ role: 'user', content }] });
const BY_ADDRESS = asked([{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]);
const SOUND = asked([{ type: 'input_audio', input_audio: { format: 'wav', data: 'aGk=' } }]);
const HOLOGRAM = asked([{ type: 'hologram' }]);
const { logprobs: _, top_logprobs: _top, ...UNTOLD } = EXTRA;
const STRANGERS: Format['refused'] = [['n', { n: 2 }], ['logprobs', { logprobs: true }], ['brand_new', { brand_new: 1 }], ['tools', { tools: [{ type: 'web_search' }] }], ['tool_choice', { tools: [tool], tool_choice: { type: 'allowed_tools' } }], ['messages', HOLOGRAM]];

const FORMATS: readonly Format[] = [
  { name: 'openai', folder: 'openai', provider: { name: 'openai', dialect: 'openai' }, path: '/v1', body: { ...question([PICTURE]), ...EXTRA }, refused: [] },
  { name: 'azure, at its address of today', folder: 'azure', provider: { name: 'azure', dialect: 'azure' }, path: '/openai/v1', body: { ...question([PICTURE]), ...EXTRA }, refused: [] },
  { name: 'azure, at its dated address', folder: 'azure', sent: 'sent-dated', provider: { name: 'azure', dialect: 'azure' }, path: '/openai/deployments', body: { ...question([PICTURE]), ...EXTRA }, refused: [] },
  { name: 'anthropic', folder: 'anthropic', provider: { name: 'anthropic', dialect: 'anthropic' }, path: '/v1', body: { ...question([PICTURE]), parallel_tool_calls: false, user: 'me' }, refused: [...STRANGERS, ['seed', { seed: 7 }], ['response_format', { response_format: { type: 'json_object' } }], ['messages', SOUND]] },
  { name: 'gemini', folder: 'gemini-native', errors: 'gemini', provider: { name: 'gemini', dialect: 'gemini' }, path: '/v1beta', body: { ...question([PICTURE]), seed: 7, reasoning_effort: 'low', response_format: { type: 'json_object' } }, refused: [...STRANGERS, ['parallel_tool_calls', { parallel_tool_calls: false }], ['messages', BY_ADDRESS], ['user', { user: 'me' }]] },
  { name: 'cohere', folder: 'cohere', provider: { name: 'cohere', dialect: 'cohere' }, path: '/v2', body: { ...question([PICTURE]), seed: 7, response_format: { type: 'json_object' } }, refused: [...STRANGERS, ['parallel_tool_calls', { parallel_tool_calls: true }], ['messages', SOUND], ['reasoning_effort', { reasoning_effort: 'low' }]] },
  { name: 'cloudflare', folder: 'cloudflare', provider: { name: 'cloudflare', dialect: 'cloudflare' }, path: '/client/v4/accounts/a1/ai/v1', body: question([]), refused: [['messages', asked([PICTURE])]] },
  { name: 'ollama', folder: 'ollama', provider: { name: 'ollama', dialect: 'ollama', omit: ['logit_bias', 'user'] }, path: '/v1', body: { ...question([PICTURE]), ...UNTOLD }, refused: [['n', { n: 2 }], ['logprobs', { logprobs: true }], ['tool_choice', { tools: [tool], tool_choice: 'required' }], ['tool_choice', { tools: [tool], tool_choice: { type: 'function', function: { name: 'look' } } }], ['messages', BY_ADDRESS]] },
  { name: 'llama.cpp', folder: 'llamacpp', provider: { name: 'llama-cpp', dialect: 'openai' }, path: '/v1', body: { ...question([PICTURE]), ...EXTRA }, refused: [] },
];

interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Reply {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const state: { harness: Harness; server: Running; seen: Seen[]; reply: Reply } = { harness: undefined as never, server: undefined as never, seen: [], reply: { headers: {}, body: '' } };
beforeAll(async () => {
  state.harness = harness();
  state.server = await serve(({ url = '', headers }, response, body) => {
    state.seen.push({ path: url, headers, body });
    response.writeHead(state.reply.status ?? 200, state.reply.headers).end(state.reply.body);
  });
});
afterAll(async () => {
  await state.harness.close();
  await state.server.stop();
});

const read = (folder: string, file: string): string => readFileSync(join(fixtures, folder, file), 'utf8');
const readJson = (folder: string, file: string): unknown => JSON.parse(read(folder, file));

async function exchanged(format: Format, body: Body, reply: Reply): Promise<{ readonly seen: Seen | undefined; readonly facts: readonly unknown[]; readonly chunks: readonly ChatChunk[] }> {
  state.seen = [];
  state.reply = reply;
  const { origin } = state.server;
  const target = { provider: provider({ ...format.provider, baseUrl: `${origin}${format.path}` }), model: model({ name: 'the-model', maxOutput: 1000 }) };
  const { facts, chunks } = await state.harness.send({ request: request(body), target, account: account({ origin }), stallMs: 20_000 }, new AbortController().signal);
  return { chunks: await all(chunks), facts, seen: state.seen[0] };
}

async function failure(format: Format, body: Body, reply: Reply): Promise<Failure> {
  try {
    await exchanged(format, body, reply);
  } catch (error) {
    return failureOf(error);
  }
  throw new Error('was taken');
}

function wordsOf({ text, whole }: ChatChunk): string {
  const value = parseJson(text);
  return listAt(isRecord(value) ? value : {}, 'choices').map((choice) => textAt(recordAt(choice, whole ? 'message' : 'delta'), 'content') ?? '').join('');
}

const STREAM = { 'content-type': 'text/event-stream' };
/** Durations count from the moment of the answer. */
const timeless = (facts: readonly unknown[]): unknown => facts.map((fact) => (isRecord(fact) && 'resetAt' in fact ? { ...fact, resetAt: expect.any(Number) } : fact));

describe.each(FORMATS)('$name', (format) => {
  const { folder, body, refused, sent = 'sent', errors: refusals = folder } = format;

  test('every field goes where it belongs, and nothing else goes', async () => {
    const { seen } = await exchanged(format, body, { headers: STREAM, body: read(folder, 'stream.sse') });
    const expected = readJson(folder, `${sent}.json`) as { path: string; headers: Readonly<Record<string, string>>; body: unknown };
    const { host: _host, connection: _connection, 'content-length': _length, 'user-agent': _agent, 'accept-encoding': _encoding, ...headers } = seen?.headers ?? {};
    expect({ path: seen?.path, headers, body: JSON.parse(seen?.body ?? '') as unknown }).toEqual({ ...expected, headers: Object.fromEntries(Object.entries(expected.headers).map(([name, value]) => [name, value.replace('KEY', KEY)])) });
  });

  test('its stream and its JSON are read for what they say', async () => {
    const answers = readJson(folder, 'answers.json') as readonly { readonly file: string; readonly text: string; readonly finish: string; readonly usage?: unknown }[];
    for (const { file, text, finish, usage } of answers) {
      const json = file.endsWith('.json');
      const { chunks } = await exchanged(format, json ? { ...body, stream: false } : body, { headers: json ? { 'content-type': 'application/json' } : STREAM, body: read(folder, file) });
      expect([file, chunks.map(wordsOf).join(''), chunks.findLast((chunk) => chunk.finish !== undefined)?.finish, chunks.findLast((chunk) => chunk.usage !== undefined)?.usage]).toEqual([file, text, finish, usage]);
    }
  });

  test('its limits are read from its headers', async () => {
    const { headers, facts } = existsSync(join(fixtures, folder, 'headers.json')) ? readJson(folder, 'headers.json') as { headers: Readonly<Record<string, string>>; facts: readonly unknown[] } : { headers: {}, facts: [] };
    const answer = await exchanged(format, body, { headers: { ...STREAM, ...headers }, body: read(folder, 'stream.sse') });
    expect(timeless(answer.facts)).toEqual(timeless(facts));
  });

  test('its refusals are read for what they mean', async () => {
    const errors = readJson(refusals, 'errors.json') as readonly { readonly name: string; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: unknown; readonly expected: { readonly kind: string } }[];
    for (const { name, status, headers, body: refusal, expected } of errors.filter(({ status: code }) => code >= 300)) {
      const { kind } = await failure(format, body, { status, headers: { 'content-type': 'application/json', ...headers }, body: typeof refusal === 'string' ? refusal : JSON.stringify(refusal) });
      expect([name, kind]).toEqual([name, expected.kind]);
    }
  });

  if (refused.length > 0) {
    test.each(refused)('what it would lose or misread is refused by name, and nothing is sent: %s %j', async (param, changes) => {
      expect(await failure(format, { messages: [{ role: 'user', content: 'hello' }], ...changes }, { headers: {}, body: '' })).toMatchObject({ kind: 'caller', capability: true, unsent: true, param });
      expect(state.seen).toEqual([]);
    });
  }
});
