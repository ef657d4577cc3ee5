/**
 * Mistral: OpenAI's format, strictly. A message holds nothing but what its role needs, a call's name is nine letters and
 * figures, and after a result the assistant speaks. Thoughts come as parts of the content, and calls without their place.
 */
import { createHash } from 'node:crypto';
import type { ChatRequest, Target } from '../types.ts';
import { translated } from './dialect.ts';
import type { Dialect, HttpRequest, Payload } from './dialect.ts';
import { notTaken } from './fields.ts';
import { isRecord, listAt, parseAnswer, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';

export const mistral: Dialect = { ...openai, encode, decode: (refuse) => translated(createTranslation(), openai.decode(refuse)) };

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  if (request.relay !== undefined) return openai.encode(request, target, credential);
  const body: Record<string, unknown> = { messages: [], ...request.body };
  body['messages'] = listAt(request.body, 'messages').flatMap((message, index, all) => [...bridge(all[index - 1], message), fitting(message)]);
  return openai.encode({ ...request, body }, target, credential);
}

/** Clients say back what an answer held: refusals that are none, thoughts, notes in the margin. */
const MESSAGE_FIELDS: ReadonlySet<string> = new Set(['role', 'content', 'tool_calls', 'tool_call_id', 'name', 'prefix']);

function fitting(message: Json): Json {
  if (message['role'] === 'function' || isRecord(message['function_call'])) throw notTaken('messages', 'functions in their older form; offer them as tools');
  const fit: Record<string, unknown> = Object.fromEntries(Object.entries(message).filter(([field, value]) => MESSAGE_FIELDS.has(field) && value !== undefined && value !== null));
  // A message says something there; what a model would not say it did in its refusal.
  fit['content'] ??= textAt(message, 'refusal');
  if (typeof fit['tool_call_id'] === 'string') fit['tool_call_id'] = nineOf(fit['tool_call_id']);
  const calls = listAt(message, 'tool_calls');
  if (calls.length > 0) fit['tool_calls'] = calls.map((call) => ({ id: nineOf(textAt(call, 'id') ?? ''), type: 'function', function: call['function'] }));
  else delete fit['tool_calls'];
  return fit;
}

/** The same for the call and for its result, wherever the call was made. */
const nineOf = (id: string): string => (/^[a-z\d]{9}$/i.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9));

/** "Unexpected role 'user' after role 'tool'": a message without words is refused as well. */
function bridge(before: Json | undefined, message: Json): readonly Json[] {
  return before?.['role'] === 'tool' && message['role'] === 'user' ? [{ role: 'assistant', content: 'OK.' }] : [];
}

/** Other payloads stay as they came. */
const MAY_DIFFER = /"(?:content|tool_calls)"\s*:\s*\[/;

function createTranslation(): (payload: Payload) => Iterable<Payload> {
  /** Calls told so far, by their choice. */
  const told = new Map<unknown, number>();
  return function* translate(payload) {
    const value = MAY_DIFFER.test(payload.text) ? parseAnswer(payload.text) : undefined;
    if (!isRecord(value) || !Array.isArray(value['choices'])) yield payload;
    else yield { ...payload, text: JSON.stringify({ ...value, choices: listAt(value, 'choices').map((choice) => placed(choice, payload.whole ? 'message' : 'delta', told)) }) };
  };
}

function placed(choice: Json, place: 'message' | 'delta', told: Map<unknown, number>): Json {
  const said = recordAt(choice, place) ?? {};
  const before = told.get(choice['index']) ?? 0;
  const calls = listAt(said, 'tool_calls').map((call, position): Json => (place === 'message' ? { type: 'function', ...call } : { index: before + position, type: 'function', ...call }));
  told.set(choice['index'], before + calls.length);
  return { ...choice, [place]: { ...said, ...spoken(said['content']), ...(calls.length > 0 && { tool_calls: calls }) } };
}

function spoken(content: unknown): Json {
  if (!Array.isArray(content)) return {};
  const parts = listAt({ content }, 'content');
  const thoughts = parts.flatMap((part) => (part['type'] === 'thinking' ? listAt(part, 'thinking') : [])).map((part) => textAt(part, 'text') ?? '').join('');
  return { content: parts.map((part) => textAt(part, 'text') ?? '').join(''), ...(thoughts !== '' && { reasoning_content: thoughts }) };
}
