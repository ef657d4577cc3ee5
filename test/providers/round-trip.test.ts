/** A question translated to any format and back keeps its meaning. Back: by the surface that reads the format, else by a reader written here after its reference. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anthropic } from '../../src/providers/anthropic.ts';
import { cloudflare } from '../../src/providers/cloudflare.ts';
import { cohere } from '../../src/providers/cohere.ts';
import type { Dialect } from '../../src/providers/dialect.ts';
import { geminiOpenai } from '../../src/providers/gemini-openai.ts';
import { gemini } from '../../src/providers/gemini.ts';
import { mistral } from '../../src/providers/mistral.ts';
import { ollama } from '../../src/providers/ollama.ts';
import { openai } from '../../src/providers/openai.ts';
import { openrouter } from '../../src/providers/openrouter.ts';
import { readMessages } from '../../src/surfaces/messages-request.ts';
import { readResponses } from '../../src/surfaces/responses-request.ts';
import { jsonOf, model, provider, request } from './support.ts';

type Body = Readonly<Record<string, unknown>>;

const sent = (dialect: Dialect, body: Body): Body => jsonOf(dialect.encode(request(body), { provider: provider({ baseUrl: 'https://api.example/v1' }), model: model({ name: 'some-model', maxOutput: 1000 }) }, 'key-1'));

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const NAMES = ['look', 'find', 'count'] as const;
const call = fc.record({ id: fc.uuid(), type: fc.constant('function'), function: fc.record({ name: fc.constantFrom(...NAMES), arguments: fc.dictionary(fc.string().map((key) => `k${key}`), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map((input) => JSON.stringify(input)) }) });
const picture = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` } }));
const said = fc.oneof(words, fc.tuple(words, picture, words).map(([before, shown, after]) => [{ type: 'text', text: before }, shown, { type: 'text', text: after }]));
const exchange = fc.record({ question: said, calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }), results: fc.array(fc.oneof(words, fc.dictionary(words, fc.integer(), { minKeys: 1, maxKeys: 2 }).map((result) => JSON.stringify(result))), { minLength: 3, maxLength: 3 }), answer: words });

/** A conversation as clients hold it: questions with pictures, calls with their results, answers. */
const conversation = fc.array(exchange, { minLength: 1, maxLength: 4 }).map((exchanges) =>
  exchanges.flatMap(({ question, calls, results, answer }) => [
    { role: 'user', content: question },
    ...(calls.length === 0 ? [] : [{ role: 'assistant', content: null, tool_calls: calls }, ...calls.map(({ id }, index) => ({ role: 'tool', tool_call_id: id, content: results[index] }))]),
    { role: 'assistant', content: answer },
  ]),
);

const schema = fc.constantFrom({ type: 'object', properties: { name: { type: 'string' } } }, { type: 'object', properties: {} });
const offered = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }).chain((names) => fc.record({
  tools: fc.tuple(words, schema).map(([description, parameters]) => names.map((name) => ({ type: 'function', function: { name, description, parameters } }))),
  tool_choice: fc.oneof(fc.constantFrom('auto', 'required', 'none'), fc.constantFrom(...names).map((name) => ({ type: 'function', function: { name } }))),
}));

/** What every format has a place for. */
const question = fc.record({
  spoken: fc.tuple(words, conversation, words).map(([system, turns, last]) => ({ messages: [{ role: 'system', content: system }, ...turns, { role: 'user', content: last }] })),
  offered,
  numbers: fc.record({ max_tokens: fc.integer({ min: 1, max: 100_000 }), temperature: fc.double({ min: 0, max: 1, noNaN: true }), top_p: fc.double({ min: 0, max: 1, noNaN: true }), stop: fc.array(words, { minLength: 1, maxLength: 4 }) }),
  format: fc.option(schema.map((one) => ({ response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: one } } })), { nil: {} }),
}).map(({ spoken, offered: tools, numbers, format }): Body & { readonly messages: readonly Message[] } => ({ ...spoken, ...tools, ...numbers, ...format }));

interface Message {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[];
}

/** Arguments and results as what they say, and content that is not there as none. */
function normal(body: Body): unknown {
  return JSON.parse(JSON.stringify(body, (key, value: unknown) => (key === 'arguments' ? (JSON.parse(String(value)) as unknown) : key === 'content' && value === null ? undefined : value)));
}

const idsIn = (body: Body): string[] => ((body['messages'] ?? []) as readonly Message[]).flatMap(({ tool_calls: calls = [], tool_call_id: id }) => [...calls.map((one) => one.id), ...(id === undefined ? [] : [id])]);

/** Calls named by the order they were made in. */
function inOrder(body: Body): Body {
  const known = [...new Set(idsIn(body))];
  return JSON.parse(JSON.stringify(body, (key, value: unknown) => ((key === 'id' || key === 'tool_call_id') && typeof value === 'string' ? `call ${known.indexOf(value)}` : value))) as Body;
}

const holds = (check: (asked: Body & { readonly messages: readonly Message[] }) => void, runs = 100): void => fc.assert(fc.property(question, check), { numRuns: runs });

describe('to a dialect and back', () => {
  test('openai, ollama: the very same fields', () => {
    holds((asked) => {
      expect(sent(openai, asked)).toEqual({ ...asked, model: 'some-model', stream: false });
    });
    holds(({ tool_choice: choice, tools, ...asked }) => {
      if (choice !== 'auto' && choice !== 'none') return;
      expect(sent(ollama, { ...asked, tools, tool_choice: choice })).toEqual({ ...asked, ...(choice === 'auto' && { tools }), model: 'some-model', stream: false });
    });
  });

  test('openrouter, gemini-openai: the very same fields, but for what is theirs alone', () => {
    holds((asked) => {
      const { provider: told, ...rest } = sent(openrouter, asked);
      expect(rest).toEqual({ ...asked, model: 'some-model', stream: false });
      expect(told).toEqual({ require_parameters: true });
      expect(sent(geminiOpenai, asked)).toEqual({ ...asked, model: 'some-model', stream: false });
    });
  });

  test('mistral: the same question, its calls by other names', () => {
    holds((asked) => {
      const told = sent(mistral, asked);
      expect(normal(inOrder(told))).toEqual(normal(inOrder({ ...asked, model: 'some-model', stream: false })));
      for (const id of idsIn(told)) expect(id).toMatch(/^[a-z\d]{9}$/i);
    });
  });

  test('anthropic: its surface reads the same question', () => {
    holds((asked) => {
      expect(normal(readMessages(sent(anthropic, asked)).body)).toEqual(normal({ ...asked, model: 'some-model', stream: false }));
    });
  });

  test('cohere', () => {
    holds((asked) => {
      expect(normal(fromCohere(sent(cohere, asked)))).toEqual(normal(asCohereCan(asked)));
    });
  });

  test('gemini', () => {
    holds((asked) => {
      expect(normal(fromGemini(sent(gemini, asked)))).toEqual(normal(asGeminiCan(asked)));
    });
  });

  test('cloudflare: the same words where there are no pictures', () => {
    holds(({ messages, ...asked }) => {
      const spoken = messages.map((message) => ({ ...message, content: Array.isArray(message.content) ? message.content.filter(({ type }: Body) => type === 'text') : message.content }));
      const plain = spoken.map((message) => ({ ...message, content: Array.isArray(message.content) ? message.content.map(({ text }: Body) => text).join('\n') : (message.content ?? '') }));
      expect(sent(cloudflare, { ...asked, messages: spoken })).toEqual({ ...asked, messages: plain, model: 'some-model', stream: false });
    });
  });
});

test('a question asked as the Responses API has it is the same question', () => {
  holds((asked) => {
    const { dropped, body } = readResponses(toResponses(asked));
    expect(dropped).toEqual([]);
    expect(normal(body)).toEqual(normal({ ...asked, model: 'auto', stream: false }));
  });
});

/** One of several tools cannot be named there: only that one is offered. */
function asCohereCan({ tools, tool_choice: choice, ...asked }: Body): Body {
  const name = typeof choice === 'object' ? (choice as { function: { name: string } }).function.name : undefined;
  return { ...asked, tools: name === undefined ? tools : (tools as Body[]).filter((one) => (one['function'] as Body)['name'] === name), tool_choice: name === undefined ? choice : 'required' };
}

/** docs.cohere.com/reference/chat, v2. */
function fromCohere({ model: _model, stream: _stream, messages, stop_sequences: stop, p, tool_choice: choice, response_format: format, ...same }: Body): Body {
  return {
    ...same,
    messages: (messages as Body[]).map(({ tool_plan: plan, ...message }) => ({ ...message, ...(plan !== undefined && { content: plan }) })),
    stop,
    top_p: p,
    tool_choice: typeof choice === 'string' ? choice.toLowerCase() : 'auto',
    ...(format !== undefined && { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: (format as Body)['json_schema'] } } }),
  };
}

/** Calls have no ids there: what a result answers is told by the function's name and its place. */
function asGeminiCan({ messages, ...asked }: Body & { readonly messages: readonly Message[] }): Body {
  const names = new Map(messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id, function: { name } }) => [id, name] as const)));
  return {
    ...asked,
    messages: messages.map(({ tool_calls: calls, tool_call_id: id, ...message }) => ({
      ...message,
      ...(calls && { tool_calls: calls.map(({ function: called }) => called) }),
      ...(id !== undefined && { of: names.get(id), content: resultOf(String(message.content)) }),
    })),
  };
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

interface GeminiPart {
  readonly text?: string;
  readonly inlineData?: { readonly mimeType: string; readonly data: string };
  readonly functionCall?: { readonly name: string; readonly args: unknown };
  readonly functionResponse?: { readonly name: string; readonly response: unknown };
}

const MODES: Readonly<Record<string, string>> = { AUTO: 'auto', ANY: 'required', NONE: 'none' };

/** ai.google.dev/api/generate-content. */
function fromGemini({ systemInstruction, contents, tools, toolConfig, generationConfig }: Body): Body {
  const { maxOutputTokens, temperature, topP, stopSequences, responseMimeType, responseJsonSchema } = generationConfig as Body;
  const { mode, allowedFunctionNames } = (toolConfig as { functionCallingConfig: { mode: string; allowedFunctionNames?: string[] } }).functionCallingConfig;
  const declared = (tools as { functionDeclarations: Body[] }[]).flatMap(({ functionDeclarations }) => functionDeclarations);
  return {
    messages: [{ role: 'system', content: (systemInstruction as { parts: GeminiPart[] }).parts[0]?.text }, ...(contents as { role: string; parts: GeminiPart[] }[]).flatMap(({ role, parts }) => turnsOf(role, parts))],
    max_tokens: maxOutputTokens,
    temperature,
    top_p: topP,
    stop: stopSequences,
    tools: declared.map(({ parametersJsonSchema: parameters, ...rest }) => ({ type: 'function', function: { ...rest, parameters } })),
    tool_choice: allowedFunctionNames === undefined ? MODES[mode] : { type: 'function', function: { name: allowedFunctionNames[0] } },
    ...(responseMimeType !== undefined && { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: responseJsonSchema } } }),
  };
}

/** One content holds a side's turns: results, then what else was said; or calls. */
function turnsOf(role: string, parts: readonly GeminiPart[]): Body[] {
  const results = parts.flatMap(({ functionResponse: one }) => (one === undefined ? [] : [{ role: 'tool', of: one.name, content: one.response }]));
  const calls = parts.flatMap(({ functionCall: one }) => (one === undefined ? [] : [{ name: one.name, arguments: JSON.stringify(one.args) }]));
  const shown = parts.flatMap(({ text, inlineData }): Body[] => (inlineData !== undefined ? [{ type: 'image_url', image_url: { url: `data:${inlineData.mimeType};base64,${inlineData.data}` } }] : text === undefined ? [] : [{ type: 'text', text }]));
  const content = shown.length === 1 ? shown[0]?.['text'] : shown;
  if (role === 'user') return [...results, ...(shown.length === 0 ? [] : [{ role, content }])];
  return [...(calls.length > 0 ? [{ role: 'assistant', tool_calls: calls }] : []), ...(shown.length === 0 ? [] : [{ role: 'assistant', content }])];
}

/** As OpenAI's reference has it: instructions apart, calls and their outputs as items, tools without their envelope. */
function toResponses({ messages, max_tokens: most, tools, tool_choice: choice, response_format: format, stop, ...same }: Body & { readonly messages: readonly Message[] }): Body {
  const [system, ...turns] = messages;
  return {
    ...same,
    model: 'auto',
    instructions: system?.content,
    input: turns.flatMap(itemsOf),
    max_output_tokens: most,
    stop,
    tools: (tools as { function: Body }[]).map((one) => ({ type: 'function', ...one.function })),
    tool_choice: typeof choice === 'object' ? { type: 'function', name: (choice as { function: { name: string } }).function.name } : choice,
    ...(format !== undefined && { text: { format: { type: 'json_schema', ...((format as Body)['json_schema'] as Body) } } }),
  };
}

function itemsOf({ role, content, tool_calls: calls = [], tool_call_id: id }: Message): Body[] {
  if (role === 'tool') return [{ type: 'function_call_output', call_id: id, output: content }];
  const parts = Array.isArray(content) ? content.map(({ type, text, image_url: shown }: Body) => (type === 'text' ? { type: 'input_text', text } : { type: 'input_image', image_url: (shown as Body)['url'] })) : content;
  return [
    ...(content === null ? [] : [{ type: 'message', role, content: role === 'assistant' ? [{ type: 'output_text', text: parts }] : parts }]),
    ...calls.map(({ id: callId, function: called }) => ({ type: 'function_call', call_id: callId, ...called })),
  ];
}
