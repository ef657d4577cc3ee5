/** How a window counts that we only know from what upstream told of it. */
import type { Fact, WindowLimit } from '../types.ts';

const DAY_SECONDS = 86_400;
/** Where days end that providers count by: nearly everywhere at midnight UTC, at Google's in California. */
const ZONES = ['UTC', 'America/Los_Angeles'];
/** Resets are told in whole seconds at worst. */
const TOLERANCE_MS = 1100;
/** The same for a minute or an hour, where more would mistake many a sliding window for a calendar's. */
const SHORT_TOLERANCE_MS = 100;

/**
 * A reset at the very turn of a minute, hour or day shows a calendar window. One before the oldest call could leave (`slidesAt`),
 * or whole again after just the share of the span that is used, shows a bucket that refills. Without such a sign it is taken for
 * a sliding one, which never allows more than any of the three does.
 */
export function kindTold(now: number, fact: Fact, seconds: number, slidesAt: number): Pick<WindowLimit, 'kind' | 'timeZone'> {
  const { resetAt } = fact;
  if (resetAt === undefined) return { kind: 'rolling' };
  if (seconds < DAY_SECONDS && nearTurn(resetAt, seconds * 1000) <= SHORT_TOLERANCE_MS) return { kind: 'calendar' };
  const timeZone = seconds < DAY_SECONDS ? undefined : ZONES.find((zone) => isMidnight(resetAt, zone));
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

function nearTurn(at: number, spanMs: number): number {
  const past = at % spanMs;
  return Math.min(past, spanMs - past);
}

function isMidnight(at: number, timeZone: string): boolean {
  if (nearTurn(at, 60_000) > TOLERANCE_MS) return false;
  const minute = Math.round(at / 60_000) * 60_000;
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(minute) === '00:00';
}
