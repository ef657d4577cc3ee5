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
  wake?: (() => void) | undefined;
}

export function createInbox({ pause, resume, leave }: InboxOptions): Inbox {
  const chunks: Uint8Array[] = [];
  const state: State = { held: 0, received: 0, discarding: false };
  const wake = (): void => {
    state.wake?.();
    state.wake = undefined;
  };
  const letGo = (bytes: number): void => {
    const wasFull = state.held > HIGH_WATER;
    state.held -= bytes;
    if (wasFull && state.held <= HIGH_WATER) resume();
  };

  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          letGo(chunk.length);
          return { done: false, value: chunk };
        }
        if (state.end?.failure !== undefined) throw state.end.failure;
        if (state.end !== undefined || state.discarding) return DONE;
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
      }
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
