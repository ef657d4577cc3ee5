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
 * A reset at the very turn of a minute, hour or day shows a calendar window. Without that sign it is taken for a sliding one,
 * which never allows more than any of the three does.
 */
export function kindTold({ resetAt }: Fact, seconds: number): Pick<WindowLimit, 'kind' | 'timeZone'> {
  if (resetAt === undefined) return { kind: 'rolling' };
  if (seconds < DAY_SECONDS) return nearTurn(resetAt, seconds * 1000) <= SHORT_TOLERANCE_MS ? { kind: 'calendar' } : { kind: 'rolling' };
  const timeZone = ZONES.find((zone) => isMidnight(resetAt, zone));
  return timeZone === undefined ? { kind: 'rolling' } : { kind: 'calendar', timeZone };
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
