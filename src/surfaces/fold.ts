/**
 * Between the two shapes of an OpenAI answer: a fold of chunks is a completion, and a completion can be told as chunks.
 * Fields nobody here knows are kept: text grows, lists grow, of anything else the last word counts.
 */
import { isRecord, records } from './json.ts';
import type { Json } from './json.ts';

/** What is being put together. */
type Growing = Record<string, unknown>;

/** Deltas whose text is a piece of a longer one. Any other string (an id, a role) is whole each time. */
const GROWING: ReadonlySet<string> = new Set(['content', 'refusal', 'reasoning', 'reasoning_content', 'arguments']);

/** Texts of `chat.completion.chunk`s to the text of one `chat.completion`. */
export function foldChunks(texts: readonly string[]): string {
  const completion: Growing = {};
  const choices = new Map<number, { readonly choice: Growing; readonly message: Growing; readonly calls: Map<number, Growing> }>();
  for (const text of texts) {
    const { choices: pieces, ...top } = JSON.parse(text) as Json;
    merge(completion, top);
    for (const piece of records(pieces)) {
      const { delta, logprobs, ...rest } = piece;
      const index = Number(piece['index'] ?? 0);
      const folded = choices.get(index) ?? { choice: {}, message: { role: 'assistant', content: null }, calls: new Map<number, Growing>() };
      choices.set(index, folded);
      merge(folded.choice, rest);
      if (logprobs !== undefined) mergeDelta(folded.choice, { logprobs });
      if (!isRecord(delta)) continue;
      const { tool_calls: calls, ...said } = delta;
      mergeDelta(folded.message, said);
      for (const call of records(calls)) mergeCall(folded.calls, call);
    }
  }
  const whole = inOrder(choices).map(({ choice, message, calls }) => ({ ...choice, message: { ...message, ...(calls.size > 0 && { tool_calls: inOrder(calls) }) } }));
  return JSON.stringify({ ...completion, object: 'chat.completion', choices: whole });
}

/**
 * The text of one `chat.completion` to texts of chunks: the role, the content, the end, and the usage where it was asked for.
 * The role by itself, as OpenAI tells it: its client counts log probabilities twice that come with a choice's first piece.
 */
export function unfoldCompletion(text: string, includeUsage: boolean): readonly string[] {
  const { choices, usage, ...top } = JSON.parse(text) as Json;
  const head = { ...top, object: 'chat.completion.chunk' };
  const roles = records(choices).map(({ index }) => ({ index, delta: { role: 'assistant', content: '' }, finish_reason: null }));
  const contents = records(choices).map(({ message, ...rest }) => ({ ...rest, delta: withIndexedCalls(isRecord(message) ? message : {}), finish_reason: null }));
  const ends = records(choices).map(({ index, finish_reason: reason }) => ({ index, delta: {}, finish_reason: reason ?? 'stop' }));
  return [
    JSON.stringify({ ...head, choices: roles }),
    JSON.stringify({ ...head, choices: contents }),
    JSON.stringify({ ...head, choices: ends }),
    ...(includeUsage && usage !== undefined ? [JSON.stringify({ ...head, choices: [], usage })] : []),
  ];
}

/** By the numbers they came with, which may be any. */
const inOrder = <Value>(numbered: ReadonlyMap<number, Value>): readonly Value[] => [...numbered.entries()].toSorted(([a], [b]) => a - b).map(([, value]) => value);

function merge(into: Growing, from: Json): void {
  for (const [key, value] of fieldsOf(from)) if (value !== null || !(key in into)) into[key] = value;
}

/** All but the one by whose name everybody's prototype is reached. */
const fieldsOf = (from: Json): readonly (readonly [string, unknown])[] => Object.entries(from).filter(([key]) => key !== '__proto__');

function mergeDelta(into: Growing, delta: Json): void {
  for (const [key, value] of fieldsOf(delta)) {
    const known = into[key];
    if (typeof value === 'string' && typeof known === 'string' && GROWING.has(key)) into[key] = known + value;
    else if (Array.isArray(value) && Array.isArray(known)) into[key] = [...(known as unknown[]), ...(value as unknown[])];
    else if (isRecord(value) && isRecord(known)) mergeDelta(known, value);
    else if (value !== null || !(key in into)) into[key] = value;
  }
}

/** Pieces of one call carry its index; a piece without one is a call of its own. */
function mergeCall(calls: Map<number, Growing>, { index, ...piece }: Json): void {
  const number = typeof index === 'number' ? index : 1 + Math.max(-1, ...calls.keys());
  const call = calls.get(number) ?? {};
  mergeDelta(call, piece);
  calls.set(number, call);
}

function withIndexedCalls(message: Json): Json {
  const { tool_calls: calls, ...rest } = message;
  if (!Array.isArray(calls)) return message;
  return { ...rest, tool_calls: records(calls).map((call, index) => ({ index, ...call })) };
}
