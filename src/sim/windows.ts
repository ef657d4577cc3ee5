/**
 * The three ways providers count, each as a counter of one window. Amounts may be corrected after the fact; a
 * corrected window may be over its limit, as at the real ones.
 */
import type { WindowLimit } from '../types.ts';
import { nextReset } from './calendar.ts';

export interface Counter {
  /** What counts against the limit at `at`. */
  readonly used: (at: number) => number;
  /** Milliseconds from `at` until `amount` more fits. Infinity where it never can. */
  readonly wait: (at: number, amount: number) => number;
  /** Counts `amount` at `at`; the returned function corrects it to another amount. */
  readonly add: (at: number, amount: number) => (correction: number) => void;
  /** Milliseconds from `at` until nothing counts any more. */
  readonly reset: (at: number) => number;
}

export function createCounter(window: WindowLimit): Counter {
  switch (window.kind) {
    case 'rolling':
      return rolling(window);
    case 'refill':
      return refill(window);
    case 'calendar':
      return calendar(window);
  }
}

/** Each amount counts for exactly the window's length. */
function rolling({ limit, seconds }: WindowLimit): Counter {
  const length = seconds * 1000;
  const entries: { readonly at: number; amount: number; counts: boolean }[] = [];
  let sum = 0;
  const prune = (at: number): void => {
    const live = entries.findIndex((entry) => entry.at + length > at);
    for (const entry of entries.splice(0, live === -1 ? entries.length : live)) {
      sum -= entry.amount;
      entry.counts = false;
    }
  };
  return {
    used: (at) => {
      prune(at);
      return sum;
    },
    wait: (at, amount) => {
      prune(at);
      if (amount > limit) return Infinity;
      let left = sum + amount - limit;
      for (const entry of entries) {
        if (left <= 0) break;
        left -= entry.amount;
        if (left <= 0) return entry.at + length - at;
      }
      return 0;
    },
    add: (at, amount) => {
      const entry = { at, amount, counts: true };
      entries.push(entry);
      sum += amount;
      return (correction) => {
        if (entry.counts) sum += correction - entry.amount;
        entry.amount = correction;
      };
    },
    reset: (at) => {
      prune(at);
      const last = entries.at(-1);
      return last === undefined ? 0 : last.at + length - at;
    },
  };
}

/** A bucket that empties evenly: what is used falls by the whole limit in the window's length. */
function refill({ limit, seconds }: WindowLimit): Counter {
  const length = seconds * 1000;
  let level = 0;
  let since = 0;
  const used = (at: number): number => {
    level = Math.max(0, level - (Math.max(0, at - since) * limit) / length);
    since = Math.max(since, at);
    return level;
  };
  return {
    used,
    wait: (at, amount) => (amount > limit ? Infinity : Math.max(0, ((used(at) + amount - limit) / limit) * length)),
    add: (at, amount) => {
      level = used(at) + amount;
      let counted = amount;
      return (correction) => {
        level = Math.max(0, level + correction - counted);
        counted = correction;
      };
    },
    reset: (at) => (used(at) / limit) * length,
  };
}

/** Everything counts until the turn of the minute, hour, day or month. */
function calendar({ limit, seconds, timeZone }: WindowLimit): Counter {
  let sum = 0;
  let resetAt = 0;
  const turn = (at: number): void => {
    if (at < resetAt) return;
    sum = 0;
    resetAt = nextReset(at, seconds, timeZone);
  };
  return {
    used: (at) => {
      turn(at);
      return sum;
    },
    wait: (at, amount) => {
      turn(at);
      if (amount > limit) return Infinity;
      return sum + amount > limit ? resetAt - at : 0;
    },
    add: (at, amount) => {
      turn(at);
      sum += amount;
      const period = resetAt;
      let counted = amount;
      return (correction) => {
        if (period === resetAt) sum += correction - counted;
        counted = correction;
      };
    },
    reset: (at) => {
      turn(at);
      return resetAt - at;
    },
  };
}
