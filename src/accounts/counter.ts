/** How much of one limit is used up, and when it comes back. One implementation for each way providers count. */

/**
 * How much later than upstream we let an event go, milliseconds: two calls reach upstream closer together or further apart
 * than they were sent, by as much as the network jitters. 150 ms refused 0 of 990 calls where exact spans refused several per cent;
 * it costs 0.25 % of a minute window.
 */
export const GUARD_MS = 150;

/** Slower than that is not jitter. */
export const WIDEST_GUARD_MS = 1000;

/** A network that jitters more than the guard: the one call that showed it is hardly the worst, so the next is twice as much. */
export const widened = (guard: number, missedBy: number): number => Math.min(WIDEST_GUARD_MS, 2 * (guard + missedBy));

/** Counts units without knowing the limit. Times are epoch milliseconds and never step back. */
export interface Counter {
  used(now: number): number;
  /** What the calendar's period before this one had used; 0 where nothing turns. */
  before(now: number): number;
  take(now: number, amount: number): void;
  /** Takes back part of what was taken at `at`; nothing where that has expired already. */
  refund(now: number, at: number, amount: number): void;
  /** The earliest time from which at most `ceiling` is used, if nothing more is taken. */
  clearsAt(now: number, ceiling: number): number;
  /** Replaces what is counted by what upstream counts. */
  set(now: number, used: number, reset: Reset): void;
  /** When it is whole again. */
  wholeAt(now: number): number;
  /** When what is not used by then is lost: the end of a calendar's period. Infinity where nothing is. */
  turnsAt(now: number): number;
  /** How many milliseconds later than upstream events are let go. */
  guard: number;
  save(): readonly number[];
  /** What was saved, by a clock that may have been set back since: nothing restored lies in the future. */
  load(state: readonly number[], now: number): void;
}

/** What upstream said of the end: when all of it is back (`whole`), or when the first call fits again (`first`). It is not before `from`. */
export type Reset = { readonly kind: 'whole' | 'first'; readonly from: number; readonly at: number } | undefined;
