/**
 * An answer as a list of steps on the wire. Faults rewrite the list; the player performs it.
 */
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import type { Frame, Headers, Part, Reply } from './types.ts';

export type Step =
  | { readonly do: 'head'; readonly status: number; readonly headers: Headers }
  | { readonly do: 'write'; readonly part: Part; readonly bytes: Buffer }
  /** Straight onto the socket, beneath HTTP. */
  | { readonly do: 'raw'; readonly bytes: Buffer }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'end' }
  /** Nothing more, and the connection stays open. */
  | { readonly do: 'hang' }
  /** The connection ends, whole answer or not. */
  | { readonly do: 'close' }
  | { readonly do: 'reset' };

export const write = (part: Part, text: string): Step => ({ do: 'write', part, bytes: Buffer.from(text) });

const event = (frame: Frame): string => {
  if (frame.part === 'comment') return `: ${String(frame.data)}\n\n`;
  return `data: ${frame.part === 'done' ? '[DONE]' : JSON.stringify(frame.data)}\n\n`;
};

/** A JSON object, or a text or bytes as they are. */
export function replyScript({ status, headers = {}, body }: Reply): Step[] {
  const plain = typeof body === 'string' || body instanceof Uint8Array;
  const bytes = Buffer.from(plain ? body : JSON.stringify(body));
  const type = plain ? 'text/plain; charset=utf-8' : 'application/json';
  return [
    { do: 'head', status, headers: { 'content-type': type, 'content-length': String(bytes.length), ...headers } },
    ...(bytes.length === 0 ? [] : [{ do: 'write', part: 'body', bytes } as const]),
    { do: 'end' },
  ];
}

/** Server-sent events, `tokenMs` apart. */
export function streamScript(frames: readonly Frame[], headers: Headers, tokenMs: number): Step[] {
  const steps = frames.flatMap((frame): Step[] => [
    ...(tokenMs > 0 && frame.part === 'content' ? [{ do: 'wait', ms: tokenMs } as const] : []),
    write(frame.part, event(frame)),
  ]);
  return [{ do: 'head', status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', ...headers } }, ...steps, { do: 'end' }];
}

/** What the player tells while it performs. */
export interface Progress {
  readonly sent: (status: number) => void;
  readonly wrote: (part: Part | undefined, bytes: number) => void;
}

/**
 * Performs the steps. Resolves `finished` when the list is at its end, `left` when the other side went away first.
 * A hanging script resolves only when the other side leaves.
 */
export async function play(steps: Iterable<Step>, response: ServerResponse, progress: Progress): Promise<'finished' | 'left'> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    for (const step of steps) {
      if (response.destroyed) return 'left';
      await perform(step, response, progress, gone.signal);
    }
    return 'finished';
  } catch (error) {
    if (gone.signal.aborted) return 'left';
    throw error;
  }
}

/** Headers wait for the first bytes to share their segment; whoever writes none must send them off. */
const flush = (response: ServerResponse): void => {
  if (response.headersSent) response.flushHeaders();
};

async function perform(step: Step, response: ServerResponse, progress: Progress, gone: AbortSignal): Promise<void> {
  const { socket } = response;
  switch (step.do) {
    case 'head':
      response.writeHead(step.status, step.headers);
      progress.sent(step.status);
      return;
    case 'write':
      if (!response.write(step.bytes)) await drained(response, gone);
      progress.wrote(step.part, step.bytes.length);
      return;
    case 'raw':
      flush(response);
      socket?.write(step.bytes);
      progress.wrote(undefined, step.bytes.length);
      return;
    case 'wait':
      flush(response);
      // Zero still lets what was written leave in a segment of its own.
      await (step.ms > 0 ? delay(step.ms, undefined, { signal: gone }) : setImmediate(undefined, { signal: gone }));
      return;
    case 'end':
      response.end();
      return;
    case 'hang':
      flush(response);
      await aborted(gone);
      return;
    case 'close':
      flush(response);
      socket?.end();
      return;
    case 'reset':
      flush(response);
      socket?.resetAndDestroy();
      return;
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Error('the client left'));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
  });

const drained = (response: ServerResponse, gone: AbortSignal): Promise<void> =>
  Promise.race([new Promise<void>((resolve) => void response.once('drain', resolve)), aborted(gone)]);
