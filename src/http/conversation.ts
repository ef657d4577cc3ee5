/** Every surface that asks for text: one way in, one way out; what is said in between is the surface's own. */
import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { answer } from '../gateway.ts';
import type { Answer, Gateway } from '../gateway.ts';
import type { Arrival, Conversation, Speak } from '../surfaces/conversation.ts';
import { arrivalOf, enter } from './arrival.ts';
import type { EntryOptions } from './arrival.ts';
import { readJson } from './body.ts';
import { headersOf, moneyHeaders } from './answer-headers.ts';
import { EVENT_STREAM_HEADERS, writeFrames } from './stream.ts';

export function conversationRoute(options: EntryOptions, speak: Speak): RequestHandler {
  const { gateway, bodyLimit } = options;
  return async (request, response) => {
    const arrival = arrivalOf(request, response, options);
    const conversation = speak(await readJson(request, bodyLimit), arrival);
    const signal = enter(conversation.request, response, options);
    const certain = await answer(gateway, conversation.request, signal);
    if (conversation.request.stream) await sendStream(response, conversation, certain, gateway);
    else await sendWhole(response, conversation, certain, gateway);
  };
}

/** A question that is only measured: nothing is sent, so nothing is counted. */
export function countRoute(options: EntryOptions, count: (input: unknown, arrival: Arrival) => object): RequestHandler {
  return async (request, response) => {
    const arrival = arrivalOf(request, response, options);
    response.json(count(await readJson(request, options.bodyLimit), arrival));
  };
}

async function sendStream(response: ServerResponse, { stream, dropped }: Conversation, certain: Answer, { now }: Gateway): Promise<void> {
  response.writeHead(200, { ...EVENT_STREAM_HEADERS, ...headersOf(certain, dropped) });
  await writeFrames(response, stream(certain.chunks, now));
  response.end();
}

async function sendWhole(response: ServerResponse, { whole, dropped }: Conversation, certain: Answer, gateway: Gateway): Promise<void> {
  const text = await whole(certain.chunks);
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headersOf(certain, dropped),
    ...moneyHeaders(certain, gateway),
  });
  response.end(text);
}
