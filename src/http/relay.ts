/** Everything under `/v1` that is no chat: embeddings, audio, images, moderations, and whatever a provider has besides. */
import type { IncomingMessage } from 'node:http';
import type { RequestHandler, Response } from 'express';
import { FailureError } from '../failure.ts';
import { answer } from '../gateway.ts';
import type { Answer } from '../gateway.ts';
import { inFormat } from '../surfaces/embeddings.ts';
import { withFlags } from '../surfaces/moderations.ts';
import { parseForm, parseRelay } from '../surfaces/relay.ts';
import { transcriptEvents } from '../surfaces/transcription.ts';
import type { Arrival } from '../surfaces/conversation.ts';
import type { ChatChunk, ChatRequest } from '../types.ts';
import { headersOf, moneyHeaders } from './answer-headers.ts';
import { arrivalOf, enter } from './arrival.ts';
import type { EntryOptions } from './arrival.ts';
import { readAs } from './body.ts';
import { endSoon, writeFrames } from './stream.ts';
import { receiveForm } from './upload.ts';

/** For paths that begin with `/v1`. */
export function relayRoute(options: EntryOptions): RequestHandler {
  const { gateway, bodyLimit } = options;
  return async (request, response) => {
    const arrival = arrivalOf(request, response, options);
    const path = plainPath(request.path.slice('/v1'.length));
    const asked = await readQuestion(request, { path, arrival, bodyLimit });
    try {
      const signal = enter(asked, response, options);
      await pass(response, asked, await answer(gateway, asked, signal), options);
    } finally {
      asked.relay?.form?.rest?.leave();
    }
  };
}

/** The path goes upstream beneath the provider's base: it must not lead out of there. */
function plainPath(path: string): string {
  if (/^(?:\/[\w-][\w.-]*)+$/.test(path) && path.length <= 128) return path;
  throw new FailureError({ kind: 'not-found', message: 'there is no such path here' });
}

interface QuestionOptions {
  readonly path: string;
  readonly arrival: Arrival;
  readonly bodyLimit: number;
}

async function readQuestion(request: IncomingMessage, { path, arrival, bodyLimit }: QuestionOptions): Promise<ChatRequest> {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\b/i.test(contentType)) return readAs(request, bodyLimit, (value, text) => parseRelay(value, path, arrival, text));
  return parseForm(await receiveForm(request, bodyLimit), path, arrival);
}

/** The first piece tells what comes: one JSON text, or bytes of some other kind. */
async function pass(response: Response, asked: ChatRequest, certain: Answer, { gateway, readerMs }: EntryOptions): Promise<void> {
  const chunks = certain.chunks[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) throw new FailureError({ kind: 'broken-answer', message: 'the provider sent an empty answer' });
  const { raw, text } = first.value;
  if (raw !== undefined) {
    response.writeHead(200, { 'content-type': raw.contentType, ...headersOf(certain) });
    await writeFrames(response, bytesOf(first.value, chunks), readerMs);
    return;
  }
  // Whatever follows JSON is nothing; reading it to the end closes the books.
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next());
  const events = asked.stream && asked.relay?.path === '/audio/transcriptions' ? transcriptEvents(text) : undefined;
  const told = events ?? asClientsRead(asked, text);
  const contentType = events === undefined ? 'application/json; charset=utf-8' : 'text/event-stream; charset=utf-8';
  response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(told), ...headersOf(certain), ...moneyHeaders(certain, gateway) });
  endSoon(response, readerMs, told);
}

/** The same text, but where clients would misread it. */
function asClientsRead({ surface, body }: ChatRequest, text: string): string {
  if (surface === 'embeddings') return inFormat(text, body['encoding_format']);
  return surface === 'moderations' ? withFlags(text) : text;
}

async function* bytesOf(first: ChatChunk, rest: AsyncIterator<ChatChunk>): AsyncGenerator<Uint8Array> {
  try {
    for (let next: IteratorResult<ChatChunk> = { value: first }; next.done !== true; next = await rest.next()) if (next.value.raw !== undefined) yield next.value.raw.bytes;
  } finally {
    await rest.return?.();
  }
}
