/** `POST /v1/chat/completions`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { answer } from '../gateway.ts';
import type { Answer, Gateway } from '../gateway.ts';
import { FailureError } from '../failure.ts';
import { streamChat, wholeChat } from '../surfaces/chat-answer.ts';
import { parseChat } from '../surfaces/chat.ts';
import type { Arrival } from '../surfaces/chat.ts';
import type { Caller, ChatRequest } from '../types.ts';
import { readJson } from './body.ts';
import type { Door } from './door.ts';
import { EVENT_STREAM_HEADERS, writeFrames } from './stream.ts';
import type { LiveRequests } from './stream.ts';

export interface ChatRouteOptions {
  readonly gateway: Gateway;
  readonly door: Door;
  readonly live: LiveRequests;
  readonly bodyLimit: number;
  /** What a caller who does not say will wait for the first content, milliseconds. */
  readonly callerMs: number;
}

export function chatRoute(options: ChatRouteOptions): RequestHandler {
  const { gateway, door, bodyLimit, live } = options;
  return async (request, response) => {
    const receivedAt = gateway.now();
    const caller = door.identify(request);
    const arrival = { id: requestIdOf(response), caller, receivedAt, ...wishesOf(request, { receivedAt, caller, usualMs: options.callerMs }) };
    const asked = parseChat(await readJson(request, bodyLimit), arrival);
    const revoked = door.admit(asked);
    response.locals['asked'] = true;
    const certain = await answer(gateway, asked, live.watch(response, revoked));
    if (asked.stream) await sendStream(response, asked, certain, gateway);
    else await sendWhole(response, certain, gateway);
  };
}

async function sendStream(response: ServerResponse, asked: ChatRequest, certain: Answer, { now }: Gateway): Promise<void> {
  response.writeHead(200, { ...EVENT_STREAM_HEADERS, ...headersOf(certain) });
  const includeUsage = (asked.body['stream_options'] as { include_usage?: unknown } | null | undefined)?.include_usage === true;
  await writeFrames(response, streamChat(certain.chunks, { requestId: asked.id, now, includeUsage }));
  response.end();
}

async function sendWhole(response: ServerResponse, certain: Answer, { price }: Gateway): Promise<void> {
  const text = await wholeChat(certain.chunks);
  const { costUsd, savedUsd } = price(certain.lease.target, certain.usage());
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headersOf(certain),
    ...(costUsd !== undefined && { 'x-tollfree-cost-usd': money(costUsd) }),
    ...(savedUsd !== undefined && { 'x-tollfree-saved-usd': money(savedUsd) }),
  });
  response.end(text);
}

/** How the answer came about, as far as it is known at the commit point. */
function headersOf({ match, lease, attempts }: Answer): Record<string, string> {
  return {
    'x-tollfree-provider': lease.target.provider.name,
    'x-tollfree-model': headerSafe(lease.target.model.name),
    'x-tollfree-account': headerSafe(lease.account.label),
    'x-tollfree-route': headerSafe(match.rule?.name ?? 'direct'),
    'x-tollfree-attempts': String(attempts),
    'x-tollfree-queue-ms': String(Math.round(lease.queuedMs)),
    'x-tollfree-cache': 'bypass',
  };
}

/** Labels are an operator's own words, in any script; headers carry printable ASCII. */
function headerSafe(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}

/** Eight decimals show the price of a single token of the cheapest models. */
function money(usd: number): string {
  return usd.toFixed(8).replace(/\.?0+$/, '');
}

/** Set by the first middleware of the app, on every response. */
function requestIdOf(response: ServerResponse): string {
  return String(response.getHeader('x-request-id'));
}

const LONGEST_DEADLINE_MS = 600_000;
/** The middle of 0 (first) to 9. */
const USUAL_PRIORITY = 5;

function wishesOf({ headers }: IncomingMessage, { receivedAt, caller, usualMs }: { readonly receivedAt: number; readonly caller: Caller; readonly usualMs: number }): Pick<Arrival, 'deadline' | 'priority'> {
  const waitMs = wholeNumber(headers['x-tollfree-deadline-ms'], 'x-tollfree-deadline-ms', 1, LONGEST_DEADLINE_MS) ?? usualMs;
  const priority = wholeNumber(headers['x-tollfree-priority'], 'x-tollfree-priority', 0, 9) ?? USUAL_PRIORITY;
  return { deadline: receivedAt + waitMs, priority: Math.max(priority, caller.priority ?? 0) };
}

function wholeNumber(value: string | string[] | undefined, name: string, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new FailureError({ kind: 'invalid-request', param: name, message: `the header ${name} must be a whole number from ${least} to ${most}` });
}
