/**
 * While nobody named a limit for a minute, requests beyond what was ever admitted go one by one: the next when upstream
 * admitted the last. So an unknown limit costs one refusal to learn, and not one for every call that is under way. The same goes
 * for the first time a calendar is said to have turned: if the window slides in truth, one call finds out.
 */
import type { Pool, PoolModel } from './pools.ts';
import type { Window } from './window.ts';

/** A refusal is back within a round trip; a call that is out for longer has been admitted. */
const REFUSAL_MS = 500;
/** No free tier that keeps its limit to itself admits more in a minute; beyond it there is probably none. */
const CAUTIOUS_REQUESTS = 60;
/** Longer windows say nothing of how many may go at once. */
const LONGEST_SECONDS = 3600;

export function unprovenUntil(pool: Pool, { meter, proven, lastTakeAt }: PoolModel, now: number): number {
  if (meter.taken.requests === meter.answered.requests) return now;
  if (unprovenTurns(pool, meter, now).length > 0) return Math.max(now, lastTakeAt + REFUSAL_MS);
  if (meter.knows('requests', LONGEST_SECONDS) || pool.meter.knows('requests', LONGEST_SECONDS)) return now;
  const used = meter.minute(now);
  return used < proven || used >= CAUTIOUS_REQUESTS ? now : Math.max(now, lastTakeAt + REFUSAL_MS);
}

/** Those whose turn the next call would prove: a sliding window might still be full of the period before. */
export function unprovenTurns(pool: Pool, meter: Pool['meter'], now: number): readonly Window[] {
  const any = (one: Window): boolean => unproven(one, now);
  // Nearly always there are none: no list is made to find that out.
  if (!pool.meter.windows.some(any) && !meter.windows.some(any)) return NONE;
  return [...pool.meter.windows, ...meter.windows].filter(any);
}

const NONE: readonly Window[] = [];

const unproven = ({ unit, kind, limit, counter, turnProven }: Window, now: number): boolean =>
  kind === 'calendar' && !turnProven && unit === 'requests' && counter.before(now) > 0 && counter.before(now) + counter.used(now) >= limit;
