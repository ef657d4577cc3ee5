/** From when to when, as people say it. */
import { FailureError } from '../failure.ts';
import { DAY_MS, dayOf } from './rollup.ts';

const DAYS_PER: Readonly<Record<string, number>> = { d: 1, w: 7 };

/**
 * The first day of `7d` (today and the six days before), `4w`, `2026-08-01` or `2026-08`, as `2026-08-01`. Days are UTC.
 * Throws `invalid-request`, naming the parameter.
 */
export function firstDay(written: string, param: string, now: number): string {
  const [, count, unit = ''] = /^(\d{1,4})([dw])$/.exec(written) ?? [];
  if (count !== undefined && Number(count) > 0) return dayOf(now - (Number(count) * (DAYS_PER[unit] ?? 1) - 1) * DAY_MS);
  const date = /^\d{4}-\d\d$/.test(written) ? `${written}-01` : written;
  if (/^\d{4}-\d\d-\d\d$/.test(date) && isDay(date)) return date;
  throw new FailureError({ kind: 'invalid-request', param, message: `${param} must be so many days or weeks (7d, 4w), a day (2026-08-01) or a month (2026-08)` });
}

/** February 30th parses, as March 2nd. */
function isDay(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`);
  return Number.isFinite(at) && dayOf(at) === date;
}
