/**
 * What a client has read of an answer that broke, so that another can be held against it.
 *
 * Two answers are never joined on trust: the second is read from its start, must say the same word for word, and only
 * what goes beyond is sent on.
 */
import { FailureError } from '../failure.ts';
import type { ChatChunk } from '../types.ts';

export interface Transcript {
  readonly note: (chunk: ChatChunk) => void;
  /** What `chunks` says after what is noted. Throws where it says anything else. */
  readonly beyond: (chunks: AsyncIterable<ChatChunk>) => AsyncGenerator<ChatChunk>;
}

type Json = Record<string, unknown>;

/** Words that are said bit by bit, by the field that carries them. */
type Words = Map<string, string>;

const SPOKEN: ReadonlySet<string> = new Set(['content', 'reasoning', 'reasoning_content']);
/** They come with every delta and say nothing. */
const SILENT: ReadonlySet<string> = new Set(['role']);

export function createTranscript(): Transcript {
  const said: Words = new Map();
  const state = { comparable: true };

  return {
    note(chunk) {
      const delta = chunk.whole || chunk.source !== undefined ? undefined : deltaOf(JSON.parse(chunk.text) as Json);
      if (delta === undefined || !isPlain(delta)) state.comparable = false;
      else for (const [field, words] of wordsOf(delta)) said.set(field, (said.get(field) ?? '') + words);
    },
    async *beyond(chunks) {
      if (!state.comparable) throw diverged('said more than words');
      // What goes beyond is noted, too, while this reads on.
      const known: Words = new Map(said);
      const heard: Words = new Map();
      let behind = known.size > 0;
      for await (const chunk of chunks) {
        const fresh = behind ? compare(chunk, known, heard) : chunk;
        behind &&= [...known].some(([field, words]) => (heard.get(field) ?? '').length < words.length);
        if (behind && chunk.finish !== undefined) throw diverged('ended sooner');
        if (fresh !== undefined) yield fresh;
      }
      if (behind) throw diverged('ended sooner');
    },
  };
}

/** What is new in this chunk, where it agrees with what was said. */
function compare(chunk: ChatChunk, known: Words, heard: Words): ChatChunk | undefined {
  if (chunk.whole) throw diverged('came in another form');
  const value = JSON.parse(chunk.text) as Json;
  const delta = deltaOf(value);
  if (delta === undefined || !isPlain(delta)) throw diverged('said more than words');
  const fresh: Json = {};
  for (const [field, words] of wordsOf(delta)) {
    const before = (heard.get(field) ?? '').length;
    const expected = (known.get(field) ?? '').slice(before, before + words.length);
    if (!words.startsWith(expected)) throw diverged('said something else');
    heard.set(field, (heard.get(field) ?? '') + words);
    if (words.length > expected.length) fresh[field] = words.slice(expected.length);
  }
  const ends = chunk.finish !== undefined || chunk.usage !== undefined;
  if (Object.keys(fresh).length === 0 && !ends) return undefined;
  const choices: unknown = value['choices'];
  return { ...chunk, text: JSON.stringify({ ...value, choices: Array.isArray(choices) ? (choices as Json[]).map((choice) => ({ ...choice, delta: fresh })) : [] }), content: Object.keys(fresh).length > 0 };
}

/** The only choice's; an empty one where there is no choice, e.g. beside the usage. Undefined: several at once. */
function deltaOf(value: Json): Json | undefined {
  const choices: unknown = value['choices'];
  if (!Array.isArray(choices) || choices.length === 0) return {};
  const [choice] = choices as Json[];
  return choices.length > 1 || (choice?.['index'] ?? 0) !== 0 ? undefined : ((choice?.['delta'] as Json | null | undefined) ?? {});
}

const isPlain = (delta: Json): boolean =>
  Object.entries(delta).every(([field, value]) => SILENT.has(field) || value === null || value === '' || (Array.isArray(value) && value.length === 0) || (SPOKEN.has(field) && typeof value === 'string'));

const wordsOf = (delta: Json): readonly (readonly [string, string])[] =>
  Object.entries(delta).flatMap(([field, value]) => (SPOKEN.has(field) && typeof value === 'string' && value !== '' ? [[field, value] as const] : []));

const diverged = (how: string): FailureError => new FailureError({ kind: 'broken-answer', message: `the answer broke off, and another one ${how}` });
