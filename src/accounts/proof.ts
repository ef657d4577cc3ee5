/**
 * What upstream has never admitted goes one by one: the next when the last was admitted. So a limit that nobody named, or that is
 * lower than it is configured, costs one refusal to learn, and not one for every call that is under way. The same goes for the
 * first time a calendar is said to have turned: if the window slides in truth, one call finds out.
 */
import type { Meter } from './meter.ts';
import type { Pool, PoolModel } from './pools.ts';
import type { Window } from './window.ts';

/** Quota may be left, so whoever looks at the windows is told why it is not used. */
export const UNPROVEN = 'unproven: waits until upstream has admitted what is under way, because nobody knows yet how much it admits';

/** A refusal is back within a round trip; a call that is out for longer has been admitted. */
const REFUSAL_MS = 500;
/** No free tier that keeps its limit to itself admits more requests in a minute, or in a day; beyond it there is probably none. */
const CAUTIOUS_REQUESTS = 60;
const CAUTIOUS_REQUESTS_A_DAY = 1500;
/** Longer windows say nothing of how many may go at once. */
const LONGEST_SECONDS = 3600;
/** Of a configured limit so much is believed at once: whoever configured it rightly waits for no more than the rest of it, once. */
const BELIEVED_SHARE = 1 / 3;
const BELIEVED_REQUESTS = 5;

/** `urgent`: the caller cannot wait. Where caution only guards against a limit that is configured wrongly it refuses nobody who could be served. */
export function unprovenUntil(pool: Pool, { meter }: PoolModel, now: number, urgent = false): number {
  if (heard(pool.meter) && heard(meter)) return now;
  const known = meter.knows('requests', LONGEST_SECONDS) || pool.meter.knows('requests', LONGEST_SECONDS);
  const turns = unprovenTurns(pool, meter, now).length > 0;
  return Math.max(now, heardUntil(pool.meter, now, { known: true, turns, urgent }), heardUntil(meter, now, { known, turns, urgent }));
}

/** Whether upstream has answered every call, so that there is nothing to wait for. */
const heard = ({ taken, answered }: Meter): boolean => taken.requests === answered.requests;

/** While this one's last call may still be refused. */
function heardUntil(meter: Meter, now: number, { known, turns, urgent }: { readonly known: boolean; readonly turns: boolean; readonly urgent: boolean }): number {
  if (heard(meter)) return now;
  return turns || meter.windows.some((window) => beyond(window, now, known) && !(urgent && yields(window))) ? meter.lastCautiousAt + REFUSAL_MS : now;
}

/** An unknown limit is probably passed by the next call, and one that a refusal has shown is not what is configured: caution there saves refusals. */
const yields = ({ limit, source }: Window): boolean => source === 'configured' && Number.isFinite(limit);

/** Whether the next call is one more than upstream ever admitted. */
function beyond(window: Window, now: number, known: boolean): boolean {
  if (!provable(window) || (known && !Number.isFinite(window.limit))) return false;
  const used = window.counter.used(now);
  return used >= window.proven && used >= believed(window) && used < mostCautious(window);
}

/** Whether it matters how much upstream has admitted. */
export const provable = (window: Window): boolean =>
  (Number.isFinite(window.limit) ? window.proven < window.limit && believed(window) < mostCautious(window) : window.unit === 'requests');

function believed({ unit, limit }: Window): number {
  if (!Number.isFinite(limit)) return 0;
  return unit === 'requests' ? Math.max(BELIEVED_REQUESTS, limit * BELIEVED_SHARE) : limit * BELIEVED_SHARE;
}

function mostCautious({ unit, seconds }: Window): number {
  if (unit !== 'requests') return Number.POSITIVE_INFINITY;
  return seconds <= 60 ? CAUTIOUS_REQUESTS : CAUTIOUS_REQUESTS_A_DAY;
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
