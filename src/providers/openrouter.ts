/** OpenRouter: OpenAI's format, but what the machine it chooses does not know is passed over in silence, unless it is told that it matters. */
import type { ChatRequest, Target } from '../types.ts';
import type { Dialect, HttpRequest } from './dialect.ts';
import { notTaken } from './fields.ts';
import { isRecord, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';

export const openrouter: Dialect = { ...openai, encode };

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { body } = request;
  if (request.relay !== undefined) return openai.encode(request, target, credential);
  // Among the parameters its models may know there is no such one.
  if (typeof body['n'] === 'number' && body['n'] > 1) throw notTaken('n', 'the wish for more than one answer');
  if (!mattersIn(body)) return openai.encode(request, target, credential);
  // Read by the client's own wishes last: who says it does not matter is believed.
  const asked: Record<string, unknown> = { provider: {}, ...body };
  asked['provider'] = { require_parameters: true, ...(isRecord(body['provider']) && body['provider']) };
  return openai.encode({ ...request, body: asked }, target, credential);
}

/**
 * Whether the answer would be another one without a field. Tools are not among these: who cannot call them is left out
 * without being told. What only tunes is not either, but is insisted on together with the others: who asks for both may be
 * refused for the sake of a seed, and is asked again without.
 */
function mattersIn(body: Json): boolean {
  const format = isRecord(body['response_format']) ? textAt(body['response_format'], 'type') : undefined;
  const { logprobs, stop, tool_choice: choice, web_search_options: search } = body;
  return (format !== undefined && format !== 'text') || Boolean(logprobs) || Boolean(search) || choice === 'required' || isRecord(choice) || (Array.isArray(stop) ? stop.length > 0 : Boolean(stop));
}
