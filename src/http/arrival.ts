/** How a request gets from the socket to the gateway: who asks, how long they will wait, and through the door. */
import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import { FailureError } from '../failure.ts';
import type { Gateway } from '../gateway.ts';
import type { Arrival } from '../surfaces/conversation.ts';
import type { Memory } from '../surfaces/responses.ts';
import type { AbortSignalLike, Caller, ChatRequest, TraceContext } from '../types.ts';
import type { Door } from './door.ts';
import { requestIdOf } from './entrance.ts';
import type { LiveRequests } from './stream.ts';

export interface EntryOptions {
  readonly gateway: Gateway;
  readonly door: Pick<Door, 'identify' | 'allow' | 'admit'>;
  readonly live: LiveRequests;
  readonly bodyLimit: number;
  /** What a caller who does not say will wait for the first content, milliseconds. */
  readonly callerMs: number;
  /** Between two comments into an idle stream, milliseconds. */
  readonly heartbeatMs: number;
  /** How long a client may take nothing of its answer, milliseconds. */
  readonly readerMs: number;
  /** Where the Responses API's answers are kept. Absent: they are not. */
  readonly turns?: Memory;
}

/** Throws `unauthorized`, or `invalid-request` for a header that makes no sense. */
export function arrivalOf(request: IncomingMessage, response: Response, { gateway, door, callerMs }: EntryOptions): Arrival {
  const receivedAt = gateway.now();
  const caller = door.identify(request);
  return { id: requestIdOf(response), caller, receivedAt, ...wishesOf(request, { receivedAt, caller, usualMs: callerMs }) };
}

/** Through the door, and counted among those being answered. Throws what {@link Door.admit} throws. */
export function enter(asked: ChatRequest, response: Response, { door, live }: EntryOptions): AbortSignalLike {
  const revoked = door.admit(asked);
  response.locals['asked'] = true;
  return live.watch(response, revoked);
}

/** Undefined: the conversation goes as it is. Throws `invalid-request`. */
export function maxContextOf({ headers }: IncomingMessage): number | undefined {
  return numberIn(headers, MAX_CONTEXT);
}

export const MAX_CONTEXT = 'x-tollfree-max-context-tokens';

/** What a caller may wish for beside the question. The numbers are whole. */
export const WISHES = {
  'x-tollfree-deadline-ms': { least: 1, most: 600_000, means: 'How long the caller waits for the first content, the line included.' },
  'x-tollfree-priority': { least: 0, most: 9, means: 'The place in line, 0 first.' },
  'x-tollfree-max-context-tokens': { least: 1, most: Number.MAX_SAFE_INTEGER, means: 'Oldest turns are left out until the prompt fits.' },
  'x-tollfree-cache': { values: ['off', 'refresh'], means: '`off`: neither looked up nor kept. `refresh`: asked anew, and kept.' },
  'x-tollfree-on-stream-break': { values: ['error', 'resume', 'buffer'], means: 'What becomes of a stream that breaks, in place of what its rule says.' },
} as const;
type WordWish = 'x-tollfree-cache' | 'x-tollfree-on-stream-break';
type NumberWish = Exclude<keyof typeof WISHES, WordWish>;

/** The middle of 0 (first) to 9. */
const USUAL_PRIORITY = 5;

function wishesOf({ headers }: IncomingMessage, { receivedAt, caller, usualMs }: { readonly receivedAt: number; readonly caller: Caller; readonly usualMs: number }): Pick<Arrival, 'deadline' | 'deadlineNamed' | 'priority' | 'cache' | 'onStreamBreak' | 'trace' | 'anthropicBeta'> {
  const named = numberIn(headers, 'x-tollfree-deadline-ms');
  const priority = numberIn(headers, 'x-tollfree-priority') ?? USUAL_PRIORITY;
  const cache = wordIn(headers, 'x-tollfree-cache');
  const onStreamBreak = wordIn(headers, 'x-tollfree-on-stream-break');
  return {
    deadline: receivedAt + (named ?? usualMs),
    ...(named !== undefined && { deadlineNamed: true }),
    priority: Math.max(priority, caller.priority ?? 0),
    ...(cache && { cache }),
    ...(onStreamBreak && { onStreamBreak }),
    ...traceOf(headers),
    ...betaOf(headers),
  };
}

/** Node joins a header that is sent twice. Claude Code names ten trials in 300 characters. */
function betaOf({ 'anthropic-beta': beta }: IncomingMessage['headers']): { readonly anthropicBeta?: string } {
  if (beta === undefined) return {};
  if (typeof beta === 'string' && /^[\w.,:; -]{1,2048}$/.test(beta)) return { anthropicBeta: beta };
  throw new FailureError({ kind: 'invalid-request', param: 'anthropic-beta', message: 'the header anthropic-beta must be a list of names' });
}

/** A context that is not well formed is none, as the standard has it: the trace begins here. */
export function traceOf({ traceparent, tracestate }: IncomingMessage['headers']): { readonly trace?: TraceContext } {
  if (typeof traceparent !== 'string' || !/^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-|$)/.test(traceparent)) return {};
  return { trace: { parent: traceparent, ...(typeof tracestate === 'string' && tracestate.length <= 512 && { state: tracestate }) } };
}

function wordIn<Name extends WordWish>(headers: IncomingMessage['headers'], name: Name): (typeof WISHES)[Name]['values'][number] | undefined {
  const value = headers[name];
  const { values } = WISHES[name];
  const known = values.find((word) => word === value);
  if (known !== undefined || value === undefined) return known;
  throw new FailureError({ kind: 'invalid-request', param: name, message: `the header ${name} must be one of ${values.join(', ')}` });
}

function numberIn(headers: IncomingMessage['headers'], name: NumberWish): number | undefined {
  const value = headers[name];
  if (value === undefined) return undefined;
  const { least, most } = WISHES[name];
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new FailureError({ kind: 'invalid-request', param: name, message: `the header ${name} must be a whole number from ${least} to ${most}` });
}
