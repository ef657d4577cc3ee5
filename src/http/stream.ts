/** Server-sent events to a client that may read slowly, or leave. */
import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createAbort } from '../abort.ts';
import type { Abort } from '../abort.ts';
import { createInFlight } from '../in-flight.ts';
import { readEach, sourceOf } from '../source.ts';
import type { AbortSignalLike } from '../types.ts';

/** The requests being answered now. */
export interface LiveRequests {
  /** Aborts when the client closes the connection before the answer is whole, when its key is revoked, or when everything ends. */
  readonly watch: (response: ServerResponse, revoked: AbortSignalLike) => AbortSignalLike;
  readonly count: () => number;
  /** Ends all of them with this reason. */
  readonly endAll: (reason: Error) => void;
}

export function createLiveRequests(): LiveRequests {
  const live = createInFlight<Abort>();
  return {
    watch(response, revoked) {
      const controller = createAbort();
      const expel = (): void => controller.abort(revoked.reason);
      const end = live.add(controller);
      revoked.addEventListener('abort', expel, { once: true });
      response.once('close', () => {
        end();
        revoked.removeEventListener('abort', expel);
        if (!response.writableFinished) controller.abort();
      });
      return controller.signal;
    },
    count: live.count,
    endAll: (reason) => live.items().forEach((controller) => controller.abort(reason)),
  };
}

/** Writes frames as they come, then ends; where the client reads slower than they come, upstream is read slower too. One that takes nothing for `readerMs` is cut. */
export function writeFrames(response: ServerResponse, frames: AsyncIterable<string | Uint8Array>, readerMs: number): Promise<void> {
  const state = { begun: false };
  return readEach(sourceOf(frames), {
    item(frame) {
      if (response.destroyed) return false;
      const takesMore = response.write(frame);
      // Node holds back what is written within one turn. Of fifty events that came at once the first would wait for all: half a millisecond.
      if (!state.begun) response.socket?.uncork();
      state.begun = true;
      return takesMore ? undefined : drained(response, readerMs);
    },
    end: () => endSoon(response, readerMs),
  });
}

/** Ends the response; what is left of it by then must be on its way, or the reader is cut. */
export function endSoon(response: ServerResponse, readerMs: number, text?: string): void {
  response.end(text);
  // What the system has taken in whole needs no watching: a timer for each response would cost 3 µs.
  if ((response.socket?.writableLength ?? 0) > 0) response.setTimeout(readerMs, () => response.destroy());
}

async function drained(response: ServerResponse, readerMs: number): Promise<void> {
  const over = new AbortController();
  const slow = setTimeout(() => response.destroy(), readerMs);
  try {
    await Promise.race([once(response, 'drain', over), once(response, 'close', over)]);
  } finally {
    clearTimeout(slow);
    over.abort();
  }
}

export interface HeartbeatOptions {
  /** Milliseconds between two looks; a stream that was idle in between gets a comment. */
  readonly everyMs: number;
  /** Until then a status is owed: no comment opens the stream before. Infinity: never. */
  readonly openAfterMs: number;
  readonly now: () => number;
  /** What the stream is opened with. */
  readonly head: OutgoingHttpHeaders;
}

/** Comments into an idle event stream: proxies cut connections on which nothing moves. Returns its end. */
export function startHeartbeat(response: ServerResponse, { everyMs, openAfterMs, now, head }: HeartbeatOptions): () => void {
  const startedAt = now();
  const seen = { bytes: 0 };
  const beat = (): void => {
    const bytes = response.socket?.bytesWritten ?? 0;
    const idle = bytes === seen.bytes && !response.writableNeedDrain && !response.writableEnded;
    seen.bytes = bytes;
    if (!response.headersSent && now() - startedAt >= openAfterMs) response.writeHead(200, head);
    else if (!response.headersSent || !idle) return;
    response.write(': keep-alive\n\n');
  };
  const timer = setInterval(beat, everyMs);
  return () => clearInterval(timer);
}

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers event streams unless told not to.
  'x-accel-buffering': 'no',
} as const;
