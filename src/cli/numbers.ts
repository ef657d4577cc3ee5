/** Numbers as people read them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const count = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** `131072` as `131k`: the size matters, not the digits. */
export function roughly(value: number): string {
  if (value < 10_000) return count(value);
  return value < 1_000_000 ? `${Math.round(value / 1000)}k` : `${(value / 1_000_000).toLocaleString('en-US', { maximumFractionDigits: 1 })}M`;
}

/** Milliseconds in at most two units: `850 ms`, `32 s`, `2 h 3 min`. */
export function duration(milliseconds: number): string {
  const left = Math.max(0, milliseconds);
  if (left < SECOND) return `${Math.round(left)} ms`;
  if (left < MINUTE) return `${Math.ceil(left / SECOND)} s`;
  if (left < HOUR) return two(left, { unit: MINUTE, name: 'min' }, { unit: SECOND, name: 's' });
  if (left < DAY) return two(left, { unit: HOUR, name: 'h' }, { unit: MINUTE, name: 'min' });
  return two(left, { unit: DAY, name: 'd' }, { unit: HOUR, name: 'h' });
}

interface Named {
  readonly unit: number;
  readonly name: string;
}

function two(value: number, large: Named, small: Named): string {
  const whole = Math.floor(value / large.unit);
  const rest = Math.floor((value % large.unit) / small.unit);
  return rest === 0 ? `${whole} ${large.name}` : `${whole} ${large.name} ${rest} ${small.name}`;
}

/** Time until an RFC 3339 moment. */
export const until = (moment: string, now: number): string => duration(Date.parse(moment) - now);

const spans: Readonly<Record<number, string>> = { 1: 's', 60: 'min', 3600: 'h', 86_400: 'day', 604_800: 'week', 2_592_000: 'month', 2_678_400: 'month' };

/** A window's length as in `30/min`; lengths without a name are spelled out. */
export const span = (seconds: number): string => spans[seconds] ?? duration(seconds * SECOND);

/** What a window counts, and how long it is: `requests/min`, `audio seconds/h`. */
export const per = (unit: string, seconds: number): string => `${unit.replaceAll('_', ' ')}/${span(seconds)}`;

const LEAST_USD = 0.000001;

/** USD with enough digits to be more than zero: an answer is worth fractions of a cent. */
export function usd(value: number): string {
  if (value === 0) return '$0';
  if (value >= 0.01) return `$${value.toFixed(2)}`;
  return value < LEAST_USD ? `<$${LEAST_USD.toFixed(6)}` : `$${value.toFixed(6).replace(/0+$/, '')}`;
}

export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;
