/** When a window resets, in every way providers write it. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A moment by our clock, and by the clock of whoever wrote the times: the `Date` of their answer. */
export interface Moment {
  readonly now: number;
  readonly theirs?: number;
}

const PART = /\s*(?:,|and\b)?\s*(\d+(?:\.\d+)?)\s*(milliseconds?|ms|µs|us|ns|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-zµ])/giy;
const UNITS: readonly (readonly [string, number])[] = [['ms', 1], ['milli', 1], ['us', 0], ['µs', 0], ['ns', 0], ['s', SECOND], ['m', MINUTE], ['h', HOUR], ['d', DAY]];

/** A length of time with its units, such as `1h46m33.599s` or `2 minutes`: milliseconds. Undefined for anything else. */
export function durationMs(text: string): number | undefined {
  let sum = 0;
  let read = 0;
  for (const [part, amount, unit = ''] of text.matchAll(PART)) {
    sum += Number(amount) * (UNITS.find(([name]) => unit.toLowerCase().startsWith(name))?.[1] ?? 0);
    read += part.length;
  }
  return read > 0 && read === text.length ? Math.round(sum) : undefined;
}

/** From here on a bare number is a date in seconds (2001), and from the second on in milliseconds (1973). */
const EPOCH_SECONDS = 1e9;
const EPOCH_MILLISECONDS = 1e11;

/** When a reset header's value comes true, in epoch milliseconds of our clock. Undefined where it says nothing. */
export function resetAt(text: string, moment: Moment): number | undefined {
  const value = text.trim();
  const number = Number(value);
  if (value !== '' && Number.isFinite(number)) {
    if (number >= EPOCH_MILLISECONDS) return onOurClock(number, moment);
    if (number >= EPOCH_SECONDS) return onOurClock(number * SECOND, moment);
  }
  return retryAfter(text, moment);
}

/** `Retry-After`: seconds however many, or a date. Some write a duration. */
export function retryAfter(text: string, moment: Moment): number | undefined {
  const value = text.trim();
  const number = Number(value);
  if (value !== '' && Number.isFinite(number)) return moment.now + Math.round(number * SECOND);
  const length = durationMs(value);
  return length === undefined ? dateAt(value, moment) : moment.now + length;
}

function dateAt(value: string, moment: Moment): number | undefined {
  // Date.parse takes "gpt-4" for a year; a date of anyone's begins with a weekday or a year.
  const date = /^([A-Z][a-z]{2,8},? |\d{4}-\d{2}-\d{2})/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : onOurClock(date, moment);
}

/** The `Date` header is cut to the second, so clocks closer than this are the same clock. */
const SAME_CLOCK = 1.5 * SECOND;

function onOurClock(time: number, { now, theirs }: Moment): number {
  const skew = theirs === undefined || Math.abs(now - theirs) < SAME_CLOCK ? 0 : now - theirs;
  return time + skew;
}

/** Hints can be absurd: none is believed to be over already, or to last longer than `longest`. */
export function sane(at: number, now: number, longest: number): number {
  return at <= now ? now + SECOND : Math.min(at, now + longest);
}

/** A hint without a name is at most a day; a window that was named is at most a month. */
export const LONGEST_HINT = DAY;
export const LONGEST_WINDOW = 31 * DAY;

/** The next midnight in an IANA zone, through changes of the clock. */
export function nextMidnight(now: number, timeZone: string): number {
  const guess = now + DAY - sinceMidnight(now, timeZone);
  const off = sinceMidnight(guess, timeZone);
  return off === 0 ? guess : guess + (off > DAY / 2 ? DAY - off : -off);
}

function sinceMidnight(at: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' });
  const [hours = 0, minutes = 0, seconds = 0] = format.format(at).split(':').map(Number);
  return hours * HOUR + minutes * MINUTE + seconds * SECOND + (at % SECOND);
}

export function nextMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
