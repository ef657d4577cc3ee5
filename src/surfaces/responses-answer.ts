/** An answer in the events of the Responses API: numbered, one output item after the other. */
import type { ChatChunk, ChatRequest, Usage } from '../types.ts';
import type { Failure } from '../failure.ts';
import { tellOpenAi } from './errors.ts';
import type { Json } from './json.ts';
import { inSequence, keyOf, readPieces } from './pieces.ts';
import type { Said } from './pieces.ts';
import { estimateText } from './prompt.ts';
import type { ResponsesBody } from './responses-request.ts';

export interface Event extends Json {
  readonly type: string;
  readonly sequence_number: number;
}

export interface Teller {
  readonly tell: (chunks: AsyncIterable<ChatChunk>) => AsyncGenerator<Event>;
  /** After a break. */
  readonly fail: (failure: Failure, now: number) => readonly Event[];
}

export function createTeller(request: ChatRequest, asked: ResponsesBody): Teller {
  const state = { number: 0 };
  const output: Json[] = [];
  const response = (changes: Json): Json => ({ ...emptyResponse(request, asked), output: [...output], ...changes });
  const event = (type: string, fields: Json): Event => ({ type, sequence_number: state.number++, ...fields });

  return {
    async *tell(chunks) {
      const items = createItems(request.id, output);
      const told: { finish: string; usage?: Usage; characters: string } = { finish: 'stop', characters: '' };
      yield event('response.created', { response: response({ status: 'in_progress' }) });
      yield event('response.in_progress', { response: response({ status: 'in_progress' }) });
      for await (const piece of inSequence(readPieces(chunks))) {
        if (piece.type === 'usage') told.usage = piece.usage;
        else if (piece.type === 'end') told.finish = piece.finish;
        else {
          told.characters += piece.type === 'call' ? piece.arguments : piece.text;
          for (const [type, fields] of items.take(piece)) yield event(type, fields);
        }
      }
      const reason = INCOMPLETE[told.finish];
      for (const [type, fields] of items.end(reason === undefined ? 'completed' : 'incomplete')) yield event(type, fields);
      const usage = usageOf(told.usage ?? { input: request.promptTokens, output: estimateText(told.characters) });
      if (reason === undefined) yield event('response.completed', { response: response({ status: 'completed', usage }) });
      else yield event('response.incomplete', { response: response({ status: 'incomplete', incomplete_details: { reason }, usage }) });
    },
    fail(failure, now) {
      const { error } = tellOpenAi(failure, request.id, now).body;
      const { code, message, param } = error;
      // OpenAI's schema has the fields at the top, its server nests them: clients of both kinds exist.
      return [event('error', { code, message, param, error }), event('response.failed', { response: response({ status: 'failed', error: { code, message } }) })];
    },
  };
}

const INCOMPLETE: Readonly<Record<string, string>> = { length: 'max_output_tokens', content_filter: 'content_filter' };

function usageOf({ input, output, cachedInput = 0, reasoning = 0 }: Usage): Json {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cachedInput },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

/** Every field the official clients declare as always there. */
function emptyResponse(request: ChatRequest, asked: ResponsesBody): Json {
  const { instructions, max_output_tokens: most, tools, tool_choice: choice, text, reasoning } = asked;
  return {
    id: `resp_${uniqueOf(request.id)}`,
    object: 'response',
    created_at: Math.floor(request.receivedAt / 1000),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: instructions ?? null,
    max_output_tokens: most ?? null,
    metadata: asked['metadata'] ?? {},
    model: request.model,
    output: [],
    parallel_tool_calls: asked['parallel_tool_calls'] ?? true,
    previous_response_id: asked.previous_response_id ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: null },
    store: asked['store'] === true,
    temperature: asked['temperature'] ?? null,
    text: text ?? { format: { type: 'text' } },
    tool_choice: choice ?? 'auto',
    tools: tools ?? [],
    top_p: asked['top_p'] ?? null,
    truncation: 'disabled',
    usage: null,
    user: asked['user'] ?? null,
  };
}

type Told = readonly [type: string, fields: Json];
type Ended = 'completed' | 'incomplete';

interface Items {
  readonly take: (piece: Said) => Iterable<Told>;
  /** `status`: of the item that was still being told. */
  readonly end: (status: Ended) => Iterable<Told>;
}

/** The item being told. Its parts grow until it ends; then it stands in the output. */
interface OpenItem {
  readonly key: string;
  readonly kind: Kind;
  readonly id: string;
  readonly index: number;
  readonly head: Json;
  text: string;
}

/** What differs between the kinds of items: how they look, and what their growing part is called. */
interface Kind {
  readonly delta: string;
  /** The growing part as it is told at its end. */
  readonly done: (text: string) => Json;
  readonly part?: (text: string) => Json;
  readonly item: (head: Json, text: string, status: 'in_progress' | Ended) => Json;
}

const textPart = (text: string): Json => ({ type: 'output_text', text, annotations: [], logprobs: [] });
const refusalPart = (refusal: string): Json => ({ type: 'refusal', refusal });
const thoughtPart = (text: string): Json => ({ type: 'reasoning_text', text });
const message = (part: (text: string) => Json): Kind['item'] => (head, text, status) => ({ ...head, type: 'message', status, role: 'assistant', content: status === 'in_progress' ? [] : [part(text)] });

const KINDS: Readonly<Record<Said['type'], Kind>> = {
  text: { delta: 'output_text', done: (text) => ({ text, logprobs: [] }), part: textPart, item: message(textPart) },
  refusal: { delta: 'refusal', done: (refusal) => ({ refusal }), part: refusalPart, item: message(refusalPart) },
  reasoning: { delta: 'reasoning_text', done: (text) => ({ text }), part: thoughtPart, item: (head, text, status) => ({ ...head, type: 'reasoning', status, summary: [], content: status === 'in_progress' ? [] : [thoughtPart(text)] }) },
  call: { delta: 'function_call_arguments', done: (text) => ({ arguments: text }), item: (head, text, status) => ({ ...head, type: 'function_call', arguments: text, status }) },
};
const uniqueOf = (requestId: string): string => requestId.replace(/^req_/, '');

/** The id of the response that an item is of, by the item's own. */
export const answerOf = (itemId: string): string => itemId.replace(/^[a-z]+_(.*)_\d+$/, 'resp_$1');

const ID_PREFIXES = { text: 'msg', refusal: 'msg', reasoning: 'rs', call: 'fc' } as const;

function createItems(requestId: string, output: Json[]): Items {
  const state: { open: OpenItem | undefined } = { open: undefined };
  const unique = uniqueOf(requestId);

  const open = (piece: Said): OpenItem => {
    const index = output.length;
    const id = `${ID_PREFIXES[piece.type]}_${unique}_${index}`;
    const head = piece.type === 'call' ? { id, call_id: piece.id ?? `call_${unique}_${index}`, name: piece.name ?? '' } : { id };
    return { key: keyOf(piece), kind: KINDS[piece.type], id, index, head, text: '' };
  };
  /** Calls have no parts inside. */
  const place = ({ id, index, head }: OpenItem): Json => ({ item_id: id, output_index: index, ...(!('call_id' in head) && { content_index: 0 }) });

  function* end(status: Ended): Generator<Told> {
    const { open: item } = state;
    if (item === undefined) return;
    state.open = undefined;
    const { kind, head, index, text } = item;
    yield [`response.${kind.delta}.done`, { ...place(item), ...kind.done(text), ...('name' in head && { name: head['name'] }) }];
    if (kind.part) yield ['response.content_part.done', { ...place(item), part: kind.part(text) }];
    const whole = kind.item(head, text, status);
    output.push(whole);
    yield ['response.output_item.done', { output_index: index, item: whole }];
  }

  return {
    *take(piece) {
      if (state.open?.key !== keyOf(piece)) {
        yield* end('completed');
        const opened = (state.open = open(piece));
        yield ['response.output_item.added', { output_index: opened.index, item: opened.kind.item(opened.head, '', 'in_progress') }];
        if (opened.kind.part) yield ['response.content_part.added', { ...place(opened), part: opened.kind.part('') }];
      }
      const item = state.open;
      const delta = piece.type === 'call' ? piece.arguments : piece.text;
      if (item === undefined || delta === '') return;
      item.text += delta;
      yield [`response.${item.kind.delta}.delta`, { ...place(item), delta, ...(piece.type === 'text' && { logprobs: [] }) }];
    },
    end,
  };
}
