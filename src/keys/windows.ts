/** How much was used within a period. Times are epoch milliseconds. */
import { MEASURES, NOTHING, type Amounts, type Measure, type Period } from './amounts.ts';

export interface Window {
  used(now: number): Amounts;
  /** Counts what was used at `at`. Negative amounts take back what was counted at `at`; nothing where that is past. */
  add(at: number, amounts: Amounts): void;
  /** The earliest time at which at most `ceiling` is used, if nothing more is counted. Infinity: never. */
  freeAt(now: number, measure: Measure, ceiling: number): number;
  save(): readonly number[];
  /** What a clock that was ahead then called the future counts from now: it frees nothing and holds nothing up for longer than the period. */
  load(now: number, state: readonly number[]): void;
}

export const createWindow = (period: Period): Window => (period === 'minute' ? createMinute() : createCalendar(period));

type Sum = { -readonly [M in Measure]: number };

function addTo(sum: Sum, amounts: Amounts, sign: 1 | -1 = 1): void {
  // By name: a loop over the measures costs four times as much, and a request is added to thirty sums.
  sum.requests += sign * amounts.requests;
  sum.tokens += sign * amounts.tokens;
  sum.nanoUsd += sign * amounts.nanoUsd;
}

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const WEEK = 7 * DAY;
/** Day 0 of the epoch was a Thursday. */
const FIRST_MONDAY = 4 * DAY;

/** A minute is kept in steps of a second: 61 numbers instead of every request, and a request counts up to a second too long, never too short. */
const STEP = 1_000;

interface Step {
  readonly number: number;
  readonly sum: Sum;
}

function createMinute(): Window {
  const steps: Step[] = [];
  const total: Sum = { ...NOTHING };
  const endOf = (step: Step): number => (step.number + 1) * STEP + MINUTE;

  function expire(now: number): void {
    for (let oldest = steps[0]; oldest !== undefined && endOf(oldest) <= now; oldest = steps[0]) {
      addTo(total, oldest.sum, -1);
      steps.shift();
    }
  }

  /** A clock that was set back between two starts must not free anything: then the newest step takes it. */
  function stepFor(at: number): Step {
    const number = Math.floor(at / STEP);
    const newest = steps.at(-1);
    if (newest !== undefined && newest.number >= number) return newest;
    const step = { number, sum: { ...NOTHING } };
    steps.push(step);
    return step;
  }

  function count(step: Step | undefined, amounts: Amounts): void {
    if (step === undefined) return;
    addTo(step.sum, amounts);
    addTo(total, amounts);
  }

  return {
    used(now) {
      expire(now);
      return total;
    },
    add(at, amounts) {
      const given = amounts.requests > 0 || amounts.tokens > 0 || amounts.nanoUsd > 0;
      count(given ? stepFor(at) : steps.find(({ number }) => number === Math.floor(at / STEP)), amounts);
    },
    freeAt(now, measure, ceiling) {
      expire(now);
      let left = total[measure];
      if (left <= ceiling) return now;
      for (const step of steps) {
        left -= step.sum[measure];
        if (left <= ceiling) return endOf(step);
      }
      return Number.POSITIVE_INFINITY;
    },
    save: () => steps.flatMap(({ number, sum }) => [number, ...MEASURES.map((measure) => sum[measure])]),
    load(now, state) {
      for (let index = 0; index + MEASURES.length < state.length; index += MEASURES.length + 1) {
        count(stepFor(Math.min(now, (state[index] ?? 0) * STEP)), amountsAt(state, index + 1));
      }
    },
  };
}

function createCalendar(period: Exclude<Period, 'minute'>): Window {
  const used: Sum = { ...NOTHING };
  const span = { start: Number.NEGATIVE_INFINITY, end: Number.NEGATIVE_INFINITY };

  function roll(now: number): void {
    if (now < span.end) return;
    Object.assign(span, spanOf(period, now));
    Object.assign(used, NOTHING);
  }

  return {
    used(now) {
      roll(now);
      return used;
    },
    add(at, amounts) {
      roll(at);
      if (at >= span.start) return addTo(used, amounts);
      for (const measure of MEASURES) if (amounts[measure] > 0) used[measure] += amounts[measure];
    },
    freeAt(now, measure, ceiling) {
      roll(now);
      if (used[measure] <= ceiling) return now;
      return ceiling < 0 ? Number.POSITIVE_INFINITY : span.end;
    },
    save: () => (Number.isFinite(span.start) ? [span.start, ...MEASURES.map((measure) => used[measure])] : []),
    load(now, state) {
      const [start] = state;
      if (start === undefined) return;
      Object.assign(span, spanOf(period, Math.min(now, start)));
      Object.assign(used, amountsAt(state, 1));
    },
  };
}

function amountsAt(state: readonly number[], index: number): Amounts {
  const [requests = 0, tokens = 0, nanoUsd = 0] = state.slice(index, index + MEASURES.length);
  return { requests, tokens, nanoUsd };
}

/** The period around a time, in UTC. */
export function spanOf(period: Exclude<Period, 'minute'>, at: number): { readonly start: number; readonly end: number } {
  switch (period) {
    case 'day': return evenSpan(at, DAY, 0);
    case 'week': return evenSpan(at, WEEK, FIRST_MONDAY);
    case 'month': {
      const date = new Date(at);
      const month = (offset: number): number => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
      return { start: month(0), end: month(1) };
    }
    case 'total': return { start: 0, end: Number.POSITIVE_INFINITY };
    default: return period satisfies never;
  }
}

function evenSpan(at: number, length: number, origin: number): { readonly start: number; readonly end: number } {
  const start = Math.floor((at - origin) / length) * length + origin;
  return { start, end: start + length };
}
