/** Server-sent events to a client that may read slowly, or leave. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Aborts when the client closes the connection before the answer is whole. */
export function leaving(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
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
