/** One request and its answer over undici: the body as a source with back-pressure, a stall deadline and a certain end. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { FailureError } from '../failure.ts';
import type { AbortSignalLike, Clock } from '../types.ts';
import type { HttpAnswer } from './call.ts';
import type { Connections } from './connections.ts';
import { decoded, tooMuch } from './decoded.ts';
import type { HttpRequest } from './dialect.ts';
import { createInbox } from './inbox.ts';
import type { Inbox } from './inbox.ts';
import { transportFailure } from './transport-failure.ts';
import type { Whereabouts } from './transport-failure.ts';
import type { Watch } from './watch.ts';

/** A destination that was judged. */
export interface Place {
  readonly host: string;
  readonly origin: string;
  readonly path: string;
  readonly connections: Connections;
}

export interface ExchangeOptions {
  readonly place: Place;
  readonly request: HttpRequest;
  readonly userAgent: string;
  readonly watch: Watch;
  readonly now: Clock;
  /** The longest silence between two bytes of the body, milliseconds. */
  readonly stallMs: number;
  /** On the wire, and after decompression. */
  readonly mostBytes: number;
}

/** Enough for the frame after the last word; more is not worth a connection. */
const DRAIN_MS = 500;

/** Resolves when the answer's headers are here; throws a FailureError when none come. */
export function exchange(options: ExchangeOptions, signal: AbortSignalLike): Promise<HttpAnswer> {
  const { place, request, userAgent, watch, now, stallMs, mostBytes } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(reasonOf(signal, place.host));
    const headers = { 'user-agent': '', 'accept-encoding': '', ...request.headers };
    headers['user-agent'] = userAgent;
    headers['accept-encoding'] = 'identity';
    const handler = createHandler({ place, watch, now, stallMs, mostBytes, resolve, reject }, signal);
    place.connections.dispatch({ method: request.method, path: place.path, headers, body: bodyOf(request) }, handler);
  });
}

/** The handler lives until the answer ends, and with it all that it can see. That is not the question, which can be megabytes. */
interface Expected extends Omit<ExchangeOptions, 'request' | 'userAgent'> {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

function createHandler({ place, watch, now, stallMs, mostBytes, resolve, reject }: Expected, signal: AbortSignalLike): Dispatcher.DispatchHandler {
  const state: { controller?: Dispatcher.DispatchController; inbox?: Inbox; over?: { failure: Error | undefined }; unwatch?: () => unknown } = {};

  const finish = (failure?: Error): void => {
    if (state.over !== undefined) return;
    state.over = { failure };
    state.unwatch?.();
    signal.removeEventListener('abort', leave);
    if (state.inbox !== undefined) state.inbox.end(failure);
    else if (failure !== undefined) reject(failure);
  };
  const cut = (failure: Error): void => {
    finish(failure);
    state.controller?.abort(failure);
  };
  const leave = (): void => cut(reasonOf(signal, place.host));
  signal.addEventListener('abort', leave, { once: true });
  const made = place.connections.made();

  return {
    onRequestStart(controller) {
      state.controller = controller;
      // Left while still connecting: nothing has been sent, and nothing will be.
      if (state.over !== undefined) controller.abort(state.over.failure ?? new Error('left'));
    },
    onResponseStart(controller, status, headers) {
      if (status < 200) return;
      const inbox = createInbox({ pause: () => controller.pause(), resume: () => controller.resume(), leave: () => cut(new Error('nobody reads on')) });
      state.inbox = inbox;
      state.unwatch = watchSilence({ watch, stallMs, place }, inbox, cut);
      resolve({ status, headers, bytes: decoded(inbox.bytes, headers, { host: place.host, most: mostBytes }), drain: () => drain({ watch, now }, inbox, cut) });
    },
    onResponseData(_controller, chunk) {
      state.inbox?.take(chunk, now());
      if ((state.inbox?.received() ?? 0) > mostBytes) cut(tooMuch(place.host, mostBytes));
    },
    onResponseEnd: () => finish(),
    onResponseError: (_controller, error) => finish(transportFailure(error, { host: place.host, phase: phaseOf(state), kept: () => place.connections.wasKept(error, made) })),
  };
}

/** Read as fast as the connection takes it: bytes, not objects, are what its buffer counts. */
function bodyOf({ body }: HttpRequest): string | Readable | null {
  return body === undefined || typeof body === 'string' ? (body ?? null) : Readable.from(body, { objectMode: false });
}

function phaseOf({ controller, inbox }: { readonly controller?: unknown; readonly inbox?: unknown }): Whereabouts['phase'] {
  if (inbox !== undefined) return 'answering';
  return controller === undefined ? 'connecting' : 'sent';
}

/** Silence counts from the first byte on: before it, the caller's own deadlines do. What nobody reads is not silence. */
function watchSilence({ watch, stallMs, place }: Pick<ExchangeOptions, 'watch' | 'stallMs' | 'place'>, inbox: Inbox, cut: (failure: Error) => void): () => unknown {
  return watch.add((time) => {
    if (inbox.silentFor(time) <= stallMs) return;
    cut(new FailureError({ kind: 'silent', phase: 'stall', message: `${place.host} fell silent for ${Math.round(stallMs / 1000)} s in the middle of its answer` }));
  });
}

function drain({ watch, now }: Pick<ExchangeOptions, 'watch' | 'now'>, inbox: Inbox, cut: (failure: Error) => void): void {
  if (!inbox.discard()) return;
  const until = now() + DRAIN_MS;
  const unwatch = watch.add((time) => {
    if (time > until) cut(new Error('the end did not come'));
    if (inbox.ended()) unwatch();
  });
}

/** What the caller aborted with, where it is a failure of its own, e.g. a deadline. */
function reasonOf(signal: AbortSignalLike, host: string): FailureError {
  const reason: unknown = signal.reason;
  if (reason instanceof FailureError) return reason;
  const late = typeof reason === 'object' && reason !== null && 'name' in reason && reason.name === 'TimeoutError';
  return new FailureError(late ? { kind: 'silent', phase: 'total', message: `${host} did not end its answer in time` } : { kind: 'cancelled', message: 'the caller left' });
}
