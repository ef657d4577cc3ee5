/** A bucket that fills evenly: what is used fades at `limit` units per `spanMs`. */
import { type Counter, GUARD_MS } from './counter.ts';

/** `limit` is asked at every use, because facts change it and the rate hangs on it. */
export function createRefill(spanMs: number, limit: () => number): Counter {
  let guard = GUARD_MS;
  let level = 0;
  /** Up to when the bucket was credited. It lags behind by the guard, so jitter cannot make us count on more than upstream has refilled. */
  let creditedAt = 0;

  function credit(now: number): void {
    const upTo = now - guard;
    if (upTo <= creditedAt) return;
    level = Math.max(0, level - ((upTo - creditedAt) * limit()) / spanMs);
    creditedAt = upTo;
  }

  function clearsAt(now: number, ceiling: number): number {
    credit(now);
    if (level <= ceiling) return now;
    return Math.max(now, creditedAt + guard + ((level - ceiling) * spanMs) / limit());
  }

  return {
    used(now) {
      credit(now);
      return level;
    },
    before: () => 0,
    take(now, amount) {
      credit(now);
      // Upstream, ahead of us by the guard, may be empty already: what it cannot refill is not credited.
      creditedAt = Math.max(creditedAt, now - (level * spanMs) / limit());
      level += amount;
    },
    refund(now, _at, amount) {
      credit(now);
      level = Math.max(0, level - amount);
    },
    clearsAt,
    set(now, used) {
      credit(now);
      // Upstream counted at some moment before now and has refilled since: no lag is owed.
      creditedAt = now - guard;
      level = used;
    },
    wholeAt: (now) => clearsAt(now, 0),
    turnsAt: () => Number.POSITIVE_INFINITY,
    get guard() { return guard; },
    set guard(milliseconds) { guard = milliseconds; },
    save: () => [level, creditedAt],
    load(state, now) {
      [level = 0, creditedAt = 0] = state;
      creditedAt = Math.min(now, creditedAt);
    },
  };
}
