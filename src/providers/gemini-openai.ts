/** Gemini at the address where it speaks OpenAI's format: what its own needs and OpenAI's has no place for stands in a field of Google's. */
import type { ChatRequest, Target } from '../types.ts';
import type { Dialect, HttpRequest } from './dialect.ts';
import { isRecord, listAt, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';

export const geminiOpenai: Dialect = { ...openai, encode };

/**
 * Gemini 3 refuses a call that comes back without the signature it was made with, and calls made elsewhere, or told by way of
 * Anthropic's format, have none. Google documents this word for such.
 */
export const UNSIGNED = 'skip_thought_signature_validator';

/** Older ones ask for none. */
export const wantsSignatures = (model: string): boolean => /^gemini-(?:[3-9]|\d\d)/.test(model);

export const signatureOf = (call: Json): string | undefined => textAt(recordAt(recordAt(call, 'extra_content'), 'google'), 'thought_signature');

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const messages = listAt(request.body, 'messages');
  if (request.relay !== undefined || !wantsSignatures(target.model.name) || !messages.some(isUnsigned)) return openai.encode(request, target, credential);
  const body: Record<string, unknown> = { messages: [], ...request.body };
  body['messages'] = messages.map((message) => (isUnsigned(message) ? signed(message) : message));
  return openai.encode({ ...request, body }, target, credential);
}

/** Of calls made at once only the first is signed. */
function isUnsigned(message: Json): boolean {
  const [first] = listAt(message, 'tool_calls');
  return first !== undefined && signatureOf(first) === undefined;
}

function signed(message: Json): Json {
  const [first = {}, ...others] = listAt(message, 'tool_calls');
  const extra = isRecord(first['extra_content']) ? first['extra_content'] : {};
  return { ...message, tool_calls: [{ ...first, extra_content: { ...extra, google: { ...recordAt(extra, 'google'), thought_signature: UNSIGNED } } }, ...others] };
}
