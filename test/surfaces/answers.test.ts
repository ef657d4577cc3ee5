/** One answer told on three surfaces: the same words and calls, whatever order its pieces came in. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FailureError } from '../../src/failure.ts';
import { completions } from '../../src/surfaces/completions.ts';
import type { Conversation, Speak } from '../../src/surfaces/conversation.ts';
import { messages } from '../../src/surfaces/messages.ts';
import { createResponses } from '../../src/surfaces/responses.ts';
import type { ChatChunk } from '../../src/types.ts';

const responses = createResponses();

const arrival = { id: 'req_1', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 30_000, priority: 5 };
const asked: Readonly<Record<string, readonly [Speak, object]>> = {
  messages: [messages, { model: 'auto', max_tokens: 10, thinking: { type: 'enabled', budget_tokens: 1024 }, messages: [{ role: 'user', content: 'hello' }] }],
  responses: [responses, { model: 'auto', input: 'hello' }],
  completions: [completions, { model: 'auto', prompt: 'hello' }],
};
const conversation = (surface: string, more: object = {}): Conversation => {
  const [speak, body] = asked[surface] ?? [messages, {}];
  return speak({ ...body, ...more }, arrival);
};

type Delta = Readonly<Record<string, unknown>>;
const chunk = (delta: Delta, finish: string | null = null): ChatChunk => ({ text: JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] }), whole: false, content: true });
const own = (type: string): ChatChunk => ({ text: '', whole: false, content: true, source: { event: type, text: JSON.stringify({ type }) } });
const last = (finish: string): ChatChunk => ({ ...chunk({}, finish), usage: { input: 8, output: 5, cachedInput: 3 } });

async function* from(chunks: readonly ChatChunk[], error?: Error): AsyncGenerator<ChatChunk> {
  yield* chunks;
  if (error !== undefined) throw error;
}

interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Names in the frames are those in the data. */
async function eventsOf(surface: string, chunks: readonly ChatChunk[], error?: Error): Promise<Event[]> {
  const events: Event[] = [];
  for await (const text of conversation(surface).stream(from(chunks, error), () => 0)) {
    for (const frame of text.split('\n\n').filter(Boolean)) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/s.exec(frame) ?? [];
      const event = JSON.parse(data ?? '') as Event;
      expect(event.type).toBe(name);
      events.push(event);
    }
  }
  return events;
}

const word = fc.constantFrom('a', ' b', 'Grüß', '👋', '"', '\\', '\n', '日本');
const piece = fc.oneof(
  word.map((content): Delta => ({ content })),
  word.map((reasoning): Delta => ({ reasoning })),
  fc.record({ index: fc.nat({ max: 2 }), written: word }).map(({ index, written }): Delta => ({ tool_calls: [{ index, id: `c${index}`, function: { name: `f${index}`, arguments: JSON.stringify(written).slice(1, -1) } }] })),
);
/** Arguments are one JSON string a call, so that any cut of it can be put together again. */
const pieces = fc.array(piece, { maxLength: 20 }).map((deltas) => {
  const indexes = [...new Set(deltas.flatMap(callsIn).map(({ index }) => index))];
  const open = indexes.map((index): Delta => ({ tool_calls: [{ index, id: `c${index}`, function: { name: `f${index}`, arguments: '{"said":"' } }] }));
  const close = indexes.map((index): Delta => ({ tool_calls: [{ index, function: { arguments: '"}' } }] }));
  return [...open, ...deltas, ...close];
});

interface Call {
  readonly index: number;
  readonly function: { readonly name: string; readonly arguments: string };
}
const callsIn = (delta: Delta): Call[] => (delta['tool_calls'] ?? []) as Call[];
const joined = (deltas: readonly Delta[], field: string): string => deltas.map((delta) => (typeof delta[field] === 'string' ? delta[field] : '')).join('');

function argumentsIn(deltas: readonly Delta[]): Record<string, unknown> {
  const written: Record<string, string> = {};
  for (const { index, function: { arguments: some } } of deltas.flatMap(callsIn)) written[`f${index}`] = (written[`f${index}`] ?? '') + some;
  return Object.fromEntries(Object.entries(written).map(([name, text]) => [name, JSON.parse(text) as unknown]));
}

describe('messages', () => {
  test('blocks one after the other, nothing lost, and the whole is the fold of the stream', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, async (deltas) => {
        const chunks = [...deltas.map((delta) => chunk(delta)), last('stop')];
        const events = await eventsOf('messages', chunks);
        const order = events.map(({ type, index }) => [type, index]).filter(([type]) => String(type).startsWith('content_block_') && type !== 'content_block_delta');
        expect(order).toEqual(Array.from({ length: order.length / 2 }, (_, index) => [['content_block_start', index], ['content_block_stop', index]]).flat());

        const whole = JSON.parse(await conversation('messages').whole(from(chunks))) as { content: Delta[]; stop_reason: string };
        const blocks = (type: string): Delta[] => whole.content.filter((block) => block['type'] === type);
        expect(joined(blocks('text'), 'text')).toBe(joined(deltas, 'content'));
        expect(joined(blocks('thinking'), 'thinking')).toBe(joined(deltas, 'reasoning'));
        expect(Object.fromEntries(blocks('tool_use').map(({ name, input }) => [name, input]))).toEqual(argumentsIn(deltas));
        expect(whole.stop_reason).toBe(blocks('tool_use').length > 0 ? 'tool_use' : 'end_turn');
        expect(blocks('tool_use')).toHaveLength(new Set(deltas.flatMap(callsIn).map(({ index }) => index)).size);
      }),
      { numRuns: 80 },
    );
  });

  test.each([['stop', 'end_turn'], ['length', 'max_tokens'], ['content_filter', 'refusal'], ['something new', 'end_turn']])('%s is %s; cached tokens are counted apart', async (finish, reason) => {
    const whole: unknown = JSON.parse(await conversation('messages').whole(from([chunk({ content: 'x' }), last(finish)])));
    expect(whole).toMatchObject({ stop_reason: reason, usage: { input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 5 } });
  });

  test('arguments that are no object are a broken answer, not an empty one', async () => {
    const call = chunk({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"a":' } }] });
    await expect(conversation('messages').whole(from([call, last('tool_calls')]))).rejects.toThrow(/not a JSON object/);
    // And before anything of it is told, so that somebody else can be asked; a stream tells them as they come.
    const { mustBeTellable } = conversation('messages', { stream: false }).request;
    expect(() => mustBeTellable?.([call, last('tool_calls')])).toThrow(/not a JSON object/);
    expect(() => mustBeTellable?.([chunk({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"a":' } }] }), chunk({ tool_calls: [{ index: 0, function: { arguments: '1}' } }] }), last('stop')])).not.toThrow();
    expect(conversation('messages', { stream: true }).request.mustBeTellable).toBeUndefined();
  });

  test('arguments that were cut off by the asked-for maximum are told as none, with the reason', async () => {
    const chunks = [chunk({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"a":' } }] }), last('length')];
    const whole: unknown = JSON.parse(await conversation('messages').whole(from(chunks)));
    expect(whole).toMatchObject({ stop_reason: 'max_tokens', content: [{ type: 'tool_use', name: 'f', input: {} }] });
    expect(() => conversation('messages', { stream: false }).request.mustBeTellable?.(chunks)).not.toThrow();
  });

  test('an answer in Anthropic’s own events has its last one, also where the connection ended before it', async () => {
    const names = async (...types: readonly string[]): Promise<readonly string[]> => (await eventsOf('messages', types.map(own))).map(({ type }) => type);
    expect(await names('message_start', 'message_delta', 'message_stop')).toEqual(['message_start', 'message_delta', 'message_stop']);
    expect(await names('message_start', 'message_delta')).toEqual(['message_start', 'message_delta', 'message_stop']);
    expect((await eventsOf('messages', [own('message_start')], new FailureError({ kind: 'broken-answer', message: 'it broke' }))).map(({ type }) => type)).toEqual(['message_start', 'error']);
  });

  test('a break is told as an error event, and nothing after it', async () => {
    const events = await eventsOf('messages', [chunk({ content: 'x' })], new FailureError({ kind: 'broken-answer', message: 'it broke' }));
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error', message: 'it broke' } });
    expect(events.map(({ type }) => type)).not.toContain('message_stop');
  });
});

describe('responses', () => {
  test('events numbered without a gap, items one after the other, nothing lost', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, async (deltas) => {
        const chunks = [...deltas.map((delta) => chunk(delta)), last('stop')];
        const events = await eventsOf('responses', chunks);
        expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, index) => index));
        const order = events.filter(({ type }) => type === 'response.output_item.added' || type === 'response.output_item.done').map((event) => event['output_index']);
        expect(order).toEqual(Array.from({ length: order.length / 2 }, (_, index) => [index, index]).flat());

        const whole = JSON.parse(await conversation('responses').whole(from(chunks))) as { output: Delta[] };
        expect(events.at(-1)).toEqual({ type: 'response.completed', sequence_number: events.length - 1, response: whole });
        const items = (type: string): Delta[] => whole.output.filter((item) => item['type'] === type);
        expect(items('message').map(({ content }) => joined(content as Delta[], 'text')).join('')).toBe(joined(deltas, 'content'));
        expect(items('reasoning').map(({ content }) => joined(content as Delta[], 'text')).join('')).toBe(joined(deltas, 'reasoning'));
        expect(Object.fromEntries(items('function_call').map(({ name, arguments: written }) => [name, JSON.parse(String(written)) as unknown]))).toEqual(argumentsIn(deltas));
        const told = events.filter(({ type }) => type === 'response.output_text.delta').map((event) => event['delta']).join('');
        expect(told).toBe(joined(deltas, 'content'));
      }),
      { numRuns: 80 },
    );
  });

  test('an answer cut by its maximum says so', async () => {
    expect(JSON.parse(await conversation('responses').whole(from([chunk({ content: 'x' }), last('length')])))).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [{ type: 'message', status: 'incomplete', content: [{ text: 'x' }] }], usage: { input_tokens: 8, output_tokens: 5, total_tokens: 13, input_tokens_details: { cached_tokens: 3 } } });
  });

  test('a break is told as an error and a failed response', async () => {
    const events = await eventsOf('responses', [chunk({ content: 'x' })], new FailureError({ kind: 'broken-answer', message: 'it broke' }));
    expect(events.slice(-2)).toMatchObject([{ type: 'error', message: 'it broke', error: { code: 'upstream_broken_answer' } }, { type: 'response.failed', response: { status: 'failed', error: { message: 'it broke' } } }]);
  });
});

describe('a whole answer from upstream', () => {
  const whole: ChatChunk = {
    text: JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] }, finish_reason: 'tool_calls' }] }),
    whole: true, content: true, usage: { input: 1, output: 1 },
  };

  test('is told as a stream where one was asked for', async () => {
    expect((await eventsOf('messages', [whole])).filter(({ type }) => type === 'content_block_start')).toMatchObject([{ content_block: { type: 'text' } }, { content_block: { type: 'tool_use', name: 'f' } }]);
    expect((await eventsOf('responses', [whole])).at(-1)).toMatchObject({ response: { output: [{ type: 'message' }, { type: 'function_call', call_id: 'c', arguments: '{}' }] } });
  });

  test('and as legacy text', async () => {
    expect(JSON.parse(await conversation('completions').whole(from([whole])))).toMatchObject({ object: 'text_completion', choices: [{ text: 'Hi', finish_reason: 'tool_calls' }] });
  });
});
