/** Every surface that asks for text: one way in, one way out; what is said in between is the surface's own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { answer } from '../gateway.ts';
import type { Answer } from '../gateway.ts';
import { isInItsOwnWords } from '../gateway/concessions.ts';
import type { Arrival, Conversation, Speak } from '../surfaces/conversation.ts';
import { trimTo } from '../surfaces/trim.ts';
import { arrivalOf, enter, MAX_CONTEXT, maxContextOf } from './arrival.ts';
import type { EntryOptions } from './arrival.ts';
import { headOf } from './entrance.ts';
import type { AbortSignalLike, ChatChunk, ChatRequest } from '../types.ts';
import { readAs, readJson } from './body.ts';
import { dryRun } from './dry-run.ts';
import { headersOf, moneyHeaders } from './answer-headers.ts';
import { endSoon, EVENT_STREAM_HEADERS, startHeartbeat, writeFrames } from './stream.ts';

export function conversationRoute(options: EntryOptions, speak: Speak): RequestHandler {
  const { gateway, bodyLimit } = options;
  return async (request, response) => {
    const arrival = arrivalOf(request, response, options);
    const conversation = await readAs(request, bodyLimit, (value, text) => trimmed(speak(value, arrival, text), request, response));
    if (conversation.request.dryRun === true) {
      options.door.allow(conversation.request);
      return void response.set(headOf(arrival.id)).json(await dryRun(gateway, conversation.request));
    }
    const signal = enter(conversation.request, response, options);
    if (conversation.request.stream) await sendStream(response, conversation, signal, options);
    else await sendWhole(response, conversation, await answer(gateway, conversation.request, signal), options);
  };
}

function trimmed(conversation: Conversation, asked: IncomingMessage, response: ServerResponse): Conversation {
  const header = maxContextOf(asked);
  const most = header ?? conversation.request.maxContext;
  const request = most === undefined ? conversation.request : trimTo(conversation.request, most, header === undefined ? 'max_context_tokens' : MAX_CONTEXT);
  if (request === conversation.request) return conversation;
  response.setHeader('x-tollfree-context-tokens', request.promptTokens);
  return { ...conversation, request };
}

/** A question that is only measured: nothing is sent, so nothing is counted. */
export function countRoute(options: EntryOptions, count: (input: unknown, arrival: Arrival) => object): RequestHandler {
  return async (request, response) => {
    const arrival = arrivalOf(request, response, options);
    response.set(headOf(arrival.id)).json(count(await readJson(request, options.bodyLimit), arrival));
  };
}

/**
 * Whoever waits as long as anybody does gets a true status. Who asked to wait longer is kept connected by comments from
 * then on: the status is 200 by that time, fallback goes on as before, and a failure is told as an event.
 */
async function sendStream(response: ServerResponse, { request, stream, dropped }: Conversation, signal: AbortSignalLike, { gateway, callerMs, heartbeatMs, readerMs }: EntryOptions): Promise<void> {
  const { now } = gateway;
  const waitsLonger = request.deadline - request.receivedAt > callerMs;
  const head = Object.assign(headOf(request.id), EVENT_STREAM_HEADERS);
  const stop = startHeartbeat(response, { everyMs: heartbeatMs, openAfterMs: waitsLonger ? callerMs : Number.POSITIVE_INFINITY, now, head });
  try {
    const certain = await answer(gateway, request, signal);
    if (!response.headersSent) response.writeHead(200, Object.assign(headersOf(certain, unsaid(certain, request, dropped)), head));
    await writeFrames(response, stream(certain.chunks, now), readerMs);
  } catch (error) {
    if (!response.headersSent) throw error;
    await writeFrames(response, stream(failing(error), now), readerMs);
  } finally {
    stop();
  }
}

const unsaid = ({ lease }: Answer, request: ChatRequest, dropped: readonly string[]): readonly string[] => (isInItsOwnWords(request, lease.target) ? [] : dropped);

async function* failing(error: unknown): AsyncGenerator<ChatChunk> {
  yield* [];
  throw error;
}

async function sendWhole(response: ServerResponse, { request, whole, dropped }: Conversation, certain: Answer, { gateway, readerMs }: EntryOptions): Promise<void> {
  const text = await whole(certain.chunks);
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headOf(request.id),
    ...headersOf(certain, unsaid(certain, request, dropped)),
    ...moneyHeaders(certain, gateway),
  });
  endSoon(response, readerMs, text);
}
