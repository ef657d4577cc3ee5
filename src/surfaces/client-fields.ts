/** What of a client's body is the client's to say: what it wants, never where to or on whose credential. */
import { z } from 'zod';
import { isRecord, records } from './json.ts';
import type { Json } from './json.ts';

/** Words between a client and us, of every conversation. They go no further. */
export const ownWords = { dry_run: z.boolean().nullish(), max_context_tokens: z.int().positive().nullish() };
const OWN_WORDS = Object.keys(ownWords);

/** Whom a body names as its user: by OpenAI's field, or by the one that takes its place. */
export function userOf({ user, safety_identifier: identifier }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof user === 'string') return user;
  return typeof identifier === 'string' ? identifier : undefined;
}

/** Fields by which other gateways take a destination or a credential, and words between it and us. */
const NOT_THEIRS = [...OWN_WORDS, 'api_base', 'api_key', 'api_version', 'base_url', 'extra_headers', 'headers', 'proxy'];

/** The same body where it says nothing of the kind. */
export function clientFields<T extends Readonly<Record<string, unknown>>>(body: T): T {
  if (!NOT_THEIRS.some((name) => Object.hasOwn(body, name))) return body;
  const rest: Record<string, unknown> = { ...body };
  for (const name of NOT_THEIRS) delete rest[name];
  return rest as T;
}

/**
 * The same messages without what OpenAI's client notes in an answer it has read: what its text and its calls' arguments say as
 * objects. Programs send the whole message back, and strict providers refuse it for that.
 */
export function withoutNotes<Message extends Json>(messages: readonly Message[]): readonly Message[] {
  return messages.some(hasNotes) ? messages.map((message) => (hasNotes(message) ? withoutNote(message) : message)) : messages;
}

const hasNotes = ({ parsed, tool_calls: calls }: Json): boolean => parsed !== undefined || (Array.isArray(calls) && calls.some(isParsed));

const isParsed = (call: unknown): boolean => isRecord(call) && isRecord(call['function']) && 'parsed_arguments' in call['function'];

function withoutNote<Message extends Json>(message: Message): Message {
  const { parsed: _parsed, ...said } = message;
  const calls = records(message['tool_calls']);
  return (calls.some(isParsed) ? { ...said, tool_calls: calls.map(plainCall) } : said) as unknown as Message;
}

function plainCall(call: Json): Json {
  if (!isRecord(call['function'])) return call;
  const { parsed_arguments: _parsed, ...called } = call['function'];
  return { ...call, function: called };
}
