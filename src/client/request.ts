/** A question as a program puts it, and as the gateway takes it. */
import { randomUUID } from 'node:crypto';
import { refused } from '../schema.ts';
import { parseChat } from '../surfaces/chat.ts';
import { trimTo } from '../surfaces/trim.ts';
import type { ChatRequest } from '../types.ts';

/** A message in OpenAI's form; further fields go upstream as they are. */
export interface Message {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly content?: string | readonly object[] | null;
  readonly [field: string]: unknown;
}

export interface ChatOptions {
  /** `auto`, `auto:<rule>`, an alias, or `<provider>/<model>`. What {@link Client.use} said where absent, else `auto`. */
  readonly model?: string;
  readonly system?: string;
  readonly temperature?: number;
  /** Of the answer. */
  readonly maxTokens?: number;
  /** Oldest turns are left out until the prompt fits; never the system prompt or the last turn. */
  readonly maxContextTokens?: number;
  /** Any further field of a chat completion: `tools`, `response_format`, `stop` … */
  readonly body?: Readonly<Record<string, unknown>>;
  /** How long to wait for the first word, the line included. */
  readonly deadlineMs?: number;
  readonly cache?: 'off' | 'refresh';
  readonly signal?: AbortSignal;
}

/** The middle of 0 (first) to 9: a program has no one else in its line. */
const PRIORITY = 5;

interface Moment {
  readonly now: number;
  readonly usualMs: number;
  readonly stream: boolean;
}

/** Throws `invalid-request` naming the field. */
export function requestOf(messages: string | readonly Message[], { model, system, temperature, maxTokens, maxContextTokens, body, deadlineMs, cache }: ChatOptions, { now, usualMs, stream }: Moment): ChatRequest {
  const said: readonly Message[] = typeof messages === 'string' ? [{ role: 'user', content: messages }] : messages;
  const asked = {
    ...body,
    model,
    messages: system === undefined ? said : [{ role: 'system', content: system }, ...said],
    stream,
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  };
  const request = parseChat(asked, { id: `req_${randomUUID().replaceAll('-', '')}`, caller: { key: 'local', project: 'local' }, receivedAt: now, deadline: now + (deadlineMs ?? usualMs), priority: PRIORITY, ...(cache && { cache }) });
  if (request.dryRun === true) throw refused('dry_run', 'is for a daemon, which estimates; this would be asked');
  const most = maxContextTokens ?? request.maxContext;
  return most === undefined ? request : trimTo(request, most, maxContextTokens === undefined ? 'max_context_tokens' : 'maxContextTokens');
}
