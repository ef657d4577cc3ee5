/** Questions as each wire format wants them. */
import { describe, expect, test } from '@jest/globals';
import { FailureError, failureOf } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { anthropic } from '../../src/providers/anthropic.ts';
import { azure } from '../../src/providers/azure.ts';
import { cloudflare } from '../../src/providers/cloudflare.ts';
import { cohere } from '../../src/providers/cohere.ts';
import type { Dialect, HttpRequest } from '../../src/providers/dialect.ts';
import { geminiOpenai } from '../../src/providers/gemini-openai.ts';
import { gemini } from '../../src/providers/gemini.ts';
import type { Payload } from '../../src/providers/dialect.ts';
import { mistral } from '../../src/providers/mistral.ts';
import { ollama } from '../../src/providers/ollama.ts';
import type { ChatRequest } from '../../src/types.ts';
import { jsonOf, model, provider, request } from './support.ts';

type Body = Readonly<Record<string, unknown>>;

const encoded = (dialect: Dialect, body: Body, baseUrl = 'https://api.example/v1', omit: readonly string[] = []): HttpRequest =>
  dialect.encode(request(body), { provider: provider({ baseUrl, omit }), model: model({ name: 'some-model', maxOutput: 1000 }) }, 'key-1');
const sent = (dialect: Dialect, body: Body, omit: readonly string[] = []): Body => jsonOf(encoded(dialect, body, undefined, omit));

const refusal = (dialect: Dialect, body: Body): Failure => failing(() => encoded(dialect, body));

function failing(act: () => unknown): Failure {
  try {
    act();
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

  test('files: documents as they are, and text as text', () => {
    const files = ['data:application/pdf;base64,aGk=', 'data:text/csv;base64,w6QsYg=='].map((data) => ({ type: 'file', file: { filename: 'a', file_data: data } }));
    expect(sent(anthropic, { messages: [{ role: 'user', content: files }] })['messages']).toEqual([{ role: 'user', content: [
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' }, title: 'a' },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'ä,b' }, title: 'a' },
    ] }]);
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

/** Whose arguments must be as its parameters say. */
const strictTool = (parameters: Body): Body => ({ type: 'function', function: { name: 'look', strict: true, parameters } });
const required = { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] };

describe('strict tools', () => {
  test('anthropic: each for itself', () => {
    expect(sent(anthropic, { tools: [strictTool(required), tool] })['tools']).toEqual([{ name: 'look', strict: true, input_schema: required }, { name: 'look', description: 'looks', input_schema: tool.function.parameters }]);
  });

  test('gemini: all, in a mode of its own where none must be called', () => {
    const mode = (choice?: unknown): unknown => (sent(gemini, { tools: [strictTool(required), tool], ...(choice !== undefined && { tool_choice: choice }) })['toolConfig'] as { functionCallingConfig: { mode: string } }).functionCallingConfig.mode;
    expect([mode(), mode('auto'), mode('required'), mode('none')]).toEqual(['VALIDATED', 'VALIDATED', 'ANY', 'NONE']);
    expect(JSON.stringify(sent(gemini, { tools: [strictTool(required)] })['tools'])).not.toContain('strict');
  });

  test('cohere: all or none, and none without a required parameter', () => {
    const strict = (...tools: Body[]): unknown => sent(cohere, { tools })['strict_tools'];
    expect([strict(strictTool(required)), strict(strictTool(required), tool), strict(strictTool({ type: 'object', properties: {} }))]).toEqual([true, undefined, undefined]);
    expect(sent(cohere, { tools: [strictTool(required)] })['tools']).toEqual([{ type: 'function', function: { name: 'look', parameters: required } }]);
  });
});

function idsIn(responseId: string): unknown[] {
  const decoder = gemini.decode((body) => new FailureError({ kind: 'broken-answer', message: body }));
  const parts = [{ functionCall: { name: 'look', args: {} } }, { functionCall: { name: 'look', args: {} } }, { functionCall: { id: 'own', name: 'look' } }];
  const [chunk] = decoder.read({ whole: true, text: JSON.stringify({ candidates: [{ content: { parts }, finishReason: 'STOP' }], responseId }) });
  return (JSON.parse(chunk?.text ?? '') as { choices: { message: { tool_calls: { id: string }[] } }[] }).choices[0]?.message.tool_calls.map(({ id }) => id) ?? [];
}

test('gemini: calls without an id get one that no other answer gives', () => {
  const ids = [...idsIn('r1').slice(0, 2), ...idsIn('r2')];
  expect(new Set(ids).size).toBe(5);
  expect(ids.at(-1)).toBe('own');
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

describe('ollama', () => {
  test('the newer name of the longest answer is not passed over there, because it is not asked by it', () => {
    expect(sent(ollama, { max_completion_tokens: 5, seed: 7 })).toEqual({ model: 'some-model', messages: [{ role: 'user', content: 'hello' }], stream: false, seed: 7, max_tokens: 5 });
    expect(sent(ollama, { max_tokens: 4, max_completion_tokens: 5 })).toMatchObject({ max_tokens: 4 });
  });

  test('log probabilities are asked of others', () => {
    expect(refusal(ollama, { logprobs: true })).toMatchObject({ param: 'logprobs', capability: true, unsent: true });
    expect(sent(ollama, { logprobs: false })).not.toHaveProperty('logprobs');
  });
});

const foreignCall = (id: string): Body => ({ id, index: 0, type: 'function', function: { name: 'look', arguments: '{}' }, extra_content: { google: {} } });
const callsSigned = (signature?: string): Body => ({ messages: [{ role: 'assistant', content: null, tool_calls: ['c1', 'c2'].map((id) => ({ id, type: 'function', function: { name: 'look', arguments: '{}' }, ...(signature !== undefined && id === 'c1' && { extra_content: { google: { thought_signature: signature } } }) })) }, { role: 'tool', tool_call_id: 'c1', content: 'a' }] });

describe('mistral', () => {
  test('a message holds what its role needs; what an answer held besides is not said back', () => {
    const messages = [{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'ho', refusal: null, annotations: [], reasoning: 'hm', reasoning_content: 'hm', tool_calls: null }, { role: 'user', content: 'so?' }];
    expect(sent(mistral, { messages })).toMatchObject({ messages: [{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'ho' }, { role: 'user', content: 'so?' }] });
    expect(JSON.stringify(sent(mistral, { messages }))).not.toMatch(/refusal|annotations|reasoning|tool_calls/);
  });

  test('a refusal is what was said, and functions in their older form go elsewhere', () => {
    expect(sent(mistral, { messages: [{ role: 'user', content: 'hi' }, { role: 'assistant', content: null, refusal: 'I will not' }, { role: 'user', content: 'why?' }] })).toMatchObject({ messages: [{}, { role: 'assistant', content: 'I will not' }, {}] });
    for (const message of [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }, { role: 'function', name: 'f', content: '1' }]) expect(refusal(mistral, { messages: [message] })).toMatchObject({ param: 'messages', capability: true });
  });

  test('calls made elsewhere get a name it takes, the same as their results; after a result the assistant speaks', () => {
    const { messages } = sent(mistral, { messages: [{ role: 'user', content: 'x' }, { role: 'assistant', content: null, tool_calls: [foreignCall('toolu_01AbCdEf'), foreignCall('gSIMJiOkT')] }, { role: 'tool', tool_call_id: 'gSIMJiOkT', content: 'a' }, { role: 'tool', tool_call_id: 'toolu_01AbCdEf', content: 'b' }, { role: 'user', content: 'so?' }] }) as { messages: Record<string, unknown>[] };
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'assistant', 'user']);
    const [other, own] = (messages[1]?.['tool_calls'] ?? []) as Record<string, unknown>[];
    expect(other).toEqual({ id: expect.stringMatching(/^[a-z\d]{9}$/i), type: 'function', function: { name: 'look', arguments: '{}' } });
    expect(own?.['id']).toBe('gSIMJiOkT');
    expect([messages[2]?.['tool_call_id'], messages[3]?.['tool_call_id']]).toEqual(['gSIMJiOkT', other?.['id']]);
    expect(messages[4]?.['content']).toMatch(/\S/);
  });

  test('thoughts are told apart from words, and a call has its place', () => {
    const decoder = mistral.decode((body) => new FailureError({ kind: 'broken-answer', message: body }));
    const read = (delta: Body): unknown => (JSON.parse(decoder.read({ whole: false, text: JSON.stringify({ choices: [{ index: 0, delta }] }) })[0]?.text ?? '') as { choices: { delta: unknown }[] }).choices[0]?.delta;
    expect(read({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }, { type: 'text', text: 'm' }] }, { type: 'text', text: '4' }] })).toEqual({ content: '4', reasoning_content: 'Hmm' });
    expect(read({ tool_calls: [{ id: 'a', function: {} }, { id: 'b', function: {} }] })).toEqual({ tool_calls: [{ index: 0, type: 'function', id: 'a', function: {} }, { index: 1, type: 'function', id: 'b', function: {} }] });
    expect(read({ tool_calls: [{ index: 7, id: 'c' }, { id: 'd' }] })).toMatchObject({ tool_calls: [{ index: 7 }, { index: 3 }] });
    const other = decoder.read({ whole: false, text: JSON.stringify({ choices: [{ index: 1, delta: { tool_calls: [{ id: 'e' }] } }] }) })[0]?.text ?? '';
    expect(JSON.parse(other)).toMatchObject({ choices: [{ delta: { tool_calls: [{ index: 0, id: 'e' }] } }] });
  });
});

describe.each([['gemini-3.8-flash', true], ['gemini-2.5-flash', false], ['gemma-4-31b-it', false]])('a call without a signature to %s', (name, wanted) => {
  const bodyFor = (dialect: Dialect, body: Body): string => JSON.stringify(jsonOf(dialect.encode(request(body), { provider: provider({ baseUrl: 'https://api.example/v1beta' }), model: model({ name }) }, 'key-1')));

  test.each([['gemini', gemini, /"thoughtSignature":"([^"]+)"/g], ['gemini-openai', geminiOpenai, /"thought_signature":"([^"]+)"/g]] as const)('%s', (_dialect, dialect, signatures) => {
    expect([...bodyFor(dialect, callsSigned()).matchAll(signatures)].map(([, signature]) => signature)).toEqual(wanted ? ['skip_thought_signature_validator'] : []);
    expect([...bodyFor(dialect, callsSigned('its own')).matchAll(signatures)].map(([, signature]) => signature)).toEqual(['its own']);
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

  test.each<[string, Body[]]>([
    ['a picture in the result of a tool', [{ role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'see' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] }]],
    ['a file in the instructions', [{ role: 'system', content: [{ type: 'file', file: { file_id: 'f' } }] }]],
    ['a call of a function in its older form', [{ role: 'assistant', content: null, function_call: { name: 'look', arguments: '{}' } }]],
    ['its result', [{ role: 'function', name: 'look', content: 'a cat' }]],
    ['what was said aloud', [{ role: 'assistant', content: null, audio: { id: 'a1' } }]],
  ])('nothing of a conversation is lost on the way: %s', (_what, messages) => {
    expect(refusal(dialect, { messages: [{ role: 'user', content: 'hi' }, ...messages] })).toMatchObject({ kind: 'caller', param: 'messages', capability: true, unsent: true });
  });

  test('instructions alone are asked as a question', () => {
    expect(sent(dialect, { messages: [{ role: 'system', content: 'say hello' }] })).toEqual(sent(dialect, { messages: [{ role: 'user', content: 'say hello' }] }));
  });

  test('what a model would not say is told in its words', () => {
    expect(JSON.stringify(sent(dialect, { messages: [{ role: 'user', content: 'hi' }, { role: 'assistant', content: null, refusal: 'I will not' }, { role: 'user', content: 'why?' }] }))).toContain('I will not');
  });

  test('what its entry in the catalogue leaves out is left out', () => {
    expect(sent(dialect, { logit_bias: { 5: 1 } }, ['logit_bias'])).not.toHaveProperty('logit_bias');
  });

  test('what is not set is not sent', () => {
    expect(() => sent(dialect, { logprobs: false, brand_new: null, other: [], tools: null, stop: null, response_format: { type: 'text' } })).not.toThrow();
  });

  const relayed = (path: string, surface: ChatRequest['surface']): HttpRequest => dialect.encode(request({ input: 'x' }, { surface, relay: { path } }), { provider: provider({ baseUrl: 'https://api.example/v1' }), model: model() }, 'key-1');

  test('other questions than chat go to their own path with its own key', () => {
    const call = relayed('/rerank', 'proxy');
    expect(call.url).toBe('https://api.example/v1/rerank');
    expect(call.headers).toMatchObject(dialect.authorize('key-1'));
    expect(jsonOf(call)).toMatchObject({ model: 'vendor/model', input: 'x' });
  });

  test('what it asks for otherwise than OpenAI does goes elsewhere: a path that is not there would retire the model', () => {
    expect(failing(() => relayed('/embeddings', 'embeddings'))).toMatchObject({ kind: 'caller', param: 'model', capability: true, unsent: true, message: expect.stringContaining('embeddings') });
  });
});

const payloads = (...values: readonly object[]): readonly Payload[] => values.map((value) => ({ text: JSON.stringify(value), whole: false }));
const piece = (text: string | undefined, finishReason?: string): object => ({ candidates: [{ index: 0, content: { role: 'model', parts: text === undefined ? [] : [{ text }] }, ...(finishReason !== undefined && { finishReason }) }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 } });
/** The last finish reason, or why it is no answer. */
function endOf(said: readonly Payload[]): string | undefined {
  const decoder = gemini.decode((body) => new FailureError({ kind: 'broken-answer', message: body }));
  try {
    const chunks = said.flatMap((payload) => decoder.read(payload));
    decoder.end();
    return chunks.findLast(({ finish }) => finish !== undefined)?.finish;
  } catch (error) {
    return failureOf(error).kind;
  }
}

describe('how Gemini ends', () => {
  test.each([
    ['STOP', 'stop'], ['MAX_TOKENS', 'length'], ['SAFETY', 'content_filter'], ['PROHIBITED_CONTENT', 'content_filter'], ['IMAGE_RECITATION', 'content_filter'],
    ['OTHER', 'broken-answer'], ['MALFORMED_FUNCTION_CALL', 'broken-answer'], ['UNEXPECTED_TOOL_CALL', 'broken-answer'], ['SOMETHING_NEW', 'broken-answer'],
  ])('%s after words is %s', (reason, end) => {
    expect(endOf(payloads(piece('Once'), piece(undefined, reason)))).toBe(end);
    expect(endOf(payloads(piece('Once', reason)).map((payload) => ({ ...payload, whole: true })))).toBe(end);
  });

  test.each(['SAFETY', 'OTHER', 'BLOCKLIST', 'SOMETHING_NEW'])('a prompt that is blocked was refused, whatever for: %s', (blockReason) => {
    for (const whole of [true, false]) expect(endOf(payloads({ promptFeedback: { blockReason }, usageMetadata: { promptTokenCount: 3 } }).map((payload) => ({ ...payload, whole })))).toBe('policy');
  });

  test.each<object>([{ candidates: [], usageMetadata: { promptTokenCount: 3 } }, piece('Once')])('a whole answer without an end is none: %j', (value) => {
    expect(endOf(payloads(value).map((payload) => ({ ...payload, whole: true })))).toBe('broken-answer');
  });
});

test('a whole message of Anthropic’s without a reason to stop is none', () => {
  const text = JSON.stringify({ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Once' }], stop_reason: null, usage: { input_tokens: 3, output_tokens: 1 } });
  const decoder = anthropic.decode((body) => new FailureError({ kind: 'policy', message: body }));
  expect(() => decoder.read({ text, whole: true })).toThrow(/gave up/);
});
