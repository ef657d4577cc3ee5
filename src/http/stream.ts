/** Server-sent events to a client that may read slowly, or leave. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** The requests being answered now. */
export interface LiveRequests {
  /** Aborts when the client closes the connection before the answer is whole, when its key is revoked, or when everything ends. */
  readonly watch: (response: ServerResponse, revoked: AbortSignal) => AbortSignal;
  readonly count: () => number;
  /** Ends all of them with this reason. */
  readonly endAll: (reason: Error) => void;
}

export function createLiveRequests(): LiveRequests {
  const live = new Set<AbortController>();
  return {
    watch(response, revoked) {
      const controller = new AbortController();
      const expel = (): void => controller.abort(revoked.reason);
      live.add(controller);
      revoked.addEventListener('abort', expel, { once: true });
      response.once('close', () => {
        live.delete(controller);
        revoked.removeEventListener('abort', expel);
        if (!response.writableFinished) controller.abort();
      });
      return controller.signal;
    },
    count: () => live.size,
    endAll: (reason) => live.forEach((controller) => controller.abort(reason)),
  };
}

/** Writes frames as they come; where the client reads slower than they come, upstream is read slower too. */
export async function writeFrames(response: ServerResponse, frames: AsyncIterable<string>): Promise<void> {
  for await (const frame of frames) {
    if (response.destroyed) return;
    if (!response.write(frame)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
}

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx buffers event streams unless told not to.
  'x-accel-buffering': 'no',
} as const;
