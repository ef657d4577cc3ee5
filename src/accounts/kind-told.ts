/** How a window counts that we only know from what upstream told of it. */
import type { Fact, WindowLimit } from '../types.ts';

const DAY_SECONDS = 86_400;
const MINUTE_MS = 60_000;
/** Where days end that providers count by: nearly everywhere at midnight UTC, at Google's in California. */
const ZONES = ['UTC', 'America/Los_Angeles'];
/** Resets are told in whole seconds at worst. */
const TOLERANCE_MS = 1100;
/** The same for a minute or an hour, where more would mistake many a sliding window for a calendar's. */
const SHORT_TOLERANCE_MS = 100;
/** So much of a span, and no more than this, may lie between upstream's word and ours without making every reset one at a turn. */
const LATE_SHARE = 1 / 120;
const LATEST_MS = 30_000;

/**
 * A reset at the very turn of a minute, hour or day shows a calendar window. One before the oldest call could leave (`slidesAt`),
 * or whole again after just the share of the span that is used, shows a bucket that refills. Without such a sign it is taken for
 * a sliding one, which never allows more than any of the three does.
 */
export function kindTold(now: number, fact: Fact, seconds: number, slidesAt: number): Pick<WindowLimit, 'kind' | 'timeZone'> {
  const { resetAt, resetFrom = resetAt } = fact;
  if (resetAt === undefined || resetFrom === undefined) return { kind: 'rolling' };
  const from = Math.max(resetFrom, resetAt - Math.min(LATEST_MS, seconds * 1000 * LATE_SHARE));
  if (seconds < DAY_SECONDS && turnWithin(from - SHORT_TOLERANCE_MS, resetAt + SHORT_TOLERANCE_MS, seconds * 1000) !== undefined) return { kind: 'calendar' };
  const minute = turnWithin(from - TOLERANCE_MS, resetAt + TOLERANCE_MS, MINUTE_MS);
  const timeZone = seconds < DAY_SECONDS || minute === undefined ? undefined : ZONES.find((zone) => isMidnight(minute, zone));
  if (timeZone !== undefined) return { kind: 'calendar', timeZone };
  const flowsBack = resetAt + TOLERANCE_MS < slidesAt || refills(now, fact, seconds * 1000);
  return { kind: flowsBack ? 'refill' : 'rolling' };
}

/** A sliding window is whole a span after the call that was just answered; a bucket, when what is used has flowed back. */
function refills(now: number, { source, limit, remaining, resetAt }: Fact, spanMs: number): boolean {
  if (source !== 'header' || limit === undefined || remaining === undefined || resetAt === undefined || remaining >= limit) return false;
  const due = ((limit - remaining) * spanMs) / limit;
  return due < spanMs / 2 && Math.abs(resetAt - now - due) <= TOLERANCE_MS;
}

/** The last turn of so many milliseconds between two times. */
function turnWithin(from: number, to: number, spanMs: number): number | undefined {
  const turn = Math.floor(to / spanMs) * spanMs;
  return turn >= from ? turn : undefined;
}

const isMidnight = (at: number, timeZone: string): boolean =>
  new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at) === '00:00';
