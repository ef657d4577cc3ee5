/** The socket: bounds on what may come in, and an orderly end. */
import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Express } from 'express';
import { FailureError } from '../failure.ts';
import type { LiveRequests } from '../http/stream.ts';

/** `path`: a socket of this machine's. */
type Address = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Stops accepting at once, lets streams finish for so long, then ends the rest with an error they can read. */
  readonly drain: (milliseconds: number) => Promise<void>;
}

export type ListenOptions = Address & {
  /** From the first byte of a request to its last. */
  readonly uploadMs: number;
  /** Done with a request before anything else. */
  readonly first?: (request: IncomingMessage, response: ServerResponse) => void;
};

/** A client that dribbles its headers is cut within this time plus one check. */
const HEADERS_MS = 15_000;
const CHECK_MS = 5_000;
/** Longer than the 60 s after which load balancers give up an idle connection, so that they and not we close it. */
const KEEP_ALIVE_MS = 75_000;

export async function listen(app: Express, live: LiveRequests, { uploadMs, first, ...at }: ListenOptions): Promise<Listening> {
  const server = createServer(
    {
      ...classesOf(app),
      // Node wants the headers before the whole.
      headersTimeout: Math.min(HEADERS_MS, uploadMs),
      requestTimeout: uploadMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, uploadMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    app,
  );
  const silent = silentConnections(server);
  if (first !== undefined) server.prependListener('request', first);
  server.listen(at);
  await once(server, 'listening');
  const listening = server.address() as AddressInfo | string;
  const { address, port } = typeof listening === 'string' ? { address: listening, port: 0 } : listening;
  return { host: address, port, drain: (milliseconds) => drain({ server, live, silent, milliseconds }) };
}

/**
 * Express changes the prototype of every request and response, which makes V8 give up optimising them: 50 µs each. Where the
 * prototype it wants is the one they were made with, there is nothing to change. Subclasses, and no functions that only have
 * that prototype: V8 gives those room for too few properties, and turns each into a dictionary.
 */
function classesOf(app: Express): { readonly IncomingMessage: typeof IncomingMessage; readonly ServerResponse: typeof ServerResponse } {
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage> extends ServerResponse<R> {}
  app.request = Object.setPrototypeOf(AppRequest.prototype, app.request) as typeof app.request;
  app.response = Object.setPrototypeOf(AppResponse.prototype, app.response) as typeof app.response;
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}

/** Connections that have asked nothing yet: browsers open them ahead of need, and Node counts them neither as idle nor as busy. */
function silentConnections(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => void silent.delete(socket));
  return silent;
}

interface Draining {
  readonly server: Server;
  readonly live: LiveRequests;
  readonly silent: ReadonlySet<Socket>;
  readonly milliseconds: number;
}

async function drain({ server, live, silent, milliseconds }: Draining): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of silent) socket.destroy();
  server.closeIdleConnections();
  const late = setTimeout(() => {
    live.endAll(new FailureError({ kind: 'shutting-down', message: 'this server is shutting down; ask again in a moment' }));
    // One more second, for the error events to be read.
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  }, milliseconds);
  // A kept-alive connection becomes idle only when its answer has ended.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(late);
  clearInterval(idle);
}
