/** An answer in Anthropic's events. Blocks come one after the other: one ends before the next begins. */
import { FailureError } from '../failure.ts';
import type { ChatChunk, ChatRequest, Usage } from '../types.ts';
import { isRecord, text } from './json.ts';
import type { Json } from './json.ts';
import { inSequence, keyOf, piecesIn, readPieces } from './pieces.ts';
import type { CallPiece, Said } from './pieces.ts';
import { estimateText } from './prompt.ts';

export interface Event extends Json {
  readonly type: string;
}

export async function* messageEvents(chunks: AsyncIterable<ChatChunk>, request: ChatRequest, thinking: boolean): AsyncGenerator<Event> {
  const blocks = createBlocks(request.id);
  const told: { finish: string; usage?: Usage; characters: string } = { finish: 'stop', characters: '' };
  const message = { id: request.id.replace(/^req_/, 'msg_'), type: 'message', role: 'assistant', model: request.model, content: [], stop_reason: null, stop_sequence: null };
  yield { type: 'message_start', message: { ...message, usage: usageOf({ input: request.promptTokens, output: 0 }) } };
  for await (const piece of inSequence(readPieces(chunks))) {
    if (piece.type === 'usage') told.usage = piece.usage;
    else if (piece.type === 'end') told.finish = piece.finish;
    else {
      told.characters += piece.type === 'call' ? piece.arguments : piece.text;
      if (piece.type !== 'reasoning' || thinking) yield* blocks.take(piece);
    }
  }
  yield* blocks.end();
  const usage = told.usage ?? { input: request.promptTokens, output: estimateText(told.characters) };
  yield { type: 'message_delta', delta: { stop_reason: told.finish !== CUT && blocks.called() ? 'tool_use' : stopReason(told.finish), stop_sequence: null }, usage: usageOf(usage) };
  yield { type: 'message_stop' };
}

/** The asked-for maximum was reached: a call may lack its end, which no other model could write either. */
const CUT = 'length';

/** Some say `stop` where tools were called: whether any was is what counts, so calls are asked for first. */
function stopReason(finish: string): string {
  switch (finish) {
    case CUT: return 'max_tokens';
    case 'content_filter': return 'refusal';
    default: return 'end_turn';
  }
}

/** Anthropic counts cached tokens apart from the others, OpenAI among them. */
function usageOf({ input, output, cachedInput = 0 }: Usage): Json {
  return { input_tokens: Math.max(0, input - cachedInput), cache_creation_input_tokens: 0, cache_read_input_tokens: cachedInput, output_tokens: output };
}

interface Blocks {
  readonly take: (piece: Said) => Iterable<Event>;
  readonly end: () => Iterable<Event>;
  readonly called: () => boolean;
}

function createBlocks(requestId: string): Blocks {
  const state: { index: number; open: string | undefined; called: boolean } = { index: -1, open: undefined, called: false };

  function* end(): Generator<Event> {
    // No signature: nobody but Anthropic signs, and clients wait for one before they keep a thought.
    if (state.open === 'reasoning') yield { type: 'content_block_delta', index: state.index, delta: { type: 'signature_delta', signature: '' } };
    if (state.open !== undefined) yield { type: 'content_block_stop', index: state.index };
    state.open = undefined;
  }
  return {
    *take(piece) {
      // A refusal is told in words, as any other answer.
      const key = piece.type === 'refusal' ? 'text' : keyOf(piece);
      if (state.open !== key) {
        yield* end();
        state.open = key;
        state.index += 1;
        state.called ||= piece.type === 'call';
        yield { type: 'content_block_start', index: state.index, content_block: emptyBlock(piece, requestId) };
      }
      const delta = deltaOf(piece);
      if (delta !== undefined) yield { type: 'content_block_delta', index: state.index, delta };
    },
    end,
    called: () => state.called,
  };
}

function emptyBlock(piece: Said, requestId: string): Json {
  if (piece.type === 'call') return { type: 'tool_use', id: callId(piece, requestId), name: piece.name ?? '', input: {} };
  return piece.type === 'reasoning' ? { type: 'thinking', thinking: '', signature: '' } : { type: 'text', text: '' };
}

function callId({ id, index }: CallPiece, requestId: string): string {
  return id ?? `toolu_${requestId.replace(/^req_/, '')}_${index}`;
}

function deltaOf(piece: Said): Json | undefined {
  if (piece.type === 'call') return piece.arguments === '' ? undefined : { type: 'input_json_delta', partial_json: piece.arguments };
  return piece.type === 'reasoning' ? { type: 'thinking_delta', thinking: piece.text } : { type: 'text_delta', text: piece.text };
}

/** One message from its events. Throws `broken-answer` where a call's arguments are no JSON object; of one that was cut off nothing is told, as Anthropic does. */
export async function foldMessage(events: AsyncIterable<Event>): Promise<Json> {
  const state: { message: Json; blocks: Record<string, unknown>[]; json: string[] } = { message: {}, blocks: [], json: [] };
  for await (const event of events) {
    const last = state.blocks.length - 1;
    const block = state.blocks[last] ?? {};
    const delta = isRecord(event['delta']) ? event['delta'] : {};
    switch (event.type) {
      case 'message_start': state.message = isRecord(event['message']) ? event['message'] : {}; break;
      case 'content_block_start': state.blocks.push({ ...(isRecord(event['content_block']) && event['content_block']) }); break;
      case 'content_block_delta':
        state.json[last] = (state.json[last] ?? '') + text(delta['partial_json']);
        for (const field of ['text', 'thinking', 'signature']) if (field in delta) block[field] = text(block[field]) + text(delta[field]);
        break;
      case 'message_delta': state.message = { ...state.message, ...delta, usage: event['usage'] }; break;
      default:
    }
  }
  const isCut = state.message['stop_reason'] === stopReason(CUT);
  const content = state.blocks.map((block, place) => (block['type'] === 'tool_use' ? { ...block, input: inputOf(state.json[place] ?? '', isCut) } : block));
  return { ...state.message, content };
}

/** Before anything of an answer is told: models that write broken JSON are common, and the next may do better. Throws `broken-answer`. */
export function checkCalls(chunks: readonly ChatChunk[]): void {
  const written = new Map<number, string>();
  const told = { finish: '' };
  for (const chunk of chunks) {
    // What Anthropic itself says is told as it came.
    if (chunk.source !== undefined) continue;
    for (const piece of piecesIn(chunk)) {
      if (piece.type === 'call') written.set(piece.index, (written.get(piece.index) ?? '') + piece.arguments);
      else if (piece.type === 'end') told.finish = piece.finish;
    }
  }
  for (const json of written.values()) inputOf(json, told.finish === CUT);
}

function inputOf(json: string, isCut: boolean): unknown {
  try {
    const input: unknown = json.trim() === '' ? {} : JSON.parse(json);
    if (isRecord(input)) return input;
  } catch {
    if (isCut) return {};
  }
  throw new FailureError({ kind: 'broken-answer', message: 'the model called a tool with arguments that are not a JSON object; ask again' });
}
