/** The ports the simulators listen on, some of which may be shut for a while. */
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls?: Certificate;
}

export interface Listener {
  readonly port: number;
  readonly origin: string;
  /** Shut, connections are refused; opened again, on the same port. */
  readonly open: (open: boolean) => Promise<void>;
}

/** Longer than any client keeps an idle connection: closing one just as it is used again would look like a fault. */
const KEEP_ALIVE_MS = 120_000;

export async function listen({ host, port, tls }: ListenOptions, serve: RequestListener): Promise<Listener> {
  const server: Server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('connection', (socket) => socket.setNoDelay(true));
  await bind(server, host, port);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    port: bound,
    origin: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    open: async (open) => {
      if (open === server.listening) return;
      await (open ? bind(server, host, bound) : shut(server));
    },
  };
}

const bind = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });

const shut = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
