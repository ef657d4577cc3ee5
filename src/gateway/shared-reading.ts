/** One answer read by several: each from its start and at its own pace, upstream as fast as the fastest. */
import { whyLeft } from '../failure.ts';
import type { AbortSignalLike, ChatChunk } from '../types.ts';

export interface SharedReading {
  /** Throws what broke the source, and why its own reader left. Leaving ends nobody else's. */
  readonly read: (signal: AbortSignalLike) => AsyncGenerator<ChatChunk>;
}

/** `ended` is told all of it where it ended well, and nothing where it broke. */
export function shareReading(chunks: AsyncIterable<ChatChunk>, ended: (whole?: readonly ChatChunk[]) => void): SharedReading {
  const source = chunks[Symbol.asyncIterator]();
  const read: ChatChunk[] = [];
  const waiting = new Set<() => void>();
  const state: { pulling: boolean; end?: { readonly error?: unknown } } = { pulling: false };

  const close = (end: { readonly error?: unknown }): void => {
    if (state.end !== undefined) return;
    state.end = end;
    ended('error' in end ? undefined : read);
  };
  const take = ({ done, value }: IteratorResult<ChatChunk, unknown>): void => {
    if (done === true) return close({});
    read.push(value);
    // Who asked for JSON reads no further than this.
    if (value.whole) close({});
  };
  const pull = (): void => {
    if (state.pulling) return;
    state.pulling = true;
    void source.next().then(take, (error: unknown) => close({ error })).finally(() => {
      state.pulling = false;
      waiting.forEach((wake) => wake());
      waiting.clear();
    });
  };
  const more = (signal: AbortSignalLike): Promise<void> => new Promise((resolve) => {
    const wake = (): void => {
      signal.removeEventListener('abort', wake);
      resolve();
    };
    waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    pull();
  });

  return {
    async *read(signal) {
      for (let place = 0; ;) {
        if (signal.aborted) throw whyLeft(signal);
        const next = read[place];
        if (next !== undefined) {
          place += 1;
          yield next;
        } else if (state.end === undefined) await more(signal);
        else if ('error' in state.end) throw state.end.error;
        else return;
      }
    },
  };
}
