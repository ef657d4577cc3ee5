/** The helpers of every client, on every wire format: two calls at once, their results, the answer; and answers by a schema. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { ChatOpenAI } from '@langchain/openai';
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { zodFunction, zodResponseFormat, zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { startRecording } from './recorder.ts';
import type { Recorded, Recording, Reply } from './recorder.ts';

type Json = Readonly<Record<string, unknown>>;

const CITIES = ['Paris', 'Rome'] as const;
const PERSON = { name: 'Ann', age: 7 };
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** What a model of this format says: two calls of the first tool, or words. `cities` are called for. */
interface Saying {
  readonly words: string;
  readonly calls: readonly { readonly id: string; readonly city: string }[];
}
interface Format {
  readonly path: string;
  readonly whole: (saying: Saying) => Json;
  readonly events: (saying: Saying) => readonly Json[];
}

const written = (city: string): string => JSON.stringify({ city });
/** Cut in the middle. */
const halves = (text: string): readonly string[] => [text.slice(0, 5), text.slice(5)];

const chunk = (delta: Json, finish: string | null = null): Json => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'x', choices: [{ index: 0, delta, finish_reason: finish }] });

const openai: Format = {
  path: '/v1',
  whole: ({ words, calls }) => ({
    id: 'c', object: 'chat.completion', created: 1, model: 'x', usage: USAGE,
    choices: [{ index: 0, message: { role: 'assistant', content: calls.length > 0 ? null : words, ...(calls.length > 0 && { tool_calls: calls.map(({ id, city }) => ({ id, type: 'function', function: { name: 'weather', arguments: written(city) } })) }) }, finish_reason: calls.length > 0 ? 'tool_calls' : 'stop' }],
  }),
  events({ words, calls }) {
    const called = calls.flatMap(({ id, city }, index) => [chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: '' } }] }), ...halves(written(city)).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] }))]);
    return [chunk({ role: 'assistant', content: '' }), ...(calls.length > 0 ? called : halves(words).map((content) => chunk({ content }))), chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'), { ...chunk({}), choices: [], usage: USAGE }];
  },
};

const anthropic: Format = {
  path: '/v1',
  whole: ({ words, calls }) => ({
    id: 'msg_1', type: 'message', role: 'assistant', model: 'x', stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null, usage: { input_tokens: 10, output_tokens: 5 },
    content: calls.length > 0 ? [{ type: 'text', text: 'I look' }, ...calls.map(({ id, city }) => ({ type: 'tool_use', id, name: 'weather', input: { city } }))] : [{ type: 'text', text: words }],
  }),
  events(saying) {
    const { content, stop_reason: reason, ...message } = anthropic.whole(saying) as { content: Json[]; stop_reason: string };
    const blocks = content.flatMap((block, index) => {
      const { text, input, ...head } = block;
      const deltas = input === undefined ? [{ type: 'text_delta', text }] : halves(JSON.stringify(input)).map((piece) => ({ type: 'input_json_delta', partial_json: piece }));
      return [{ type: 'content_block_start', index, content_block: { ...head, ...(input === undefined ? { text: '' } : { input: {} }) } }, ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })), { type: 'content_block_stop', index }];
    });
    return [{ type: 'message_start', message: { ...message, content: [], stop_reason: null } }, ...blocks, { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 5 } }, { type: 'message_stop' }];
  },
};

const gemini: Format = {
  path: '/v1beta',
  whole: ({ words, calls }) => ({
    candidates: [{ content: { role: 'model', parts: calls.length > 0 ? calls.map(({ city }) => ({ functionCall: { name: 'weather', args: { city } } })) : [{ text: words }] }, index: 0, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }, modelVersion: 'x', responseId: 'r1',
  }),
  events: ({ words, calls }) => (calls.length > 0 ? calls.map((one) => gemini.whole({ words, calls: [one] })) : [gemini.whole({ words, calls })]),
};

const cohere: Format = {
  path: '/v2',
  whole: ({ words, calls }) => ({
    id: 'c', finish_reason: calls.length > 0 ? 'TOOL_CALL' : 'COMPLETE', usage: { billed_units: { input_tokens: 10, output_tokens: 5 } },
    message: { role: 'assistant', ...(calls.length > 0 ? { tool_plan: 'I look', tool_calls: calls.map(({ id, city }) => ({ id, type: 'function', function: { name: 'weather', arguments: written(city) } })) } : { content: [{ type: 'text', text: words }] }) },
  }),
  events({ words, calls }) {
    const called = calls.flatMap(({ id, city }, index) => [{ type: 'tool-call-start', index, delta: { message: { tool_calls: { id, type: 'function', function: { name: 'weather', arguments: '' } } } } }, ...halves(written(city)).map((piece) => ({ type: 'tool-call-delta', index, delta: { message: { tool_calls: { function: { arguments: piece } } } } })), { type: 'tool-call-end', index }]);
    const said = halves(words).map((text) => ({ type: 'content-delta', index: 0, delta: { message: { content: { text } } } }));
    return [{ type: 'message-start', id: 'c', delta: { message: { role: 'assistant' } } }, ...(calls.length > 0 ? called : said), { type: 'message-end', delta: { finish_reason: calls.length > 0 ? 'TOOL_CALL' : 'COMPLETE', usage: { billed_units: { input_tokens: 10, output_tokens: 5 } } } }];
  },
};

const FORMATS: Readonly<Record<string, Format>> = { openai, anthropic, gemini, cohere, mistral: openai, ollama: openai };

const asksForSchema = (body: string): boolean => /"type":"json_schema"|"responseJsonSchema"|"json_schema":\{/.test(body);
const hasResults = (body: string): boolean => /"tool_result"|"functionResponse"|"role":"tool"/.test(body);

function answer({ path, body }: Recorded): Reply {
  const [, provider = ''] = path.split('/');
  const format = FORMATS[provider];
  if (body === '' || format === undefined) return { status: 404, type: 'application/json', body: '{}' };
  const { stream, tools } = JSON.parse(body) as { readonly stream?: boolean; readonly tools?: unknown };
  const streams = stream === true || path.includes(':stream');
  const calls = tools === undefined || hasResults(body) ? [] : CITIES.map((city, index) => ({ id: `abcdefgh${index}`, city }));
  const saying = { calls, words: asksForSchema(body) ? JSON.stringify(PERSON) : 'sunny in both' };
  if (!streams) return { type: 'application/json', body: JSON.stringify(format.whole(saying)) };
  const events = format.events(saying).map((event) => `${typeof event['type'] === 'string' ? `event: ${event['type']}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
  return { type: 'text/event-stream', body: `${events.join('')}${format === openai ? 'data: [DONE]\n\n' : ''}` };
}

const state: Recording & { anthropic: Anthropic } = {} as never;
beforeAll(async () => {
  const recording = await startRecording(answer, (origin) => Object.fromEntries(Object.entries(FORMATS).map(([name, { path }]) =>
    [name, `{ base_url: "${origin}/${name}${path}", dialect: ${name}, models: [{ name: some, context: 100000, capabilities: [text_generation, tools, json_schema], price: { input: 0, output: 0 } }] }`])));
  Object.assign(state, recording, { anthropic: new Anthropic({ baseURL: recording.system.url, apiKey: 'any', maxRetries: 0 }) });
});
beforeEach(() => {
  state.recorder.seen.length = 0;
});
afterAll(() => state.close());

const asked = (): readonly string[] => state.recorder.seen.filter(({ body }) => body !== '').map(({ body }) => body);
const address = (): string => `${state.system.url}/v1`;
const compatible = (model: string) => createOpenAICompatible({ name: 'tollfree', baseURL: address(), apiKey: 'any', includeUsage: true, supportsStructuredOutputs: true })(model);
const throughAnthropic = (model: string) => createAnthropic({ baseURL: address(), apiKey: 'any' })(model);
const langchain = (model: string): ChatOpenAI => new ChatOpenAI({ model, apiKey: 'any', maxRetries: 0, configuration: { baseURL: address() } });

const city = z.object({ city: z.string() });
const person = z.object({ name: z.string(), age: z.number() });
const look = ({ city: name }: { readonly city: string }): string => `sunny in ${name}`;
const prompt = 'the weather?';
const messages = [{ role: 'user' as const, content: prompt }];
const functions = [zodFunction({ name: 'weather', parameters: city, function: look })];
const steps = { prompt, tools: { weather: tool({ description: 'the weather now', inputSchema: city, execute: look }) }, stopWhen: stepCountIs(3) };
const runnable = { name: 'weather', description: 'the weather now', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }, run: look };

/** Each to its last words. */
const ROUNDS: readonly (readonly [string, (model: string) => Promise<string | null>])[] = [
  ["OpenAI's runTools", (model) => state.system.client.chat.completions.runTools({ model, messages, tools: functions }).finalContent()],
  ["OpenAI's runTools, streamed", (model) => state.system.client.chat.completions.runTools({ model, messages, tools: functions, stream: true }).finalContent()],
  ["Anthropic's toolRunner", async (model) => {
    const { content } = await state.anthropic.beta.messages.toolRunner({ model, max_tokens: 100, messages: [...messages], tools: [runnable] }).runUntilDone();
    return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  }],
  ["Anthropic's toolRunner, streamed", async (model) => {
    const { content } = await state.anthropic.beta.messages.toolRunner({ model, max_tokens: 100, messages: [...messages], tools: [runnable], stream: true }).runUntilDone();
    return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  }],
  ['generateText', async (model) => (await generateText({ ...steps, model: compatible(model) })).text],
  ['streamText', (model) => Promise.resolve(streamText({ ...steps, model: compatible(model) }).text)],
  ["generateText in Anthropic's words", async (model) => (await generateText({ ...steps, model: throughAnthropic(model), maxOutputTokens: 100 })).text],
  ["streamText in Anthropic's words", (model) => Promise.resolve(streamText({ ...steps, model: throughAnthropic(model), maxOutputTokens: 100 }).text)],
];

/** Each to the object. */
const OBJECTS: readonly (readonly [string, (model: string) => Promise<unknown>])[] = [
  ["OpenAI's parse", async (model) => (await state.system.client.chat.completions.parse({ model, messages, response_format: zodResponseFormat(person, 'person') })).choices[0]?.message.parsed],
  ["OpenAI's responses.parse", async (model) => (await state.system.client.responses.parse({ model, input: prompt, text: { format: zodTextFormat(person, 'person') } })).output_parsed],
  ["Anthropic's parse", async (model) => (await state.anthropic.messages.parse({ model, max_tokens: 100, messages, output_config: { format: zodOutputFormat(person) } })).parsed_output],
  ['generateObject', async (model) => (await generateObject({ model: compatible(model), schema: person, prompt })).object],
  ['streamObject', async (model) => {
    let last: unknown;
    for await (const part of streamObject({ model: compatible(model), schema: person, prompt }).partialObjectStream) last = part;
    return last;
  }],
  ["LangChain's withStructuredOutput", (model) => langchain(model).withStructuredOutput(person).invoke(prompt)],
];

describe.each(Object.keys(FORMATS))('%s', (provider) => {
  const model = `${provider}/some`;

  test.each(ROUNDS)('two calls at once and their results: %s', async (_name, run) => {
    expect(await run(model)).toBe('sunny in both');
    expect(asked().map(hasResults)).toEqual([false, true]);
    for (const name of CITIES) {
      expect(asked()[0]).not.toContain(name);
      // The call, with its arguments, and what came of it.
      expect(asked()[1]?.split(name)).toHaveLength(3);
      expect(asked()[1]).toContain(`sunny in ${name}`);
    }
  });

  test.each(OBJECTS)('an answer by a schema: %s', async (_name, run) => {
    expect(await run(model)).toEqual(PERSON);
    expect(asked().map(asksForSchema)).toEqual([true]);
  });

  test('streamed calls of the Responses API, one after the other', async () => {
    const { output } = await state.system.client.responses.stream({ model, input: prompt, tools: [zodResponsesFunction({ name: 'weather', parameters: city })] }).finalResponse();
    expect(output.flatMap((item) => (item.type === 'function_call' ? [item.parsed_arguments as unknown] : []))).toEqual(CITIES.map((name) => ({ city: name })));
  });

  test('LangChain: streamed calls, with the usage', async () => {
    let usage: unknown;
    const calls: string[] = [];
    for await (const piece of await langchain(model).bindTools([{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]).stream(prompt)) {
      usage = piece.usage_metadata ?? usage;
      calls.push(...(piece.tool_call_chunks ?? []).map(({ args = '' }) => args));
    }
    expect(calls.join('')).toBe(CITIES.map(written).join(''));
    expect(usage).toMatchObject({ input_tokens: 10, output_tokens: 5 });
  });
});
