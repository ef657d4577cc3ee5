/**
 * Mutations of recorded answers and refusals and of good requests: nothing may crash, hang, grow, or be anything but a
 * failure with a name. `npm run fuzz -- --runs 1000000` for as long as one likes.
 */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { consequences, failureOf, FailureError } from '../../src/failure.ts';
import { dialectNamed, dialects } from '../../src/providers/dialects.ts';
import type { Decoder, Payload } from '../../src/providers/dialect.ts';
import { readChunks } from '../../src/providers/payloads.ts';
import { relayed } from '../../src/providers/relay.ts';
import { chat } from '../../src/surfaces/chat.ts';
import { completions } from '../../src/surfaces/completions.ts';
import type { Arrival } from '../../src/surfaces/conversation.ts';
import { inFormat } from '../../src/surfaces/embeddings.ts';
import { readForm } from '../../src/surfaces/form.ts';
import { messages } from '../../src/surfaces/messages.ts';
import { parseForm, parseRelay, RELAY_KINDS } from '../../src/surfaces/relay.ts';
import { createResponses } from '../../src/surfaces/responses.ts';
import type { ChatChunk } from '../../src/types.ts';

const responses = createResponses();

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 400);
/** A million runs take minutes. */
const PATIENCE_MS = 30_000 + RUNS * 5;
const fixtures = join(import.meta.dirname, '..', 'fixtures');
const recorded = (ending: string): string[] =>
  readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending)).map((name) => readFileSync(join(fixtures, name), 'utf8'));
const streams = recorded('.sse');
const answers = recorded('answer.json');
const refusals = recorded('errors.json').flatMap((text) => JSON.parse(text) as { status: number; body: unknown }[]).map(({ status, body }) => ({ status, body: typeof body === 'string' ? body : JSON.stringify(body) }));

/** What is left after a collection, megabytes. */
setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;
const held = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};
const memory: number[] = [];
afterEach(() => void memory.push(held()));
afterAll(() => {
  // The first rounds compile what the others use; a leak of one byte a run would show after a million.
  expect((memory.at(-1) ?? 0) - (memory[1] ?? 0)).toBeLessThan(20);
  process.stdout.write(`${RUNS} mutations a case, ${Math.round(memory[1] ?? 0)} MB held after the first, ${Math.round(memory.at(-1) ?? 0)} MB after the last\n`);
});

/** One change to a text. */
type Mutation = (text: string) => string;
const place = fc.double({ min: 0, max: 1, noNaN: true });
const at = (text: string, share: number): number => Math.floor(share * text.length);
const tokens = fc.constantFrom('\n', '\r\n', '\r', '\n\n', 'data: ', 'data: [DONE]\n\n', 'event: error\n', ': ', '\uFEFF', '\u0000', '{', '}', '[', '"', '\\', 'null', '"error":', '"finish_reason":"stop"', '"choices":[]', '<html>', '\ud83d', '✨', '1e999', '-0');
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, tokens).map(([where, token]): Mutation => (text) => text.slice(0, at(text, where)) + token + text.slice(at(text, where))),
  fc.tuple(place, fc.integer({ min: 1, max: 200 })).map(([where, length]): Mutation => (text) => text.slice(0, at(text, where)) + text.slice(at(text, where) + length)),
  fc.tuple(place, fc.integer({ min: 1, max: 300 }), place).map(([from, length, to]): Mutation => (text) => text.slice(0, at(text, to)) + text.slice(at(text, from), at(text, from) + length) + text.slice(at(text, to))),
  fc.tuple(place, fc.string({ maxLength: 4, unit: 'binary' })).map(([where, rubbish]): Mutation => (text) => text.slice(0, at(text, where)) + rubbish + text.slice(at(text, where) + rubbish.length)),
  place.map((where): Mutation => (text) => text.slice(0, at(text, where))),
);
const mutated = (seeds: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...seeds), fc.array(mutation, { maxLength: 6 })).map(([seed, mutations]) => mutations.reduce((text, mutate) => mutate(text), seed));
const cuts = fc.array(place, { maxLength: 12 });

async function* pieces(bytes: Uint8Array, shares: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...shares.map((share) => Math.floor(share * bytes.length)).toSorted((one, other) => one - other), bytes.length];
  for (const [index, end] of places.slice(1).entries()) yield bytes.subarray(places[index], end);
}

async function* each(read: readonly ChatChunk[]): AsyncGenerator<ChatChunk> {
  yield* read;
}

const chunks = (dialect: string, text: string, shares: readonly number[] = []): AsyncIterable<ChatChunk> =>
  readChunks({ bytes: pieces(Buffer.from(text), shares), drain: () => undefined }, dialectNamed(dialect).decode((body) => new FailureError({ kind: 'broken-answer', message: body })), { credential: 'the-key', host: 'x', now: () => 0 });

/** All that an answer comes to, its failure included. */
async function read(dialect: string, text: string, shares: readonly number[]): Promise<readonly string[]> {
  const seen: string[] = [];
  try {
    for await (const chunk of chunks(dialect, text, shares)) seen.push(JSON.stringify(chunk));
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    seen.push(`${error.failure.kind} ${error.failure.message}`);
  }
  return seen;
}

/** Ids a dialect makes up are not the answer's. */
const withoutIds = (seen: readonly string[]): string[] => seen.map((one) => one.replaceAll(/(\\"(?:id|created)\\":)(\\"[^"]*\\"|\d+)/g, '$1'));

describe('answers', () => {
  test.each([...dialects.keys()])('%s: the same for every split, and never anything without a name', async (dialect) => {
    await fc.assert(
      fc.asyncProperty(mutated([...streams, ...answers]), cuts, async (text, shares) => {
        expect(withoutIds(await read(dialect, text, shares))).toEqual(withoutIds(await read(dialect, text, [])));
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);

  test('events are what eventsource-parser makes of the whole text', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(streams), cuts, async (text, shares) => {
        const bytes = Buffer.from(text);
        const start = bytes.toString().replace(/^\uFEFF/, '').trimStart();
        fc.pre(!/^[<{[]/.test(start) && !/^error/m.test(start));
        const expected: string[] = [];
        const parser = createParser({ onEvent: ({ data }) => void expected.push(data.replaceAll('\n', ' ')) });
        parser.feed(`${start}\n\n`);
        const done = expected.findIndex((data) => data.trim() === '[DONE]');
        const seen: string[] = [];
        const hear = ({ text: data }: Payload): [] => {
          seen.push(data);
          return [];
        };
        const listener: Decoder = { read: hear, complete: () => false, end: () => undefined };
        for await (const chunk of readChunks({ bytes: pieces(bytes, shares), drain: () => undefined }, listener, { credential: 'the-key', host: 'x', now: () => 0 })) expect(chunk).toBe('never any');
        expect(seen).toEqual(done === -1 ? expected : expected.slice(0, done));
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);
});

describe('refusals', () => {
  test.each([...dialects.keys()])('%s: whatever was said has a kind the table knows', (dialect) => {
    fc.assert(
      fc.property(fc.constantFrom(...refusals), fc.array(mutation, { maxLength: 4 }), fc.oneof(fc.constant(undefined), fc.integer({ min: 200, max: 599 })), fc.oneof(fc.constant(undefined), fc.string()), ({ status, body }, mutations, other, retryAfter) => {
        const refusal = { status: other ?? status, headers: { ...(retryAfter !== undefined && { 'retry-after': retryAfter }) }, body: mutations.reduce((text, mutate) => mutate(text), body), provider: 'groq', model: 'x' };
        const { kind } = dialectNamed(dialect).explain(refusal, 0);
        expect(kind === 'cancelled' || kind in consequences).toBe(true);
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);
});

const tool = { name: 'look', description: 'looks', parameters: { type: 'object', properties: { x: { type: 'string' } } } };
const surfaces = {
  chat: [chat, { model: 'auto', messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: [{ type: 'text', text: 'hi' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }, { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'a', content: 'x' }], stream: true, stream_options: { include_usage: true }, tools: [{ type: 'function', function: tool }], temperature: 1, max_tokens: 5, stop: ['a'], response_format: { type: 'json_object' } }],
  completions: [completions, { model: 'auto', prompt: 'hi', max_tokens: 5, stream: false, stop: 'x', echo: false, n: 1 }],
  messages: [messages, { model: 'auto', max_tokens: 10, system: [{ type: 'text', text: 'be brief' }], messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }, { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'look', input: {} }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'x' }] }], tools: [{ name: 'look', input_schema: tool.parameters }], tool_choice: { type: 'auto' }, stream: true, thinking: { type: 'enabled', budget_tokens: 1024 } }],
  responses: [responses, { model: 'auto', input: [{ role: 'user', content: [{ type: 'input_text', text: 'hi' }] }, { type: 'function_call', call_id: 'a', name: 'look', arguments: '{}' }, { type: 'function_call_output', call_id: 'a', output: 'x' }], instructions: 'be brief', tools: [{ type: 'function', ...tool }], text: { format: { type: 'text' } }, stream: true, max_output_tokens: 5 }],
} as const;

/** The paths of everything inside, the whole included. */
function pathsIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((inner: unknown, index) => (String(index) === key ? replaced(inner, rest, by) : inner));
  return typeof value === 'object' && value !== null ? { ...value, [key]: replaced((value as Record<string, unknown>)[key], rest, by) } : by;
}

const strange = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(null, '', -1, 0, 1e308, 0.5, 4_000_000_000, JSON.parse('{"__proto__":{"polluted":1}}') as object, [], {}, 'x'.repeat(2_000), [[]], { type: 'text' }, '__proto__', true));
/** A good value with up to three of its places filled with something else. */
const changed = (good: object): fc.Arbitrary<unknown> =>
  fc.array(fc.tuple(fc.constantFrom(...pathsIn(good)), strange), { minLength: 1, maxLength: 3 }).map((changes) => JSON.parse(JSON.stringify(changes.reduce<unknown>((value, [path, by]) => replaced(value, path, by), good))) as unknown);

const arrival: Arrival = { id: 'req_fuzz', caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 1, priority: 5 };

/** What was made of it; undefined where it was refused as the client's mistake. Anything else fails. */
function understood<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    expect(failureOf(error).kind).toBe('invalid-request');
    return undefined;
  }
}

/** Recorded streams, each as what its events say. */
const said = recorded('.sse').map((text) => text.split(/\r?\n/).flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice('data: '.length)) as object] : []))).filter((events) => events.length > 0);
const wholes = answers.map((text) => JSON.parse(text) as object);
const oddly = fc.oneof(
  fc.oneof(...said.map(changed)).map((events) => (Array.isArray(events) ? (events as unknown[]) : [events]).map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')),
  fc.oneof(...wholes.map(changed)).map((answer) => JSON.stringify(answer)),
  mutated([...streams, ...answers]),
);

describe('what is told', () => {
  test.each(Object.entries(surfaces))('%s: of any answer frames that can be read, or a failure with a name', async (_name, [speak, good]) => {
    const { stream, whole } = speak(good, arrival);
    await fc.assert(
      fc.asyncProperty(oddly, fc.constantFrom(...dialects.keys()), async (text, dialect) => {
        let told = '';
        for await (const frames of stream(chunks(dialect, text), () => 0)) told += frames;
        expect(told).not.toContain('internal_error');
        for (const frame of told.trimEnd().split('\n\n')) {
          const data = frame.replace(/^event: .*\n/, '').replace(/^data: /, '');
          if (data !== '[DONE]') expect(JSON.parse(data)).toBeInstanceOf(Object);
        }
        try {
          // What is not streamed is told when all of it is there.
          const all: ChatChunk[] = [];
          for await (const chunk of chunks(dialect, text)) all.push(chunk);
          expect(JSON.parse(await whole(each(all)))).toBeInstanceOf(Object);
        } catch (error) {
          if (!(error instanceof FailureError)) throw error;
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);
});

const relays = {
  '/embeddings': { model: 'groq/embed', input: ['one', [1, 2], { text: 'x' }], encoding_format: 'base64', dimensions: 8 },
  '/audio/speech': { model: 'groq/speak', input: 'hello', voice: 'anna', stream_format: 'sse' },
  '/images/generations': { model: 'auto', prompt: 'a house', n: 1 },
  '/moderations': { model: 'auto', input: [{ type: 'text', text: 'hello' }, { type: 'image_url', image_url: { url: 'data:,' } }] },
  '/rerank': { model: 'cohere/rank', query: 'x', documents: ['a', 'b'] },
};

/** A form with a second of silence, as text of which every character is a byte. */
const form = (boundary: string): string => {
  const wav = Buffer.alloc(44 + 800);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(836, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  for (const [at, value] of [[16, 16], [24, 8_000], [28, 800], [40, 800]] as const) wav.writeUInt32LE(value, at);
  wav.write('data', 36, 'latin1');
  const part = (head: string, content: string): string => `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
  return `${part('name="model"', 'groq/whisper')}${part('name="prompt"', 'names of people')}${part('name="file"; filename="a.wav"', wav.toString('latin1'))}${part('name="stream"', 'true')}--${boundary}--\r\n`;
};

const received = (bytes: Buffer, contentType: string): Parameters<typeof parseForm>[0] => ({ form: readForm(bytes, contentType), bytes });

describe('requests', () => {
  test.each(Object.entries(surfaces))('%s: understood, or refused as the client’s mistake', (_name, [speak, good]) => {
    expect(() => speak(good, arrival)).not.toThrow();
    fc.assert(
      fc.property(changed(good), (body) => {
        const asked = understood(() => speak(body, arrival));
        if (asked === undefined) return;
        expect(asked.request.promptTokens).toBeGreaterThanOrEqual(0);
        expect(asked.request.body['messages']).toBeInstanceOf(Array);
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);

  test.each(Object.entries(relays))('%s: likewise', (path, good) => {
    expect(() => parseRelay(good, path, arrival)).not.toThrow();
    fc.assert(
      fc.property(changed(good), (body) => {
        const asked = understood(() => parseRelay(body, path, arrival));
        if (asked !== undefined) expect([asked.promptTokens >= 0, asked.surface]).toEqual([true, RELAY_KINDS[path]?.surface ?? 'proxy']);
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);

  test('forms: likewise, and what is passed on is what came', () => {
    const type = 'multipart/form-data; boundary=seam';
    expect(parseForm(received(Buffer.from(form('seam'), 'latin1'), type), '/audio/transcriptions', arrival)).toMatchObject({ model: 'groq/whisper', audioSeconds: 1, stream: true });
    fc.assert(
      fc.property(mutated([form('seam')]), fc.oneof(fc.constant(type), mutated([type])), fc.constantFrom('/audio/transcriptions', '/audio/translations', '/images/edits', '/rerank'), (text, contentType, path) => {
        const bytes = Buffer.from(text, 'latin1');
        const asked = understood(() => parseForm(received(bytes, contentType), path, arrival));
        if (asked === undefined) return;
        const { before = Buffer.alloc(0), after = Buffer.alloc(0) } = asked.relay?.form ?? {};
        const inside = bytes.subarray(before.length, bytes.length - after.length);
        expect([Buffer.concat([before, inside, after]).equals(bytes), inside.toString().trim()]).toEqual([true, asked.model]);
        expect(asked.audioSeconds ?? 0).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: RUNS },
    );
  }, PATIENCE_MS);
});

test('vectors in the format that was asked for, or a failure with a name', async () => {
  const vectors = JSON.stringify({ object: 'list', model: 'embed', data: [{ object: 'embedding', index: 0, embedding: [0.1, -2, 3e-9] }, { object: 'embedding', index: 1, embedding: 'zczMPQAAAMA=' }], usage: { prompt_tokens: 3, total_tokens: 3 } });
  await fc.assert(
    fc.asyncProperty(mutated([vectors, ...answers]), cuts, fc.constantFrom('float', 'base64', undefined, 7), async (text, shares, format) => {
      try {
        for await (const chunk of relayed({ headers: { 'content-type': 'application/json' }, bytes: pieces(Buffer.from(text), shares) }, (body) => new FailureError({ kind: 'broken-answer', message: body }))) {
          expect(typeof JSON.parse(inFormat(chunk.text, format))).toBe(typeof JSON.parse(chunk.text));
        }
      } catch (error) {
        if (!(error instanceof FailureError)) throw error;
      }
    }),
    { numRuns: RUNS },
  );
}, PATIENCE_MS);
