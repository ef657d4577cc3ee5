/** One request and its answer over undici, as an async iterable with back-pressure, deadlines and an end that is certain. */
import type { Dispatcher, Pool } from 'undici';
import { FailureError } from '../failure.ts';
import type { Clock } from '../types.ts';
import type { CallOptions, HttpAnswer } from './call.ts';
import type { HttpRequest } from './dialect.ts';
import { transportFailure } from './transport-failure.ts';
import type { Watch } from './watch.ts';

export interface ExchangeOptions extends CallOptions {
  readonly pool: Pool;
  readonly url: URL;
  readonly request: HttpRequest;
  readonly userAgent: string;
  readonly watch: Watch;
  readonly now: Clock;
}

/** Bytes held for a reader that is slower than upstream: what two sockets hold anyway. */
const HIGH_WATER = 64 * 1024;
/** Enough for the last chunk's frame after the end of the answer; more is not worth a connection. */
const DRAIN_BYTES = 16 * 1024;
const DRAIN_MS = 500;

interface Body {
  readonly chunks: Uint8Array[];
  held: number;
  ended: boolean;
  failure?: Error;
  /** Wakes the one reader. */
  wake?: () => void;
  lastByteAt?: number;
  draining: boolean;
  drained: number;
}

/** Resolves when the answer's headers are here. */
export function createExchange(options: ExchangeOptions, signal: AbortSignal): Promise<HttpAnswer> {
  const { pool, url, request, userAgent } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(reasonOf(signal, url.host));
    const body: Body = { chunks: [], held: 0, ended: false, draining: false, drained: 0 };
    const state: { controller?: Dispatcher.DispatchController; begun: boolean; over: boolean; unwatch?: () => void } = { begun: false, over: false };

    const finish = (failure?: Error): void => {
      if (state.over) return;
      state.over = true;
      state.unwatch?.();
      signal.removeEventListener('abort', onAbort);
      body.ended = true;
      if (failure !== undefined) body.failure = failure;
      if (!state.begun && failure !== undefined) reject(failure);
      body.wake?.();
    };
    const cut = (failure: Error): void => {
      finish(failure);
      state.controller?.abort(failure);
    };
    const onAbort = (): void => cut(reasonOf(signal, url.host));
    signal.addEventListener('abort', onAbort, { once: true });

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        state.controller = controller;
        if (state.over) controller.abort(body.failure ?? new Error('left'));
      },
      onResponseStart(controller, status, headers) {
        if (status < 200 || state.over) return;
        state.begun = true;
        state.unwatch = watchSilence(options, body, controller, cut);
        resolve({ status, headers, bytes: iterate(body, controller, cut), drain: () => drain(options, body, controller, cut) });
      },
      onResponseData(controller, chunk) {
        body.lastByteAt = options.now();
        if (body.draining) {
          body.drained += chunk.length;
          if (body.drained > DRAIN_BYTES) cut(new Error('more than a tail was left'));
          return;
        }
        body.chunks.push(chunk);
        body.held += chunk.length;
        if (body.held > HIGH_WATER) controller.pause();
        body.wake?.();
      },
      onResponseEnd: () => finish(),
      onResponseError: (_controller, error) => finish(transportFailure(error, { host: url.host, begun: state.begun })),
    };
    pool.dispatch({ method: request.method, path: url.pathname + url.search, headers: { ...request.headers, 'user-agent': userAgent, 'accept-encoding': 'identity' }, body: request.body ?? null }, handler);
  });
}

/** Silence counts from the first byte on: before it, the caller's own deadlines do. */
function watchSilence({ watch, stallMs, url }: ExchangeOptions, body: Body, controller: Dispatcher.DispatchController, cut: (failure: Error) => void): () => void {
  return watch.add((time) => {
    if (controller.paused || body.held > 0) body.lastByteAt = time;
    const silentFor = body.lastByteAt === undefined ? 0 : time - body.lastByteAt;
    if (silentFor > stallMs) cut(new FailureError({ kind: 'silent', phase: 'stall', message: `${url.host} fell silent for ${Math.round(stallMs / 1000)} s in the middle of its answer` }));
  });
}

function iterate(body: Body, controller: Dispatcher.DispatchController, cut: (failure: Error) => void): AsyncIterable<Uint8Array> {
  const take = (): IteratorResult<Uint8Array> | undefined => {
    const chunk = body.chunks.shift();
    if (chunk === undefined) return undefined;
    body.held -= chunk.length;
    if (body.held === 0 && controller.paused) controller.resume();
    return { done: false, value: chunk };
  };
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const chunk = take();
        if (chunk !== undefined) return chunk;
        if (body.failure !== undefined) throw body.failure;
        if (body.ended || body.draining) return { done: true, value: undefined };
        await new Promise<void>((wake) => {
          body.wake = wake;
        });
      }
    },
    return() {
      if (!body.ended && !body.draining) cut(new Error('nobody reads on'));
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function drain({ watch, now }: ExchangeOptions, body: Body, controller: Dispatcher.DispatchController, cut: (failure: Error) => void): void {
  if (body.ended || body.draining) return;
  body.draining = true;
  body.drained = body.held;
  body.chunks.length = 0;
  body.held = 0;
  if (controller.paused) controller.resume();
  body.wake?.();
  const until = now() + DRAIN_MS;
  const unwatch = watch.add((time) => {
    if (time > until && !body.ended) cut(new Error('the end did not come'));
    if (body.ended) unwatch();
  });
}

/** What the caller aborted with, where it is a failure of its own, e.g. a deadline. */
function reasonOf(signal: AbortSignal, host: string): FailureError {
  const reason: unknown = signal.reason;
  if (reason instanceof FailureError) return reason;
  const late = typeof reason === 'object' && reason !== null && 'name' in reason && reason.name === 'TimeoutError';
  return new FailureError(late ? { kind: 'silent', phase: 'total', message: `${host} did not end its answer in time` } : { kind: 'cancelled', message: 'the caller left' });
}

