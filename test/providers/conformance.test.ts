/** What every dialect must make of every recorded answer, however its bytes arrive. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FailureError } from '../../src/failure.ts';
import { dialectNamed } from '../../src/providers/dialects.ts';
import { isRecord, listAt, parseJson, recordAt, textAt } from '../../src/providers/json.ts';
import { readChunks } from '../../src/providers/payloads.ts';
import type { ChatChunk, Usage } from '../../src/types.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

interface Recorded {
  /** `openai` where it does not say. */
  readonly dialect?: string;
  readonly file: string;
  /** Some payloads of it: what clients would misread. */
  readonly rewritten?: boolean;
  /** What a person reads in the end, without the reasoning. */
  readonly text: string;
  /** Which chunks are content. */
  readonly content: readonly boolean[];
  readonly finish: string;
  readonly usage?: Usage;
  /** The chunk that is nothing but usage. */
  readonly usageOnly?: number;
  /** Names and arguments of the tools called. */
  readonly calls?: readonly (readonly [string, string])[];
}

/** Told in other words: every payload is written anew. */
const TRANSLATED: ReadonlySet<string> = new Set(['anthropic', 'cohere', 'gemini']);

const recorded = readdirSync(fixtures)
  .filter((provider) => existsSync(join(fixtures, provider, 'answers.json')))
  .flatMap((provider) => (JSON.parse(readFileSync(join(fixtures, provider, 'answers.json'), 'utf8')) as Recorded[]).map((one) => ({ provider, dialect: 'openai', ...one })));

const bytesOf = ({ provider, file }: { readonly provider: string; readonly file: string }): Buffer => readFileSync(join(fixtures, provider, file));

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length];
  for (const [index, place] of places.slice(1).entries()) yield bytes.subarray(places[index], place);
}

async function read(dialect: string, bytes: Uint8Array, cuts: readonly number[] = []): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  const decoder = dialectNamed(dialect).decode((body) => new FailureError({ kind: 'broken-answer', message: body }));
  for await (const chunk of readChunks({ bytes: pieces(bytes, cuts), drain: () => undefined }, decoder, { credential: 'the-key', host: 'x', now: () => 0 })) chunks.push(chunk);
  return chunks;
}

function wordsOf({ text, whole }: ChatChunk): string {
  const value = parseJson(text);
  const said = listAt(isRecord(value) ? value : {}, 'choices').map((choice) => textAt(recordAt(choice, whole ? 'message' : 'delta'), 'content') ?? '');
  return said.join('');
}

/** Put together by their index, as clients do. */
function callsOf(chunks: readonly ChatChunk[]): [string, string][] {
  const calls: [string, string][] = [];
  for (const { text } of chunks) {
    const value = parseJson(text);
    const pieces = listAt(isRecord(value) ? value : {}, 'choices').flatMap((choice) => listAt(recordAt(choice, 'delta') ?? recordAt(choice, 'message'), 'tool_calls'));
    for (const piece of pieces) {
      const called = recordAt(piece, 'function');
      const [name, written] = calls[Number(piece['index'])] ?? ['', ''];
      calls[Number(piece['index'])] = [name + (textAt(called, 'name') ?? ''), written + (textAt(called, 'arguments') ?? '')];
    }
  }
  return calls;
}

describe.each(recorded)('$provider/$file', ({ dialect, ...one }) => {
  const bytes = bytesOf(one);

  test('is read for what it says', async () => {
    const chunks = await read(dialect, bytes);
    expect(chunks.map(({ content }) => content)).toEqual(one.content);
    expect(chunks.map(wordsOf).join('')).toBe(one.text);
    expect(chunks.findLast(({ finish }) => finish !== undefined)?.finish).toBe(one.finish);
    expect(chunks.findLast(({ usage }) => usage !== undefined)?.usage).toEqual(one.usage);
    expect(chunks.findIndex(({ usageOnly }) => usageOnly === true)).toBe(one.usageOnly ?? -1);
    if (one.calls !== undefined) expect(callsOf(chunks)).toEqual(one.calls);
    expect(chunks.every(({ whole }) => whole === one.file.endsWith('.json'))).toBe(true);
  });

  test('keeps every payload as it came', async () => {
    if (TRANSLATED.has(dialect) || one.rewritten === true) return;
    const text = bytes.toString();
    const events = one.file.endsWith('.json') ? [text.trim()] : [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => data);
    expect((await read(dialect, bytes)).map(({ text }) => text)).toEqual(events);
  });

  test('is the same however its bytes are cut, with any line ends, with or without a mark', async () => {
    const whole = await read(dialect, bytes);
    const variants = [bytes, Buffer.from(bytes.toString().replaceAll('\n', '\r\n')), Buffer.from(`\uFEFF${bytes.toString()}`)];
    if (!one.file.endsWith('.json')) variants.push(Buffer.from(bytes.toString().replaceAll('\n', '\r')));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 100_000 }), { maxLength: 60 }), fc.constantFrom(...variants), async (cuts, variant) => {
        const texts = (await read(dialect, variant, cuts)).map((chunk) => ({ ...chunk, text: chunk.text.trim() }));
        expect(texts).toEqual(whole.map((chunk) => ({ ...chunk, text: chunk.text.trim() })));
      }),
      { numRuns: 40 },
    );
    // One byte at a time.
    expect((await read(dialect, bytes, Array.from(bytes.keys()))).length).toBe(whole.length);
  });

  test('cut anywhere before its end it fails, or was whole already', async () => {
    const whole = await read(dialect, bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), async (length) => {
        const outcome = await read(dialect, bytes.subarray(0, length)).catch((error: unknown) => error);
        if (outcome instanceof FailureError) expect(outcome.failure.kind).toBe('broken-answer');
        else expect((outcome as ChatChunk[]).findLast(({ finish }) => finish !== undefined)?.finish).toBe(whole.findLast(({ finish }) => finish !== undefined)?.finish);
      }),
      { numRuns: 60 },
    );
  });

  test('mutated, it is an answer or a failure, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 }), async (changes) => {
        const mutant = Buffer.from(bytes);
        for (const [place, value] of changes) mutant[place] = value;
        const outcome = await read(dialect, mutant).catch((error: unknown) => error);
        expect(Array.isArray(outcome) || outcome instanceof FailureError).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
