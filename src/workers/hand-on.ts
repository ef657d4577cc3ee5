/** What is none of a worker's business goes to the owner as it came, and its answer to the client as it comes. */
import { Agent, request as ask } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler, Response } from 'express';
import { FailureError } from '../failure.ts';
import { requestIdOf } from '../http/entrance.ts';
import { createInFlight } from '../in-flight.ts';

/** Where the client is, for the owner alone: what a client says under this name is left out. */
export const CLIENT_ADDRESS = 'x-tollfree-client-address';

export interface HandOn {
  /** Keeps what is read of a body, after the entrance: it may have to go on. */
  readonly keep: RequestHandler;
  /** It will not: the request is answered here. */
  readonly drop: (id: string) => void;
  readonly pass: RequestHandler;
}

interface Kept {
  readonly chunks: Buffer[];
  readonly take: (chunk: Buffer) => void;
}

export function createHandOn(socketPath: string): HandOn {
  const agent = new Agent({ keepAlive: true });
  const bodies = createInFlight<Kept>();
  return {
    keep(request, response, next) {
      const id = requestIdOf(response);
      const chunks: Buffer[] = [];
      const kept: Kept = { chunks, take: (chunk) => void chunks.push(chunk) };
      bodies.set(id, kept);
      request.on('data', kept.take);
      response.once('close', () => void bodies.take(id));
      next();
    },
    drop(id) {
      const kept = bodies.take(id);
      if (kept !== undefined) kept.chunks.length = 0;
    },
    pass(request, response, next) {
      const kept = bodies.take(requestIdOf(response));
      if (kept !== undefined) request.removeListener('data', kept.take);
      const onward = ask({ agent, socketPath, method: request.method, path: request.originalUrl, headers: onwardHeaders(request) });
      onward.once('response', (answer) => tellOn(answer, request, response));
      onward.once('error', () => {
        if (response.headersSent) response.destroy();
        else next(new FailureError({ kind: 'shutting-down', message: 'this server is starting or shutting down; ask again in a moment' }));
      });
      // Once the owner has answered it may close over what is left of the question.
      onward.on('error', () => undefined);
      response.once('close', () => {
        if (!response.writableFinished || !onward.writableFinished) onward.destroy();
      });
      for (const chunk of kept?.chunks ?? []) onward.write(chunk);
      if (request.readableEnded) onward.end();
      else request.pipe(onward);
    },
  };
}

/** Connections are each side's own. */
const OWN_MATTER = /^(?:connection|keep-alive)$/i;

function onwardHeaders({ rawHeaders, socket }: IncomingMessage): string[] {
  const mine = pairs(rawHeaders).filter(([name]) => name.toLowerCase() !== CLIENT_ADDRESS);
  return [...mine.flat(), CLIENT_ADDRESS, socket.remoteAddress ?? ''];
}

function tellOn(answer: IncomingMessage, request: IncomingMessage, response: Response): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  // As tellError has it: closing over unread bytes would reset the connection before the client has read why.
  const over = request.complete ? [] : ['connection', 'close'];
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [...pairs(answer.rawHeaders).flat(), ...over]);
  // A stream may have nothing to say for a while.
  response.flushHeaders();
  answer.once('error', () => response.destroy());
  answer.pipe(response);
}

function pairs(rawHeaders: readonly string[]): (readonly [name: string, value: string])[] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 && !OWN_MATTER.test(name) ? [[name, rawHeaders[index + 1] ?? ''] as const] : []));
}
