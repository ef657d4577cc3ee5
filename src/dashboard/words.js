/** Numbers, times and states as people read them. */
const plain = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayAndYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

export const count = (number) => plain.format(Math.round(number));
export const compact = (number) => (Math.abs(number) < 10_000 ? count(number) : short.format(number));
export const plural = (number, word, many = `${word}s`) => `${count(number)} ${number === 1 ? word : many}`;
export const at = (iso) => clock.format(new Date(iso));
/** The time, and the day where it is not today's. */
export function moment(iso, now = Date.now()) {
  const is = (other) => new Date(iso).toDateString() === new Date(other).toDateString();
  if (is(now)) return at(iso);
  return `${is(now + 86_400_000) ? 'tomorrow' : onDay(iso)} ${at(iso)}`;
}
export const atSecond = (iso) => clockSeconds.format(new Date(iso));
/** A date without a time is the same day everywhere: at noon it is, whatever the zone. */
export function onDay(iso) {
  const date = new Date(iso.length === '2026-08-01'.length ? `${iso}T12:00` : iso);
  return (date.getFullYear() === new Date().getFullYear() ? day : dayAndYear).format(date);
}

/** Rounded down: what is begun is no longer whole. */
export const percent = (share) => `${Math.floor(share * 100)} %`;

/** Small sums keep the digits that make them more than nothing. */
export function money(usd) {
  if (usd === null || usd === undefined) return 'unknown';
  if (usd === 0) return '$0';
  if (usd < 0.01) return `$${usd.toPrecision(2)}`;
  return `$${usd.toFixed(2)}`;
}

/** A sum, and how many requests are not in it because nobody knows their price. */
export const moneyOf = (usd, unknown) => (usd !== null && unknown > 0 ? `${money(usd)} + ${count(unknown)} unknown` : money(usd));

export function milliseconds(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : span(ms / 1000);
}

/** 90 → `2 min`; never shorter than the truth. */
export function span(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.round(seconds / 86_400)} days`;
}

export const until = (iso, now = Date.now()) => span(Math.max(0, (Date.parse(iso) - now) / 1000));

const LENGTHS = { 1: 'second', 60: 'minute', 3600: 'hour', 86400: 'day', 604800: 'week', 2592000: 'month' };

export function windowName({ unit, seconds }) {
  return unit === 'concurrent' ? 'at once' : `${unit.replaceAll('_', ' ')} / ${LENGTHS[seconds] ?? span(seconds)}`;
}

/** Shapes as well as colours: a state must be told apart without seeing red or green. */
export const STATES = {
  active: { shape: '●', word: 'active' },
  trial: { shape: '◔', word: 'trial' },
  resting: { shape: '◐', word: 'resting' },
  suspended: { shape: '▲', word: 'suspended' },
  disabled: { shape: '○', word: 'disabled' },
  revoked: { shape: '○', word: 'revoked' },
  expired: { shape: '○', word: 'expired' },
  locked: { shape: '▲', word: 'locked' },
  unlocked: { shape: '●', word: 'unlocked' },
  absent: { shape: '○', word: 'no vault yet' },
};
