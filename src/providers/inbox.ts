/** Bytes that have come and were not read yet: pushed in by the socket, pulled out by one reader. */

export interface Inbox {
  readonly bytes: AsyncIterable<Uint8Array>;
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
const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

interface State {
  /** Bytes. */
  held: number;
  received: number;
  lastByteAt?: number;
  end?: { readonly failure: Error | undefined };
  discarding: boolean;
  /** The one reader, where it waits. */
  waiting?: { readonly resolve: (next: IteratorResult<Uint8Array>) => void; readonly reject: (failure: Error) => void } | undefined;
}

export function createInbox({ pause, resume, leave }: InboxOptions): Inbox {
  const chunks: Uint8Array[] = [];
  const state: State = { held: 0, received: 0, discarding: false };
  /** What the reader gets now; undefined: it has to wait. */
  const ready = (): IteratorResult<Uint8Array> | undefined => {
    const chunk = chunks.shift();
    if (chunk !== undefined) {
      letGo(chunk.length);
      return { done: false, value: chunk };
    }
    if (state.end?.failure !== undefined) throw state.end.failure;
    return state.end !== undefined || state.discarding ? DONE : undefined;
  };
  const wake = (): void => {
    const { waiting } = state;
    if (waiting === undefined) return;
    state.waiting = undefined;
    try {
      const next = ready();
      if (next === undefined) state.waiting = waiting;
      else waiting.resolve(next);
    } catch (failure) {
      waiting.reject(failure as Error);
    }
  };
  const letGo = (bytes: number): void => {
    const wasFull = state.held > HIGH_WATER;
    state.held -= bytes;
    if (wasFull && state.held <= HIGH_WATER) resume();
  };

  const iterator: AsyncIterator<Uint8Array> = {
    next() {
      return new Promise((resolve, reject) => {
        state.waiting = { resolve, reject };
        wake();
      });
    },
    return() {
      if (state.end === undefined && !state.discarding) leave();
      return Promise.resolve(DONE);
    },
  };

  return {
    bytes: { [Symbol.asyncIterator]: () => iterator },
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
