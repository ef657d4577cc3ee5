/** Questions as each wire format wants them, and that none of their meaning is lost on the way. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failureOf } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { anthropic } from '../../src/providers/anthropic.ts';
import { azure } from '../../src/providers/azure.ts';
import { cloudflare } from '../../src/providers/cloudflare.ts';
import { cohere } from '../../src/providers/cohere.ts';
import type { Dialect, HttpRequest } from '../../src/providers/dialect.ts';
import { gemini } from '../../src/providers/gemini.ts';
import { readMessages } from '../../src/surfaces/messages-request.ts';
import { jsonOf, model, provider, request } from './support.ts';

type Body = Readonly<Record<string, unknown>>;

const encoded = (dialect: Dialect, body: Body, baseUrl = 'https://api.example/v1', omit: readonly string[] = []): HttpRequest =>
  dialect.encode(request(body), { provider: provider({ baseUrl, omit }), model: model({ name: 'some-model', maxOutput: 1000 }) }, 'key-1');
const sent = (dialect: Dialect, body: Body, omit: readonly string[] = []): Body => jsonOf(encoded(dialect, body, undefined, omit));

function refusal(dialect: Dialect, body: Body): Failure {
  try {
    encoded(dialect, body);
  } catch (error) {
    return failureOf(error);
  }
  throw new Error('was taken');
}

const tool = { type: 'function', function: { name: 'look', description: 'looks', parameters: { type: 'object', properties: { at: { type: 'string' } } } } };
const rich: Body = {
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: [{ type: 'text', text: 'what is this?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
    { role: 'assistant', content: 'I look', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' }, extra_content: { google: { thought_signature: 'sig' } } }, { id: 'c2', type: 'function', function: { name: 'look', arguments: '' } }] },
    { role: 'tool', tool_call_id: 'c1', content: '{"seen":"a cat"}' },
    { role: 'tool', tool_call_id: 'c2', content: 'nothing' },
    { role: 'user', content: 'so?' },
  ],
  max_completion_tokens: 50,
  temperature: 1.5,
  top_p: 0.9,
  stop: 'END',
  tools: [tool],
  tool_choice: { type: 'function', function: { name: 'look' } },
};

describe('anthropic', () => {
  test('everything in its place', () => {
    const { url, headers } = encoded(anthropic, { ...rich, stream: true });
    expect(url).toBe('https://api.example/v1/messages');
    expect(headers).toMatchObject({ 'x-api-key': 'key-1', 'anthropic-version': '2023-06-01', accept: 'text/event-stream' });
    expect(headers).not.toHaveProperty('authorization');
    expect(sent(anthropic, { ...rich, parallel_tool_calls: false })).toEqual({
      model: 'some-model',
      system: 'be brief',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'what is this?' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }] },
        { role: 'assistant', content: [{ type: 'text', text: 'I look' }, { type: 'tool_use', id: 'c1', name: 'look', input: { at: 'it' } }, { type: 'tool_use', id: 'c2', name: 'look', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: '{"seen":"a cat"}' }, { type: 'tool_result', tool_use_id: 'c2', content: 'nothing' }, { type: 'text', text: 'so?' }] },
      ],
      max_tokens: 50,
      stream: false,
      stop_sequences: ['END'],
      temperature: 1,
      top_p: 0.9,
      tools: [{ name: 'look', description: 'looks', input_schema: tool.function.parameters }],
      tool_choice: { type: 'tool', name: 'look', disable_parallel_tool_use: true },
    });
  });

  test('the required maximum is the model\'s where nobody says', () => {
    expect(sent(anthropic, {})).toMatchObject({ max_tokens: 1000 });
  });
});

describe('gemini', () => {
  test('everything in its place, with the signature a call was made with', () => {
    const { url, headers } = encoded(gemini, { ...rich, stream: true }, 'https://g.example/v1beta');
    expect(url).toBe('https://g.example/v1beta/models/some-model:streamGenerateContent?alt=sse');
    expect(headers).toMatchObject({ 'x-goog-api-key': 'key-1' });
    expect(encoded(gemini, rich).url).toMatch(/:generateContent$/);
    expect(sent(gemini, { ...rich, reasoning_effort: 'low', seed: 7, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } } })).toEqual({
      systemInstruction: { parts: [{ text: 'be brief' }] },
      contents: [
        { role: 'user', parts: [{ text: 'what is this?' }, { inlineData: { mimeType: 'image/png', data: 'aGk=' } }] },
        { role: 'model', parts: [{ text: 'I look' }, { functionCall: { name: 'look', args: { at: 'it' } }, thoughtSignature: 'sig' }, { functionCall: { name: 'look', args: {} } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'look', response: { seen: 'a cat' } } }, { functionResponse: { name: 'look', response: { result: 'nothing' } } }, { text: 'so?' }] },
      ],
      tools: [{ functionDeclarations: [{ name: 'look', description: 'looks', parametersJsonSchema: tool.function.parameters }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['look'] } },
      generationConfig: { temperature: 1.5, topP: 0.9, seed: 7, maxOutputTokens: 50, stopSequences: ['END'], responseMimeType: 'application/json', responseJsonSchema: { type: 'object' }, thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } },
    });
  });
});

describe('cohere', () => {
  test('everything in its place', () => {
    expect(encoded(cohere, rich, 'https://c.example/v2')).toMatchObject({ url: 'https://c.example/v2/chat', headers: { authorization: 'Bearer key-1' } });
    expect(sent(cohere, { ...rich, response_format: { type: 'json_object' } })).toEqual({
      model: 'some-model',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: [{ type: 'text', text: 'what is this?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
        { role: 'assistant', tool_plan: 'I look', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"it"}' } }, { id: 'c2', type: 'function', function: { name: 'look', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: '{"seen":"a cat"}' },
        { role: 'tool', tool_call_id: 'c2', content: 'nothing' },
        { role: 'user', content: 'so?' },
      ],
      stream: false,
      max_tokens: 50,
      stop_sequences: ['END'],
      temperature: 1.5,
      p: 0.9,
      tools: [tool],
      tool_choice: 'REQUIRED',
      response_format: { type: 'json_object' },
    });
  });
});

describe('azure', () => {
  test('both addresses, and the key in its own header', () => {
    const dated = encoded(azure, rich, 'https://r.openai.azure.com/openai/deployments');
    expect(dated.url).toBe('https://r.openai.azure.com/openai/deployments/some-model/chat/completions?api-version=2024-10-21');
    expect(dated.headers).toMatchObject({ 'api-key': 'key-1' });
    expect(dated.headers).not.toHaveProperty('authorization');
    expect(encoded(azure, rich, 'https://r.openai.azure.com/openai/v1').url).toBe('https://r.openai.azure.com/openai/v1/chat/completions');
    expect(sent(azure, rich)).toMatchObject({ model: 'some-model', messages: rich['messages'], temperature: 1.5 });
  });
});

describe('cloudflare', () => {
  test('content is text, never a list or nothing, and the answer may be long', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }, { role: 'assistant', content: null, tool_calls: [] }, { role: 'user', content: 'c' }];
    expect(sent(cloudflare, { messages })).toMatchObject({ max_tokens: 1000, messages: [{ role: 'user', content: 'a\nb' }, { role: 'assistant', content: '', tool_calls: [] }, { role: 'user', content: 'c' }] });
    expect(sent(cloudflare, { max_tokens: 5 })).toMatchObject({ max_tokens: 5 });
    expect(refusal(cloudflare, { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] })).toMatchObject({ kind: 'caller', param: 'messages' });
  });
});

describe.each([['anthropic', anthropic], ['gemini', gemini], ['cohere', cohere]] as const)('%s', (_name, dialect) => {
  test.each<[string, Body]>([
    ['n', { n: 3 }],
    ['brand_new', { brand_new: { a: 1 } }],
    ['logit_bias', { logit_bias: { 5: 1 } }],
    ['tools', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
    ['messages', { messages: [{ role: 'user', content: [{ type: 'hologram' }] }] }],
  ])('what it has no place for is named and may go elsewhere: %s', (param, body) => {
    expect(refusal(dialect, body)).toMatchObject({ kind: 'caller', param, capability: true, unsent: true });
  });

  test('what its entry in the catalogue leaves out is left out', () => {
    expect(sent(dialect, { logit_bias: { 5: 1 } }, ['logit_bias'])).not.toHaveProperty('logit_bias');
  });

  test('what is not set is not sent', () => {
    expect(() => sent(dialect, { logprobs: false, brand_new: null, tools: null, stop: null, response_format: { type: 'text' } })).not.toThrow();
  });

  test('other questions than chat go to their own path with its own key', () => {
    const call = dialect.encode(request({ input: 'x' }, { relay: { path: '/embeddings' } }), { provider: provider({ baseUrl: 'https://api.example/v1' }), model: model() }, 'key-1');
    expect(call.url).toBe('https://api.example/v1/embeddings');
    expect(call.headers).toMatchObject(dialect.authorize('key-1'));
    expect(jsonOf(call)).toMatchObject({ model: 'vendor/model', input: 'x' });
  });
});

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const call = fc.record({ id: fc.uuid(), type: fc.constant('function'), function: fc.record({ name: fc.constantFrom('look', 'find'), arguments: fc.dictionary(fc.string().map((key) => `k${key}`), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((input) => JSON.stringify(input)) }) });
const exchange = fc.record({ question: words, calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }), results: fc.array(words, { minLength: 3, maxLength: 3 }), answer: words });
/** A conversation as clients hold it: questions, calls with their results, answers. */
const conversation = fc.array(exchange, { minLength: 1, maxLength: 4 }).map((exchanges) =>
  exchanges.flatMap(({ question, calls, results, answer }) => [
    { role: 'user', content: question },
    ...(calls.length === 0 ? [] : [{ role: 'assistant', content: null, tool_calls: calls }, ...calls.map(({ id }, index) => ({ role: 'tool', tool_call_id: id, content: results[index] }))]),
    { role: 'assistant', content: answer },
  ]),
);

describe('to a dialect and back', () => {
  const question = fc.record({
    messages: fc.tuple(words, conversation, words).map(([system, turns, last]) => [{ role: 'system', content: system }, ...turns, { role: 'user', content: last }]),
    max_tokens: fc.integer({ min: 1, max: 100_000 }),
    temperature: fc.double({ min: 0, max: 1, noNaN: true }),
    stop: fc.array(words, { minLength: 1, maxLength: 4 }),
    tools: fc.constant([tool]),
    tool_choice: fc.constantFrom('auto', 'required', 'none', { type: 'function', function: { name: 'look' } }),
  });

  test('anthropic: the surface that reads its questions reads the same one', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const back = readMessages(sent(anthropic, asked)).body;
        expect(normal(back)).toEqual(normal({ ...asked, model: 'some-model', stream: false }));
      }),
      { numRuns: 50 },
    );
  });

  test('cohere: the same words, calls and results in the same order', () => {
    fc.assert(
      fc.property(question, (asked) => {
        expect(normal({ messages: sent(cohere, asked)['messages'] })).toEqual(normal({ messages: asked.messages }));
      }),
      { numRuns: 50 },
    );
  });

  test('gemini: the same words, calls and results in the same order', () => {
    fc.assert(
      fc.property(question, ({ messages, ...asked }) => {
        const { systemInstruction, contents, generationConfig } = sent(gemini, { messages, ...asked });
        const parts = [systemInstruction, ...(contents as Body[])].flatMap((content) => (content as { parts: Body[] }).parts);
        const said = parts.map((part) => part['text'] ?? (part['functionCall'] as Body | undefined)?.['args'] ?? (part['functionResponse'] as Body)['response']);
        expect(said).toEqual(messages.flatMap((message) => saidIn(message)));
        expect(generationConfig).toMatchObject({ maxOutputTokens: asked.max_tokens, temperature: asked.temperature, stopSequences: asked.stop });
      }),
      { numRuns: 50 },
    );
  });
});

/** Arguments as what they say, and content that is not there as none. */
function normal(body: Body): unknown {
  return JSON.parse(JSON.stringify(body, (key, value: unknown) => (key === 'arguments' ? (JSON.parse(String(value)) as unknown) : key === 'content' && value === null ? undefined : value)));
}

function saidIn(message: { readonly role: string; readonly content?: unknown; readonly tool_calls?: unknown }): unknown[] {
  if (message.role === 'tool') return [resultOf(String(message.content))];
  const calls = (message.tool_calls ?? []) as { readonly function: { readonly arguments: string } }[];
  return [...(typeof message.content === 'string' ? [message.content] : []), ...calls.map((one) => JSON.parse(one.function.arguments) as unknown)];
}

function resultOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Words.
  }
  return { result: text };
}
