/** A window that starts afresh at the turn of the minute, hour, day or month, by the provider's calendar. */
import { type Coming, type Tally, sum } from './counter.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
/** The shortest month. Whatever lasts as long ends with the month. */
const MONTH = 28 * DAY;

/** Long windows hang on two clocks agreeing, not only on the network: a host without time synchronisation is off by about a second. */
const CLOCK_GUARD_MS = 1000;

/** `guardOf`: how far the turn may be off, of a minute. */
export function createCalendar(spanMs: number, guardOf: () => number, timeZone = 'UTC'): Tally {
  const late = (): number => (spanMs > MINUTE ? Math.max(CLOCK_GUARD_MS, guardOf()) : guardOf());
  const turns = spanMs === DAY || spanMs >= MONTH ? localTurns(spanMs, timeZone) : evenTurns(spanMs);
  let start = Number.NEGATIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  let used = 0;
  let previous = 0;
  /** Taken so near the turn that upstream may count it to the next period. */
  let carried = 0;

  function roll(now: number): void {
    if (now < end || now < end + late()) return;
    const next = Number.isFinite(end) ? turns.next(end) : Number.NEGATIVE_INFINITY;
    // Never used, or idle for a whole period: just after a turn the period before it may still count.
    if (now < next + late()) [start, end, previous, used] = [end, next, used, carried];
    else [start, end, previous, used] = [now, turns.after(now - late(), end), 0, 0];
    carried = 0;
  }

  const nearTurn = (coming: readonly Coming[]): number => sum(coming.filter(({ at }) => at >= end - late()));

  return {
    used(now) {
      roll(now);
      return used;
    },
    before(now) {
      roll(now);
      return previous;
    },
    take(at, amount) {
      roll(at);
      used += amount;
      if (at >= end - late()) carried += amount;
    },
    refund(now, at, amount) {
      roll(now);
      if (at >= start - late()) used = Math.max(0, used - amount);
      if (at >= end - late()) carried = Math.max(0, carried - amount);
    },
    // The turn is as much later as the guard is wider.
    delay: () => undefined,
    clearsAt(now, ceiling, coming) {
      roll(now);
      if (used + sum(coming) <= ceiling) return now;
      return (carried + nearTurn(coming) <= ceiling ? end : turns.next(end)) + late();
    },
    set(now, counted, reset) {
      roll(now);
      used = counted;
      // Both kinds of reset are the turn here: nothing comes back before it. One further away than two periods is not this window's.
      if (reset === undefined || reset.at <= now || reset.at > now + 2 * spanMs || (end >= reset.from - late() && end <= reset.at + late())) return;
      end = reset.at;
      carried = now >= end - late() ? used : 0;
    },
    wholeAt(now, coming) {
      roll(now);
      return used + sum(coming) === 0 ? now : end + late();
    },
    turnsAt(now) {
      roll(now);
      return end;
    },
    save: (coming) => (end === Number.NEGATIVE_INFINITY ? [] : [start, end, used + sum(coming), carried + nearTurn(coming), previous]),
    load(state, latest) {
      [start = start, end = end, used = 0, carried = 0, previous = 0] = state;
      if (end > latest + 2 * spanMs) end = turns.after(latest, Number.NEGATIVE_INFINITY);
    },
  };
}

interface Turns {
  /** The turn that follows a turn. */
  next(turn: number): number;
  /** The first turn after a time, in step with a turn already known. */
  after(time: number, known: number): number;
}

/** Minutes, hours and odd spans: in step with the epoch until upstream tells a reset, with that from then on. */
function evenTurns(spanMs: number): Turns {
  return {
    next: (turn) => turn + spanMs,
    after(time, known) {
      const origin = Number.isFinite(known) ? known : 0;
      return origin + (Math.floor((time - origin) / spanMs) + 1) * spanMs;
    },
  };
}

/** Days and months of a time zone. */
function localTurns(spanMs: number, timeZone: string): Turns {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const date = (minute: number): string => format.format(minute * MINUTE).slice(0, spanMs >= MONTH ? 7 : 10);

  /**
   * The first instant after `time` with another date. Found by bisection on whole minutes: a day may have 23, 24 or 25 hours,
   * and in some zones begins at 01:00.
   */
  function after(time: number): number {
    let before = Math.floor(time / MINUTE);
    let behind = before + (spanMs >= MONTH ? 32 * DAY : 2 * DAY) / MINUTE;
    const today = date(before);
    while (behind - before > 1) {
      const middle = Math.floor((before + behind) / 2);
      if (date(middle) === today) before = middle;
      else behind = middle;
    }
    return behind * MINUTE;
  }

  return { next: after, after };
}
