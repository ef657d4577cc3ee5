/** A bucket that fills evenly: what is used fades at `limit` units per `spanMs`. */
import { type Coming, type Tally, sum } from './counter.ts';

/** `limit` is asked at every use, because facts change it and the rate hangs on it. */
export function createRefill(spanMs: number, limit: () => number): Tally {
  let level = 0;
  let creditedAt = 0;

  function credit(now: number): void {
    if (now <= creditedAt) return;
    level = Math.max(0, level - ((now - creditedAt) * limit()) / spanMs);
    creditedAt = now;
  }

  /** How long so much needs to fade. */
  const fading = (amount: number): number => (amount * spanMs) / limit();

  function clearsAt(now: number, ceiling: number, coming: readonly Coming[]): number {
    credit(now);
    let at = now;
    let fades = level;
    let waits = sum(coming);
    for (const next of coming) {
      const clears = at + Math.max(0, fading(fades + waits - ceiling));
      if (waits <= ceiling && clears <= next.at) return clears;
      fades = Math.max(0, fades - ((next.at - at) * limit()) / spanMs) + next.amount;
      waits -= next.amount;
      at = next.at;
    }
    return at + Math.max(0, fading(fades - ceiling));
  }

  return {
    used(now) {
      credit(now);
      return level;
    },
    before: () => 0,
    take(at, amount) {
      credit(at);
      level += amount;
    },
    refund(now, _at, amount) {
      credit(now);
      level = Math.max(0, level - amount);
    },
    delay(ms) {
      creditedAt += ms;
    },
    clearsAt,
    set(now, used) {
      credit(now);
      level = used;
    },
    wholeAt: (now, coming) => clearsAt(now, 0, coming),
    turnsAt: () => Number.POSITIVE_INFINITY,
    save: (coming) => [level + sum(coming), Math.max(creditedAt, coming.at(-1)?.at ?? 0)],
    load(state, latest) {
      [level = 0, creditedAt = 0] = state;
      creditedAt = Math.min(latest, creditedAt);
    },
  };
}
