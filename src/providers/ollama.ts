/** Ollama, here or in its cloud: OpenAI's format, but what it does not know it passes over in silence, even where that changes what is asked. */
import type { ChatRequest, Target } from '../types.ts';
import type { Dialect, HttpRequest } from './dialect.ts';
import { notTaken } from './fields.ts';
import { isRecord, listAt, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';

export const ollama: Dialect = { ...openai, encode };

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  if (request.relay !== undefined) return openai.encode(request, target, credential);
  const { n, tool_choice: choice, tools, logprobs, top_logprobs: _top, max_completion_tokens: newer, ...body } = request.body;
  const most = body['max_tokens'] ?? newer;
  if (typeof n === 'number' && n > 1) throw notTaken('n', 'the wish for more than one answer');
  if (logprobs === true) throw notTaken('logprobs', 'the field logprobs');
  if (choice === 'required' || isRecord(choice)) throw notTaken('tool_choice', 'the wish for a call of a tool');
  for (const part of listAt(body, 'messages').flatMap((message) => listAt(message, 'content'))) refuseAddress(part);
  // Where none is to be called, none is offered.
  return openai.encode({ ...request, body: { ...body, ...(most !== undefined && { max_tokens: most }), ...(tools !== undefined && choice !== 'none' && { tools }) } }, target, credential);
}

function refuseAddress(part: Json): void {
  const url = textAt(recordAt(part, 'image_url'), 'url');
  if (url !== undefined && !url.startsWith('data:')) throw notTaken('messages', 'pictures by their address; send them along as base64');
}
