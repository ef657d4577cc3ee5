/** One limit of one scope: what a counter counted, held against what upstream allows. */
import type { Fact, Unit, WindowLimit } from '../types.ts';
import { createCalendar } from './calendar.ts';
import { type Counter, type Reset, type Tally, WIDEST_GUARD_MS, widened } from './counter.ts';
import { type Pace, createPace } from './pace.ts';
import { createRefill } from './refill.ts';
import { createRolling } from './rolling.ts';
import { type Unseen, createCounter } from './unseen.ts';

export type Source = 'configured' | Fact['source'];

export interface Window {
  readonly unit: Unit;
  readonly seconds: number;
  readonly kind: WindowLimit['kind'];
  /** Infinity while nobody named one: then it only observes, so that a limit learned later finds what was used. */
  limit: number;
  source: Source;
  /** As it stands in the configuration: a reload that leaves it alone leaves what was learned alone. */
  configured: Pick<WindowLimit, 'limit' | 'kind' | 'timeZone'> | undefined;
  /** The operator's own bound, which no fact lifts. */
  cap: number;
  readonly timeZone: string | undefined;
  /** Until when foreign use of it has been told. */
  noticedUntil: number;
  /** Upstream admitted a call after its calendar's turn that a sliding window would have refused, or named the turn itself. */
  turnProven: boolean;
  /** The most that upstream ever admitted, or named as its limit. */
  proven: number;
  /** Tokens reserved beyond what answers used, and not given back since upstream last spoke. */
  kept: number;
  /** When a limit that was only inferred is forgotten again. */
  inferredUntil: number;
  readonly counter: Counter;
  readonly unseen: Unseen;
  /** Of long windows, for a forecast. */
  readonly pace: Pace | undefined;
}

/**
 * A refusal that names no limit shows one all the same: what we had used. It may have been somebody else's use or a bad moment,
 * so it is forgotten after this many spans (an hour of a minute's limit) and costs one refusal to learn again.
 */
const INFERRED_SPANS = 60;

const DAY_SECONDS = 86_400;

/** So few units between our count and a refusal's that are back within moments are a matter of milliseconds, not of somebody else. */
const HAIR = 2;

/** Resets are told in whole seconds, of the network's delay and two clocks: a turn may be off by this much, of a minute by less. */
const TURN_TOLERANCE_MS = 5000;
const MINUTE_TURN_TOLERANCE_MS = 1100;

/** Rounding of fading levels must not turn the exact moment into one too early. */
const EPSILON = 1e-6;

/** `unseen`: of its meter. */
export function createWindow(spec: WindowLimit, source: Source, unseen: Unseen): Window {
  const window: Window = {
    unit: spec.unit,
    seconds: spec.seconds,
    kind: spec.kind,
    limit: spec.limit,
    source,
    configured: source === 'configured' ? spec : undefined,
    cap: Number.POSITIVE_INFINITY,
    timeZone: spec.timeZone,
    noticedUntil: 0,
    turnProven: false,
    proven: 0,
    kept: 0,
    inferredUntil: Number.POSITIVE_INFINITY,
    unseen,
    counter: createCounter(spec.unit, unseen, tallyOf(spec, () => window.limit, () => unseen.guard)),
    pace: spec.seconds >= DAY_SECONDS ? createPace() : undefined,
  };
  return window;
}

function tallyOf(spec: WindowLimit, limit: () => number, guard: () => number): Tally {
  const spanMs = spec.seconds * 1000;
  switch (spec.kind) {
    case 'rolling': return createRolling(spanMs);
    case 'refill': return createRefill(spanMs, limit);
    case 'calendar': return createCalendar(spanMs, guard, spec.timeZone);
  }
}

export function fits(window: Window, now: number, amount: number): boolean {
  if (now >= window.inferredUntil) forgetInferred(window);
  return window.counter.used(now) + amount <= window.limit + EPSILON;
}

/** The earliest time at which `amount` fits, `turns` times one after the other; Infinity where it never can. */
export function freeAt(window: Window, now: number, amount: number, turns = 1): number {
  if (amount > window.limit) return Number.POSITIVE_INFINITY;
  const total = amount * turns;
  if (fits(window, now, total)) return now;
  if (total <= window.limit) return Math.ceil(window.counter.clearsAt(now, window.limit - total));
  // More than one filling: each further one takes a whole span.
  const fillings = Math.ceil(total / window.limit) - 1;
  return Math.ceil(window.counter.clearsAt(now, window.limit * (fillings + 1) - total) + fillings * window.seconds * 1000);
}

/** When it is used up at the pace of the last hour; undefined where it lasts. Beyond its own length an hour's pace foretells nothing. */
export function emptyAt(window: Window, now: number): number | undefined {
  const { limit, seconds, kind, counter, pace } = window;
  if (pace === undefined || !Number.isFinite(limit)) return undefined;
  // Sliding and refilling quota comes back meanwhile, in the long run as fast as it is allowed to go.
  const net = pace.at(now) - (kind === 'calendar' ? 0 : limit / (seconds * 1000));
  if (net <= 0) return undefined;
  const at = now + Math.max(0, limit - counter.used(now)) / net;
  return at < Math.min(counter.turnsAt(now), now + seconds * 1000) ? at : undefined;
}

/** What a fact changed: `foreign` units were used by somebody else. */
export interface Correction {
  readonly changed: boolean;
  /** It named the turn of the calendar, which nobody had proven. */
  readonly turned: boolean;
  /** The limit is higher than we knew. */
  readonly raised: boolean;
  readonly foreign: number;
  /** Upstream counts less than we did. */
  readonly lowered?: boolean;
  /** What was told, where it was a number: what upstream counts at least and at most, and what we counted before. */
  readonly told?: { readonly least: number; readonly most: number; readonly before: number };
}

/**
 * Believes upstream. `unseen` is what we sent that upstream may not have counted when it spoke: it saw at least its own number
 * and at most that plus `unseen`. A belief within these bounds stays; outside them it becomes the larger one, so that calls in
 * flight are never allowed twice.
 */
export function correct(window: Window, now: number, fact: Fact, unseen: number): Correction {
  const before = window.counter.used(now);
  const limit = window.limit;
  const turned = !window.turnProven && tellsTurn(window, now, fact);
  if (turned) window.turnProven = true;
  if (fact.limit !== undefined) window.proven = Math.max(window.proven, fact.limit);
  const changed = fact.limit === undefined ? infer(window, now, fact, before) : limitTo(window, fact.limit, fact.source);
  const told = fact.limit ?? window.limit;
  const raised = window.limit > limit;
  if (fact.remaining === undefined || !Number.isFinite(told)) return { changed, turned, raised, foreign: 0 };
  const seen = Math.max(0, told - fact.remaining);
  const most = seen + unseen;
  // A fading level is told rounded to whole units; a counter behind an endpoint may lag, so it is only a lower bound.
  const tooLow = before < seen - (window.kind === 'refill' ? 1 : 0);
  const tooHigh = before > most && fact.source !== 'endpoint';
  const foreign = tooLow ? seen - before : 0;
  if (fact.source === 'refusal' && tooLow && !changed && foreign <= HAIR && waitOf(fact, now) <= WIDEST_GUARD_MS) {
    // A whole second is a rounded one.
    window.unseen.widen(widened(window.unseen.guard, waitOf(fact, now) % 1000));
    // What upstream still counts is gone when the wait is over.
    return { changed: true, turned, raised, foreign: 0 };
  }
  window.counter.set(now, tooLow || tooHigh ? most : before, resetOf(fact));
  return { changed: changed || tooLow || tooHigh, turned, raised, foreign, lowered: tooHigh, told: { least: seen, most, before } };
}

/** A refusal without a number: unless most of the limit we believe in was somebody else's to use, that belief was too high. */
function infer(window: Window, now: number, fact: Fact, used: number): boolean {
  const believed = Number.isFinite(window.limit) ? window.limit : 0;
  if (fact.source !== 'refusal' || fact.remaining !== 0 || used < 1 || used < believed / 2 || (believed > 0 && used >= believed)) return false;
  if (!limitTo(window, Math.floor(used), 'refusal')) return false;
  window.inferredUntil = now + INFERRED_SPANS * window.seconds * 1000;
  return true;
}

function forgetInferred(window: Window): void {
  window.inferredUntil = Number.POSITIVE_INFINITY;
  window.limit = Math.min(window.configured?.limit ?? Number.POSITIVE_INFINITY, window.cap);
  window.source = 'configured';
}

export function limitTo(window: Window, limit: number, source: Source): boolean {
  const next = Math.min(limit, window.cap);
  if (next === window.limit || next <= 0) return false;
  window.limit = next;
  window.source = source;
  window.inferredUntil = Number.POSITIVE_INFINITY;
  return true;
}

/** Whether a refusal of a window that should turn by the calendar shows that it does not: what refused frees at another time. */
export function turnsOtherwise({ kind, seconds, counter }: Window, now: number, fact: Fact): boolean {
  if (kind !== 'calendar' || fact.source !== 'refusal' || fact.remaining === undefined || fact.resetAt === undefined) return false;
  return fact.resetAt > now && Math.abs(fact.resetAt - counter.turnsAt(now)) > (seconds > 60 ? TURN_TOLERANCE_MS : MINUTE_TURN_TOLERANCE_MS);
}

/** A header that names the very turn we expect: a sliding window would have to do so by chance, of a minute too often. */
function tellsTurn({ kind, seconds, counter }: Window, now: number, { source, resetAt, resetFrom = resetAt }: Fact): boolean {
  if (kind !== 'calendar' || seconds <= 60 || source !== 'header' || resetAt === undefined || resetFrom === undefined) return false;
  const turn = counter.turnsAt(now);
  return turn >= resetFrom - MINUTE_TURN_TOLERANCE_MS && turn <= resetAt + MINUTE_TURN_TOLERANCE_MS;
}

/** Until what refused a call frees, as far as we were told. */
const waitOf = ({ resetAt }: Fact, now: number): number => (resetAt === undefined ? 0 : Math.max(0, resetAt - now));

function resetOf(fact: Fact): Reset {
  if (fact.resetAt === undefined) return undefined;
  return { kind: fact.source === 'refusal' ? 'first' : 'whole', from: fact.resetFrom ?? fact.resetAt, at: fact.resetAt };
}
