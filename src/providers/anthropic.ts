/** Anthropic's Messages API. `base_url` ends with `/v1`. */
import type { ChatRequest, Target } from '../types.ts';
import { asOriginal, keepingEvents } from './anthropic-original.ts';
import { questionHeaders, translated } from './dialect.ts';
import type { Dialect, HttpRequest, Payload, Refuse } from './dialect.ts';
import { explain } from './explain.ts';
import { notTaken } from './fields.ts';
import { isRecord, listAt, numberAt, parseAnswer, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';
import { encodeRelay, refuseForeign } from './relay.ts';
import { chunkOf, completionOf, usageFields } from './told.ts';
import type { Head } from './told.ts';
import { readFields, readQuestion, refuseRest } from './turns.ts';
import type { CommonFields, Part, Turn } from './turns.ts';

export const anthropic: Dialect = { authorize, encode, decode, explain };

function decode(refuse: Refuse, asCame = false): ReturnType<Dialect['decode']> {
  const decoder = translated(createTranslation(), openai.decode(refuse));
  return asCame ? keepingEvents(decoder) : decoder;
}

function authorize(credential: string): Record<string, string> {
  return { 'x-api-key': credential, 'anthropic-version': '2023-06-01' };
}

/** The field is required, and no model says what it would be by itself. */
const USUAL_MOST = 4_096;

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { provider, model } = target;
  const authorization = authorize(credential);
  refuseForeign(request);
  if (request.relay !== undefined) return encodeRelay(request.relay, { request, target, authorization });
  if (request.original !== undefined) return asOriginal(request.original, { request, target, authorization });
  const { system, turns, fields } = readQuestion(request, provider);
  const { maxTokens, stop, rest, schema, json, ...common } = readFields(fields);
  if (json && schema === undefined) throw notTaken('response_format', 'the wish for JSON without a schema');
  const { temperature, top_p: topP, top_k: topK, user, parallel_tool_calls: parallel, ...unknown } = rest;
  refuseRest(unknown);
  const body = {
    model: model.name,
    ...(system !== '' && { system }),
    messages: messagesOf(turns),
    max_tokens: maxTokens ?? model.maxOutput ?? USUAL_MOST,
    stream: request.stream,
    ...(stop.length > 0 && { stop_sequences: stop }),
    // OpenAI's scale goes to 2, and 1 is the middle of it only in number.
    ...(typeof temperature === 'number' && { temperature: Math.min(1, temperature) }),
    ...(typeof topP === 'number' && { top_p: topP }),
    ...(typeof topK === 'number' && { top_k: topK }),
    ...(typeof user === 'string' && { metadata: { user_id: user } }),
    ...toolFields(common, parallel === false),
    ...(schema && { output_config: { format: { type: 'json_schema', schema: schema.schema } } }),
  };
  return {
    method: 'POST',
    url: `${provider.baseUrl}/messages`,
    headers: questionHeaders(provider, request.stream, authorization),
    body: JSON.stringify(body),
  };
}

function toolFields({ tools, toolChoice = 'auto' }: Pick<CommonFields, 'tools' | 'toolChoice'>, single: boolean): Json {
  if (tools.length === 0) return {};
  const type = typeof toolChoice === 'object' ? 'tool' : toolChoice === 'required' ? 'any' : toolChoice;
  return {
    tools: tools.map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters })),
    tool_choice: { type, ...(typeof toolChoice === 'object' && toolChoice), ...(single && type !== 'none' && { disable_parallel_tool_use: true }) },
  };
}

/** Turns of one side that follow each other are one message: results of parallel calls must stand together. */
function messagesOf(turns: readonly Turn[]): readonly Json[] {
  const messages: { role: string; content: Json[] }[] = [];
  for (const turn of turns) {
    const role = turn.role === 'assistant' ? 'assistant' : 'user';
    const content = blocksOf(turn);
    if (content.length === 0) continue;
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content });
  }
  return messages;
}

/** Empty text blocks are refused. */
function blocksOf(turn: Turn): Json[] {
  switch (turn.role) {
    case 'user': return turn.parts.filter((part) => part.type !== 'text' || part.text !== '').map(blockOf);
    case 'tool': return [{ type: 'tool_result', tool_use_id: turn.id, content: turn.text }];
    case 'assistant': return [...(turn.text === '' ? [] : [{ type: 'text', text: turn.text }]), ...turn.calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input }))];
    default: return turn satisfies never;
  }
}

function blockOf(part: Part): Json {
  if (part.type === 'text') return { type: 'text', text: part.text };
  if ('url' in part) return { type: 'image', source: { type: 'url', url: part.url } };
  if (part.type === 'audio') throw notTaken('messages', 'sound');
  const source = part.type === 'file' && part.mediaType.startsWith('text/')
    ? { type: 'text', media_type: 'text/plain', data: Buffer.from(part.data, 'base64').toString('utf8') }
    : { type: 'base64', media_type: part.mediaType, data: part.data };
  return part.type === 'image' ? { type: 'image', source } : { type: 'document', source, ...(part.name !== undefined && { title: part.name }) };
}

/** Errors, and whatever is not understood, go on as they are: the next reader tells what they mean. */
function createTranslation(): (payload: Payload) => Iterable<Payload> {
  const state: Reading = { head: { id: '', model: '' }, usage: {}, calls: -1 };
  return function* translate(payload) {
    const value = parseAnswer(payload.text);
    if (!isRecord(value) || value['type'] === 'error') yield payload;
    else if (value['type'] === 'message') yield wholeMessage(value);
    else yield* eventOf(value, state);
  };
}

interface Reading {
  head: Head;
  /** Later reports add to earlier ones: only the last has the output. */
  usage: Json;
  /** Index of the tool call being told. */
  calls: number;
}

function* eventOf(event: Json, state: Reading): Generator<Payload> {
  switch (event['type']) {
    case 'message_start': {
      const message = recordAt(event, 'message');
      state.head = headOf(message ?? {});
      state.usage = recordAt(message, 'usage') ?? {};
      yield chunkOf(state.head, { role: 'assistant', content: '' });
      break;
    }
    case 'content_block_start': {
      const block = recordAt(event, 'content_block');
      if (block?.['type'] !== 'tool_use') break;
      state.calls += 1;
      yield chunkOf(state.head, { tool_calls: [{ index: state.calls, id: block['id'], type: 'function', function: { name: block['name'], arguments: '' } }] });
      break;
    }
    case 'content_block_delta': {
      const delta = deltaOf(recordAt(event, 'delta') ?? {}, state.calls);
      if (delta !== undefined) yield chunkOf(state.head, delta);
      break;
    }
    case 'message_delta': {
      state.usage = { ...state.usage, ...recordAt(event, 'usage') };
      const reason = textAt(recordAt(event, 'delta'), 'stop_reason');
      if (reason !== undefined) yield chunkOf(state.head, {}, { reason: finishOf(reason), usage: usageOf(state.usage) });
      break;
    }
    // Pings, block ends, and what is new: nothing to say.
    default:
  }
}

function deltaOf(delta: Json, index: number): Json | undefined {
  switch (delta['type']) {
    case 'text_delta': return { content: delta['text'] };
    case 'thinking_delta': return { reasoning_content: delta['thinking'] };
    case 'input_json_delta': return { tool_calls: [{ index, function: { arguments: delta['partial_json'] } }] };
    default: return undefined;
  }
}

function wholeMessage(message: Json): Payload {
  const blocks = listAt(message, 'content');
  const words = (type: string, field: string): string => blocks.map((block) => (block['type'] === type ? (textAt(block, field) ?? '') : '')).join('');
  const thoughts = words('thinking', 'thinking');
  const calls = blocks.filter(({ type }) => type === 'tool_use').map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } }));
  const text = words('text', 'text');
  return completionOf(
    headOf(message),
    { content: text === '' && calls.length > 0 ? null : text, ...(thoughts !== '' && { reasoning_content: thoughts }), ...(calls.length > 0 && { tool_calls: calls }) },
    { reason: finishOf(textAt(message, 'stop_reason')), usage: usageOf(recordAt(message, 'usage') ?? {}) },
  );
}

const headOf = (message: Json): Head => ({ id: textAt(message, 'id') ?? '', model: textAt(message, 'model') ?? '' });

function finishOf(reason: string | undefined): string {
  switch (reason) {
    // A whole message without one has no end.
    case undefined: return 'error';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use': return 'tool_calls';
    case 'refusal': return 'content_filter';
    default: return 'stop';
  }
}

/** Anthropic counts what it read from and wrote to its cache apart from the input. */
function usageOf(usage: Json): Json {
  const cached = numberAt(usage, 'cache_read_input_tokens') ?? 0;
  const input = (numberAt(usage, 'input_tokens') ?? 0) + cached + (numberAt(usage, 'cache_creation_input_tokens') ?? 0);
  return usageFields({ input, output: numberAt(usage, 'output_tokens') ?? 0, cached });
}
