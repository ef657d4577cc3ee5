const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
/** No month is shorter, so a window this long is a month. */
const SHORTEST_MONTH = 28 * DAY;
/** A day with a clock change has 25 hours; a month has 31 days and perhaps such a day. */
const LONGEST: Readonly<Record<'day' | 'month', number>> = { day: 26 * HOUR, month: 32 * DAY };

function dateKey(format: Intl.DateTimeFormat, at: number): string {
  return format.format(at);
}

/**
 * When the calendar window around `at` ends. Days and months end at midnight of `timeZone`, on days with a clock
 * change too; every other length is aligned to the epoch, which is UTC.
 */
export function nextReset(at: number, seconds: number, timeZone = 'UTC'): number {
  const length = seconds * 1000;
  if (length < DAY || (length > DAY && length < SHORTEST_MONTH)) return (Math.floor(at / length) + 1) * length;
  const unit = length >= SHORTEST_MONTH ? 'month' : 'day';
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', ...(unit === 'day' && { day: '2-digit' }) });
  const today = dateKey(format, at);
  // The date never returns to an earlier one, so the turn can be searched by halving; zones turn at whole minutes.
  let before = Math.floor(at / MINUTE);
  let after = Math.ceil((at + LONGEST[unit]) / MINUTE);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dateKey(format, middle * MINUTE) === today) before = middle;
    else after = middle;
  }
  return after * MINUTE;
}
