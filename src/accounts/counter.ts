/** How much of one limit is used up, and when it comes back. */

/**
 * A call reaches upstream some time after it was sent: this many milliseconds at most, as long as no answer tells better.
 * 150 ms refused 0 of 990 calls where none refused several per cent; of a minute it costs 0.25 %, where answers begin later than that.
 */
export const GUARD_MS = 150;

/** Slower than that is not jitter. */
export const WIDEST_GUARD_MS = 1000;

/** A network that jitters more than the guard: the one call that showed it is hardly the worst, so the next is three times as much. */
export const widened = (guard: number, missedBy: number): number => Math.min(WIDEST_GUARD_MS, 3 * (guard + missedBy));

/** What upstream will have counted by then at the latest. */
export interface Coming {
  readonly at: number;
  readonly amount: number;
}

/**
 * One for each way providers count. Counts units as upstream does, from the moment upstream did, without knowing the limit. Whatever
 * is still coming counts as used already. Times are epoch milliseconds and never step back.
 */
export interface Tally {
  used(now: number): number;
  /** What the calendar's period before this one had used; 0 where nothing turns. */
  before(now: number): number;
  take(at: number, amount: number): void;
  /** Takes back part of what was taken at `at`; nothing where that has expired already. */
  refund(now: number, at: number, amount: number): void;
  /** Upstream counted it all so much later than was thought. */
  delay(ms: number): void;
  /** The earliest time from which at most `ceiling` is used, if nothing more is taken. */
  clearsAt(now: number, ceiling: number, coming: readonly Coming[]): number;
  /** Replaces what is counted by what upstream counts. */
  set(now: number, used: number, reset: Reset): void;
  /** When it is whole again. */
  wholeAt(now: number, coming: readonly Coming[]): number;
  /** When what is not used by then is lost: the end of a calendar's period. Infinity where nothing is. */
  turnsAt(now: number): number;
  /** As if all had come. */
  save(coming: readonly Coming[]): readonly number[];
  /** What was saved, by a clock that may have been set back since: nothing restored lies after `latest`. */
  load(state: readonly number[], latest: number): void;
}

/** A {@link Tally}, and what was sent to it and may not have arrived. */
export interface Counter extends Pick<Tally, 'used' | 'before' | 'take' | 'refund' | 'delay' | 'set' | 'turnsAt'> {
  clearsAt(now: number, ceiling: number): number;
  wholeAt(now: number): number;
  save(): readonly number[];
  load(state: readonly number[], now: number): void;
}

/** What upstream said of the end: when all of it is back (`whole`), or when the first call fits again (`first`). It is not before `from`. */
export type Reset = { readonly kind: 'whole' | 'first'; readonly from: number; readonly at: number } | undefined;

export const sum = (coming: readonly Coming[]): number => coming.reduce((total, { amount }) => total + amount, 0);
