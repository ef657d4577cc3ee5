/** Bytes that have come and were not read yet: pushed in by the socket, pulled out by one reader. */
import { createSource, END } from '../source.ts';
import type { Source, Taken } from '../source.ts';

export interface Inbox {
  readonly bytes: Source<Uint8Array>;
  take(chunk: Uint8Array, now: number): void;
  /** Nothing more comes. What is held is still read, then the failure is thrown. */
  end(failure?: Error): void;
  readonly ended: () => boolean;
  /** Bytes so far. */
  readonly received: () => number;
  /** Since the last byte, while somebody waits for one. */
  silentFor(now: number): number;
  /** Reads no more, but lets the sender finish. False where it had. */
  discard(): boolean;
}

export interface InboxOptions {
  readonly pause: () => void;
  readonly resume: () => void;
  /** The reader left before the end. */
  readonly leave: () => void;
}

/** Held for a reader slower than its sender: what the two sockets in between hold anyway. */
const HIGH_WATER = 64 * 1024;

interface State {
  /** Bytes. */
  held: number;
  received: number;
  lastByteAt?: number;
  end?: { readonly failure: Error | undefined };
  discarding: boolean;
  /** The one reader, where it waits. */
  waiting?: (() => void) | undefined;
}

export function createInbox({ pause, resume, leave }: InboxOptions): Inbox {
  const chunks: Uint8Array[] = [];
  const state: State = { held: 0, received: 0, discarding: false };
  const next = (): Taken<Uint8Array> => {
    const chunk = chunks.shift();
    if (chunk !== undefined) {
      letGo(chunk.length);
      return chunk;
    }
    if (state.end?.failure !== undefined) throw state.end.failure;
    return state.end !== undefined || state.discarding ? END : undefined;
  };
  const wake = (): void => {
    const { waiting } = state;
    state.waiting = undefined;
    waiting?.();
  };
  const letGo = (bytes: number): void => {
    const wasFull = state.held > HIGH_WATER;
    state.held -= bytes;
    if (wasFull && state.held <= HIGH_WATER) resume();
  };

  const bytes = createSource<Uint8Array>({
    take: next,
    when(ready) {
      state.waiting = ready;
    },
    leave() {
      if (state.end === undefined && !state.discarding) leave();
    },
  });

  return {
    bytes,
    take(chunk, now) {
      state.lastByteAt = now;
      state.received += chunk.length;
      if (state.discarding) return;
      chunks.push(chunk);
      state.held += chunk.length;
      if (state.held > HIGH_WATER) pause();
      wake();
    },
    end(failure) {
      state.end = { failure };
      wake();
    },
    ended: () => state.end !== undefined,
    received: () => state.received,
    silentFor(now) {
      // The sender is not silent while it is we who do not read.
      if (state.held > 0) state.lastByteAt = now;
      return now - (state.lastByteAt ?? now);
    },
    discard() {
      if (state.end !== undefined) return false;
      state.discarding = true;
      chunks.length = 0;
      letGo(state.held);
      wake();
      return true;
    },
  };
}
