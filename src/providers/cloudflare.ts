/** Cloudflare Workers AI: OpenAI's format, but message content must be text, and answers are short unless told otherwise. */
import type { ChatRequest, Target } from '../types.ts';
import type { Dialect, HttpRequest } from './dialect.ts';
import { notTaken } from './fields.ts';
import { isRecord, listAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';

export const cloudflare: Dialect = { ...openai, encode };

/** Without a maximum answers end after a few hundred tokens; 8,192 is what most of its models write at most. */
const USUAL_MOST = 8_192;

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  if (request.relay !== undefined) return openai.encode(request, target, credential);
  const { body } = request;
  const most = body['max_tokens'] ?? body['max_completion_tokens'] ?? target.model.maxOutput ?? USUAL_MOST;
  return openai.encode({ ...request, body: { ...body, max_tokens: most, messages: listAt(body, 'messages').map(withText) } }, target, credential);
}

function withText(message: Json): Json {
  const { content } = message;
  if (typeof content === 'string') return message;
  if (content === null || content === undefined) return { ...message, content: '' };
  return { ...message, content: listAt(message, 'content').map(textOf).join('\n') };
}

function textOf(part: unknown): string {
  if (isRecord(part) && typeof part['text'] === 'string') return part['text'];
  throw notTaken('messages', 'anything but text');
}
