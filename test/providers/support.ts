/** Real servers of a few lines, and the nouns a call needs. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createHttp } from '../../src/providers/call.ts';
import type { Http } from '../../src/providers/call.ts';
import type { HttpRequest } from '../../src/providers/dialect.ts';
import type { Resolve } from '../../src/providers/destination.ts';
import { createSend } from '../../src/providers/send.ts';
import type { Account, ChatChunk, ChatRequest, Model, Outgoing, Provider, Send } from '../../src/types.ts';

export const model = (changes: Partial<Model> = {}): Model => ({
  name: 'vendor/model', aliases: [], capabilities: ['text_generation'], limits: { windows: [] }, price: { input: 0, output: 0 }, ...changes,
});

export const provider = (changes: Partial<Provider> = {}): Provider => ({
  name: 'groq', title: 'Groq', status: 'active', baseUrl: 'https://api.groq.com/openai/v1', dialect: 'openai', priority: 1, quotaScope: 'organization',
  limits: { windows: [] }, omit: [], rename: {}, headers: {}, models: [model()], ...changes,
});

export const request = (body: Readonly<Record<string, unknown>> = {}, changes: Partial<ChatRequest> = {}): ChatRequest => {
  const whole: Readonly<Record<string, unknown>> = { model: 'auto', messages: [{ role: 'user', content: 'hello' }], ...body };
  return {
    id: 'req_1', surface: 'chat', model: 'auto', stream: whole['stream'] === true, body: whole, text: { last: 'hello', earlier: [], system: '' }, needs: [], promptTokens: 8,
    caller: { key: 'local', project: 'local' }, receivedAt: 0, deadline: 30_000, priority: 5, ...changes,
  };
};

/** Parsed. */
export function jsonOf({ body }: HttpRequest): Readonly<Record<string, unknown>> {
  if (typeof body !== 'string') throw new Error('is no JSON');
  return JSON.parse(body) as Readonly<Record<string, unknown>>;
}

export const account = (changes: Partial<Account> = {}): Account => ({ id: 'a1', provider: 'groq', label: 'work', enabled: true, origin: 'https://api.groq.com', ...changes });

export const KEY = 'gsk_canary0123456789abcdef';

export interface Harness {
  readonly http: Http;
  readonly send: Send;
  readonly close: () => Promise<void>;
}

export function harness({ key = KEY, resolve }: { readonly key?: string; readonly resolve?: Resolve } = {}): Harness {
  const http = createHttp({ now: Date.now, userAgent: 'tollfree/0.0.0', ...(resolve !== undefined && { resolve }) });
  return { http, send: createSend({ http, credentialOf: () => key, now: Date.now }), close: () => http.close() };
}

/** One call to a server on this machine. */
export function outgoing(origin: string, body: Readonly<Record<string, unknown>> = {}, changes: Partial<Outgoing> = {}): Outgoing {
  return { request: request(body), target: { provider: provider({ baseUrl: `${origin}/v1` }), model: model() }, account: account({ origin }), stallMs: 20_000, ...changes };
}

export interface Running {
  readonly origin: string;
  readonly stop: () => Promise<void>;
}

export type Listener = (incoming: IncomingMessage, response: ServerResponse, body: string) => void;

/** Answers when the request's body is whole. */
export async function serve(listener: Listener): Promise<Running> {
  const server = createServer((incoming, response) => {
    const parts: string[] = [];
    incoming.on('data', (part) => parts.push(String(part))).on('end', () => listener(incoming, response, parts.join('')));
  });
  const { origin, stop } = await running(server);
  return {
    origin,
    stop() {
      server.closeAllConnections();
      return stop();
    },
  };
}

/** Speaks bytes, not HTTP. */
export async function serveBytes(onConnection: (socket: Socket) => void): Promise<Running> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onConnection(socket);
  });
  const { origin, stop } = await running(server);
  return {
    origin,
    stop() {
      for (const socket of sockets) socket.destroy();
      return stop();
    },
  };
}

async function running(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

export async function all(chunks: AsyncIterable<ChatChunk>): Promise<ChatChunk[]> {
  const found: ChatChunk[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return found;
}
