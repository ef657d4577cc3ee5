/** Every event of the Responses API against what OpenAI's official client declares of it: a newer client may declare more. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import OpenAI from 'openai';
import { FailureError } from '../../src/failure.ts';
import { createResponses } from '../../src/surfaces/responses.ts';
import type { ChatChunk } from '../../src/types.ts';

const declared = readFileSync(createRequire(import.meta.url).resolve('openai/resources/responses/responses').replace(/\.js$/, '.d.ts'), 'utf8');

/** The fields an interface says are always there. */
function fieldsOf(name: string): readonly string[] {
  const [, body = ''] = new RegExp(`^export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(declared) ?? [];
  return [...body.matchAll(/^ {4}(\w+): /gm)].map(([, field = '']) => field);
}

const events = new Map([...declared.matchAll(/^export interface (Response\w*Event) \{[\s\S]*?^ {4}type: '([\w.]+)';$/gm)].map(([, name = '', type = '']) => [type, fieldsOf(name)]));
const items = new Map(Object.entries({ message: 'ResponseOutputMessage', function_call: 'ResponseFunctionToolCall', reasoning: 'ResponseReasoningItem' }).map(([type, name]) => [type, fieldsOf(name)]));
/** The client adds `output_text` itself. */
const whole = fieldsOf('Response').filter((field) => field !== 'output_text');

interface Event {
  readonly type: string;
  readonly response?: { readonly output: readonly { readonly type: string }[] };
  readonly item?: { readonly type: string };
}

type Delta = Readonly<Record<string, unknown>>;
const chunk = (delta: Delta, finish: string | null = null): ChatChunk => ({ text: JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] }), whole: false, content: true });
const call = { tool_calls: [{ index: 0, id: 'c1', function: { name: 'look', arguments: '{"at":"it"}' } }] };

async function* from(chunks: readonly ChatChunk[], error?: Error): AsyncGenerator<ChatChunk> {
  yield* chunks;
  if (error !== undefined) throw error;
}

const conversation = () => createResponses()({ model: 'auto', input: 'hello' }, { id: 'req_1', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 30_000, priority: 5 });

async function told(chunks: readonly ChatChunk[], error?: Error): Promise<string> {
  let text = '';
  for await (const frame of conversation().stream(from(chunks, error), () => 0)) text += frame;
  return text;
}

const ANSWERS: readonly { readonly name: string; readonly chunks: readonly ChatChunk[]; readonly error?: Error }[] = [
  { name: 'thoughts, words, a call', chunks: [chunk({ reasoning: 'hm' }), chunk({ content: 'Hel' }), chunk({ content: 'lo' }), chunk(call), chunk({}, 'tool_calls')] },
  { name: 'a refusal', chunks: [chunk({ refusal: 'no' }), chunk({}, 'stop')] },
  { name: 'cut short', chunks: [chunk({ content: 'x' }), chunk({}, 'length')] },
  { name: 'broken', chunks: [chunk({ content: 'x' })], error: new FailureError({ kind: 'broken-answer', message: 'broke' }) },
];

test.each(ANSWERS)('$name: each event is known there, and has every field', async ({ chunks, error }) => {
  const seen = [...(await told(chunks, error)).matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Event);
  expect(seen.length).toBeGreaterThan(3);
  for (const event of seen) {
    expect([event.type, events.has(event.type)]).toEqual([event.type, true]);
    expect([event.type, (events.get(event.type) ?? []).filter((field) => !(field in event))]).toEqual([event.type, []]);
    if (event.response !== undefined) expect(whole.filter((field) => !(field in (event.response ?? {})))).toEqual([]);
    for (const item of [...(event.item === undefined ? [] : [event.item]), ...(event.response?.output ?? [])]) expect([item.type, items.get(item.type)?.filter((field) => !(field in item))]).toEqual([item.type, []]);
  }
});

test('what is looked up here is what the client declares', () => {
  expect(events.size).toBeGreaterThan(40);
  expect(events.get('response.output_text.delta')).toEqual(['content_index', 'delta', 'item_id', 'logprobs', 'output_index', 'sequence_number', 'type']);
  expect(whole.length).toBeGreaterThan(10);
  for (const [, fields] of items) expect(fields.length).toBeGreaterThan(2);
});

test.each(ANSWERS.filter(({ error }) => error === undefined))('$name: the client puts together what the whole answer says', async ({ chunks }) => {
  const body = await told(chunks);
  const client = new OpenAI({ apiKey: 'any', baseURL: 'http://127.0.0.1:9/v1', maxRetries: 0, fetch: () => Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } })) });
  const response = await client.responses.stream({ model: 'auto', input: 'hello' }).finalResponse();
  const { output } = JSON.parse(await conversation().whole(from(chunks))) as { output: object[] };
  expect(response.output).toMatchObject(output);
});
