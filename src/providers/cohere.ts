/** Cohere's own API. `base_url` ends with `/v2`. */
import type { ChatRequest, Target } from '../types.ts';
import { questionHeaders, translated } from './dialect.ts';
import type { Dialect, HttpRequest, Payload } from './dialect.ts';
import { explain } from './explain.ts';
import { notTaken } from './fields.ts';
import { given, isRecord, listAt, numberAt, parseAnswer, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';
import { encodeRelay, refuseForeign } from './relay.ts';
import { chunkOf, completionOf, usageFields } from './told.ts';
import type { Finish, Head } from './told.ts';
import { readFields, readQuestion, refuseRest } from './turns.ts';
import type { CommonFields, FunctionTool, Part, Turn } from './turns.ts';

export const cohere: Dialect = { authorize: openai.authorize, encode, decode: (refuse) => translated(createTranslation(), openai.decode(refuse)), explain };

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { provider, model } = target;
  const authorization = openai.authorize(credential);
  refuseForeign(request, ['/audio/transcriptions']);
  if (request.relay !== undefined) return encodeRelay(request.relay, { request, target, authorization });
  const { system, turns, fields } = readQuestion(request, provider);
  const { maxTokens, stop, json, schema, rest, ...common } = readFields(fields);
  const { temperature, top_p: p, top_k: k, seed, presence_penalty: presence, frequency_penalty: frequency, ...unknown } = rest;
  refuseRest(unknown);
  const numbers = { temperature, p, k, seed, presence_penalty: presence, frequency_penalty: frequency };
  const body = {
    model: model.name,
    messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...turns.map(messageOf)],
    stream: request.stream,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(stop.length > 0 && { stop_sequences: stop }),
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => typeof value === 'number')),
    ...toolFields(common),
    ...(json && { response_format: { type: 'json_object', ...(schema && { json_schema: schema.schema }) } }),
  };
  return {
    method: 'POST',
    url: `${provider.baseUrl}/chat`,
    headers: questionHeaders(provider, request.stream, authorization),
    body: JSON.stringify(body),
  };
}

/** One of several tools cannot be named: with only that one offered, it is the one that is called. */
function toolFields({ tools, toolChoice }: Pick<CommonFields, 'tools' | 'toolChoice'>): Json {
  if (tools.length === 0) return {};
  const offered = typeof toolChoice === 'object' ? tools.filter(({ name }) => name === toolChoice.name) : tools;
  const choice = toolChoice === 'none' ? 'NONE' : toolChoice === 'required' || typeof toolChoice === 'object' ? 'REQUIRED' : undefined;
  return {
    tools: offered.map(({ name, description, parameters }) => ({ type: 'function', function: { name, ...given('description', description), parameters } })),
    ...(choice && { tool_choice: choice }),
    ...(offered.every(canBeStrict) && { strict_tools: true }),
  };
}

/** All tools are strict there or none, and one without a required parameter cannot be: docs.cohere.com/v2/docs/parameter-types-in-tool-use. */
const canBeStrict = ({ strict, parameters }: FunctionTool): boolean => strict === true && Array.isArray(parameters['required']) && parameters['required'].length > 0;

function messageOf(turn: Turn): Json {
  switch (turn.role) {
    case 'user': return { role: 'user', content: turn.parts.every(({ type }) => type === 'text') ? turn.parts.map((part) => ('text' in part ? part.text : '')).join('\n') : turn.parts.map(partOf) };
    case 'tool': return { role: 'tool', tool_call_id: turn.id, content: turn.text };
    case 'assistant': {
      const calls = turn.calls.map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(input) } }));
      // Words before calls are the plan to make them.
      return calls.length > 0 ? { role: 'assistant', tool_calls: calls, ...(turn.text !== '' && { tool_plan: turn.text }) } : { role: 'assistant', content: turn.text };
    }
    default: return turn satisfies never;
  }
}

function partOf(part: Part): Json {
  if (part.type === 'text') return { type: 'text', text: part.text };
  if (part.type !== 'image') throw notTaken('messages', part.type === 'audio' ? 'sound' : 'files');
  return { type: 'image_url', image_url: { url: 'url' in part ? part.url : `data:${part.mediaType};base64,${part.data}` } };
}

/** Errors, and whatever is not understood, go on as they are: the next reader tells what they mean. */
function createTranslation(): (payload: Payload) => Iterable<Payload> {
  const state: { head: Head } = { head: { id: '', model: '' } };
  return function* translate(payload) {
    const value = parseAnswer(payload.text);
    if (!isRecord(value)) yield payload;
    else if (payload.whole) yield isRecord(value['message']) ? wholeMessage(value, value['message']) : payload;
    else if (typeof value['type'] === 'string') yield* eventOf(value, state);
    else yield payload;
  };
}

function* eventOf(event: Json, state: { head: Head }): Generator<Payload> {
  const delta = recordAt(event, 'delta');
  const message = recordAt(delta, 'message');
  switch (event['type']) {
    case 'message-start':
      state.head = { id: textAt(event, 'id') ?? '', model: '' };
      yield chunkOf(state.head, { role: 'assistant', content: '' });
      break;
    case 'content-delta': {
      const content = recordAt(message, 'content');
      const thought = textAt(content, 'thinking');
      yield chunkOf(state.head, thought === undefined ? { content: textAt(content, 'text') ?? '' } : { reasoning_content: thought });
      break;
    }
    case 'tool-plan-delta':
      yield chunkOf(state.head, { reasoning_content: textAt(message, 'tool_plan') ?? '' });
      break;
    case 'tool-call-start':
    case 'tool-call-delta':
      yield chunkOf(state.head, { tool_calls: [{ index: numberAt(event, 'index') ?? 0, ...recordAt(message, 'tool_calls') }] });
      break;
    case 'message-end':
      yield chunkOf(state.head, {}, finishOf(delta ?? {}));
      break;
    // Citations, the ends of parts, and what is new: nothing to say.
    default:
  }
}

function wholeMessage(value: Json, message: Json): Payload {
  const content = listAt(message, 'content');
  const words = (field: string): string => content.map((part) => textAt(part, field) ?? '').join('');
  const calls = listAt(message, 'tool_calls');
  const thoughts = textAt(message, 'tool_plan') ?? words('thinking');
  return completionOf(
    { id: textAt(value, 'id') ?? '', model: '' },
    { content: calls.length > 0 ? null : words('text'), ...(thoughts !== '' && { reasoning_content: thoughts }), ...(calls.length > 0 && { tool_calls: calls }) },
    finishOf(value),
  );
}

const FINISHES: Readonly<Record<string, string>> = { COMPLETE: 'stop', STOP_SEQUENCE: 'stop', MAX_TOKENS: 'length', TOOL_CALL: 'tool_calls', ERROR_TOXIC: 'content_filter' };

/** Billed tokens are what is paid and limited; the others count Cohere's own words around the prompt, too. */
function finishOf(ended: Json): Finish {
  const usage = recordAt(ended, 'usage');
  const billed = recordAt(usage, 'billed_units') ?? recordAt(usage, 'tokens');
  const input = numberAt(billed, 'input_tokens');
  return {
    reason: FINISHES[textAt(ended, 'finish_reason') ?? ''] ?? 'error',
    ...(input !== undefined && { usage: usageFields({ input, output: numberAt(billed, 'output_tokens') ?? 0 }) }),
  };
}
