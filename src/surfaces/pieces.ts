/** An answer as the surfaces of other makers tell it: what the first choice says, piece by piece, whatever form it came in. */
import type { ChatChunk, Usage } from '../types.ts';
import { unfoldCompletion } from './fold.ts';
import { isRecord, records, text } from './json.ts';
import type { Json } from './json.ts';

export type Piece =
  | { readonly type: 'reasoning' | 'text' | 'refusal'; readonly text: string }
  /** Pieces of one call carry its index; `arguments` are a piece of JSON text. */
  | CallPiece
  | { readonly type: 'end'; readonly finish: string }
  /** Later ones replace earlier ones. */
  | { readonly type: 'usage'; readonly usage: Usage };

export interface CallPiece {
  readonly type: 'call';
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
}

/** What is part of the answer, not about it. */
export type Said = Exclude<Piece, { readonly type: 'usage' | 'end' }>;

/** Pieces of the same key belong together. */
export const keyOf = (piece: Said): string => (piece.type === 'call' ? `call ${piece.index}` : piece.type);

/**
 * One part after the other, for surfaces where a part ends before the next begins. While a call is told, pieces of
 * anything else wait for the end: the words first, then each call by itself.
 */
export async function* inSequence(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
  const held: Said[] = [];
  let open: string | undefined;
  for await (const piece of pieces) {
    if (piece.type === 'usage' || piece.type === 'end') {
      yield piece;
      continue;
    }
    if (open?.startsWith('call') === true && open !== keyOf(piece)) held.push(piece);
    else {
      open = keyOf(piece);
      yield piece;
    }
  }
  yield* held.toSorted((a, b) => callIndex(a) - callIndex(b));
}

const callIndex = (piece: Said): number => (piece.type === 'call' ? piece.index : -1);

export async function* readPieces(chunks: AsyncIterable<ChatChunk>): AsyncGenerator<Piece> {
  for await (const chunk of chunks) yield* piecesIn(chunk);
}

export function* piecesIn(chunk: ChatChunk): Generator<Piece> {
  for (const told of chunk.whole ? unfoldCompletion(chunk.text, false) : [chunk.text]) yield* piecesOf(JSON.parse(told) as Json);
  if (chunk.usage !== undefined) yield { type: 'usage', usage: chunk.usage };
}

function* piecesOf({ choices }: Json): Generator<Piece> {
  const choice = records(choices).find(({ index }) => (index ?? 0) === 0);
  if (choice === undefined) return;
  const delta = isRecord(choice['delta']) ? choice['delta'] : {};
  yield* said('reasoning', text(delta['reasoning_content']) || text(delta['reasoning']) || thoughtsIn(delta['content']));
  yield* said('text', text(delta['content']) || wordsIn(delta['content']));
  yield* said('refusal', text(delta['refusal']));
  for (const [position, call] of records(delta['tool_calls']).entries()) yield callPiece(call, position);
  const finish = choice['finish_reason'];
  if (typeof finish === 'string' && finish !== '') yield { type: 'end', finish };
}

function* said(type: 'reasoning' | 'text' | 'refusal', words: string): Generator<Piece> {
  if (words !== '') yield { type, text: words };
}

function callPiece(call: Json, position: number): CallPiece {
  const { index, id } = call;
  const named = isRecord(call['function']) ? call['function'] : {};
  return {
    type: 'call',
    index: typeof index === 'number' ? index : position,
    ...(typeof id === 'string' && id !== '' && { id }),
    ...(typeof named['name'] === 'string' && named['name'] !== '' && { name: named['name'] }),
    arguments: text(named['arguments']),
  };
}

/** Mistral's models that think send their content as a list of parts. */
function thoughtsIn(content: unknown): string {
  return records(content).flatMap(({ type, thinking }) => (type === 'thinking' ? records(thinking).map((part) => text(part['text'])) : [])).join('');
}

function wordsIn(content: unknown): string {
  return records(content).map((part) => (part['type'] === 'text' ? text(part['text']) : '')).join('');
}
