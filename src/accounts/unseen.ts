/**
 * Calls that were sent and upstream may not have counted yet. Nobody knows when it does, only that it is not before the call was
 * sent, nor after its answer began, nor later than the network ever is (the guard). Until the earlier of the two a call counts
 * without ageing; then it goes into the tallies, as of that moment. So their times are never earlier than upstream's, they never
 * step back, and where answers begin quickly hardly anything is held longer than upstream holds it.
 */
import type { Unit } from '../types.ts';
import { type Coming, type Counter, GUARD_MS, type Tally, WIDEST_GUARD_MS } from './counter.ts';

/** Totals by unit. */
export type Totals = Record<Unit, number>;

export interface Call {
  /** They rise. */
  readonly id: number;
  readonly at: number;
  /** Upstream has spoken of it, so it had counted it by then. Infinity until it does. */
  readonly seenAt: number;
  /** What it takes, as far as is known. */
  readonly cost: Readonly<Totals>;
  /** From before a restart: it is in the tallies. */
  readonly counted?: boolean;
}

/** Of one meter: a network jitters for all of its windows alike. */
export interface Unseen {
  readonly total: Readonly<Totals>;
  /** How many milliseconds a call may need to arrive. */
  readonly guard: number;
  widen(guard: number): void;
  /** Whatever was sent so long ago has arrived. */
  arrive(now: number): void;
  send(now: number, call: Call): void;
  /** Upstream has counted it by now. To be told once, before the call says so. */
  readonly seen: (now: number, call: Call) => void;
  /** When upstream had counted it at the latest. */
  arrivesAt(call: Call): number;
  /** It takes so much more, or less. To be told before its cost says so. False where it has arrived: that is the tallies' then. */
  adjust(now: number, call: Call, unit: Unit, difference: number): boolean;
  coming(unit: Unit): readonly Coming[];
}

/** So many places of those that have arrived are kept before the list is made shorter. */
const KEPT = 64;
/** In their places: a call that is kept for long, for nothing, is a dear one to collect. */
const GONE: Call = { id: 0, at: Number.NEGATIVE_INFINITY, seenAt: Number.NEGATIVE_INFINITY, cost: { requests: 0, tokens: 0, audio_seconds: 0 } };

/** `windows`: where they arrive. */
export function createUnseen(windows: readonly { readonly unit: Unit; readonly counter: Pick<Counter, 'take' | 'delay'> }[]): Unseen {
  const total: Totals = { requests: 0, tokens: 0, audio_seconds: 0 };
  let guard = GUARD_MS;
  /** In the order they were sent; those before `first` have arrived. */
  let calls: Call[] = [];
  let first = 0;
  /** The last of those. */
  let arrived = 0;

  /** Where the widest guard was not enough, upstream counts later than it answers, and an answer proves nothing. */
  const believed = (): boolean => guard < WIDEST_GUARD_MS;
  const wasSeen = ({ seenAt }: Call): boolean => seenAt !== Number.POSITIVE_INFINITY && believed();

  const isHere = (call: Call): boolean => call.id > arrived && call.counted !== true && !wasSeen(call);

  function land(at: number, { cost }: Call): void {
    total.requests -= cost.requests;
    total.tokens -= cost.tokens;
    total.audio_seconds -= cost.audio_seconds;
    for (const { unit, counter } of windows) if (cost[unit] > 0) counter.take(at, cost[unit]);
  }

  function arrive(now: number): void {
    for (let call = calls[first]; call !== undefined && call.at + guard <= now; call = calls[first]) {
      calls[first] = GONE;
      first += 1;
      arrived = call.id;
      if (!wasSeen(call)) land(call.at + guard, call);
    }
    if (first < KEPT) return;
    calls = calls.slice(first);
    first = 0;
  }

  return {
    total,
    get guard() { return guard; },
    widen(wider) {
      if (wider <= guard) return;
      calls = calls.slice(first).filter((call) => !wasSeen(call));
      first = 0;
      for (const { counter } of windows) counter.delay(wider - guard);
      guard = wider;
    },
    arrive,
    send(now, call) {
      arrive(now);
      calls.push(call);
      total.requests += call.cost.requests;
      total.tokens += call.cost.tokens;
      total.audio_seconds += call.cost.audio_seconds;
    },
    seen(now, call) {
      arrive(now);
      if (believed() && isHere(call)) land(now, call);
    },
    arrivesAt: (call) => (believed() ? Math.min(call.at + guard, call.seenAt) : call.at + guard),
    adjust(now, call, unit, difference) {
      arrive(now);
      if (!isHere(call)) return false;
      total[unit] += difference;
      return true;
    },
    coming: (unit) => calls.slice(first).filter((call) => !wasSeen(call)).map(({ at, cost }) => ({ at: at + guard, amount: cost[unit] })),
  };
}

export function createCounter(unit: Unit, unseen: Unseen, tally: Tally): Counter {
  const { total } = unseen;
  return {
    used(now) {
      unseen.arrive(now);
      return tally.used(now) + total[unit];
    },
    before(now) {
      unseen.arrive(now);
      return tally.before(now);
    },
    take: (at, amount) => tally.take(at, amount),
    delay: (ms) => tally.delay(ms),
    refund(now, at, amount) {
      unseen.arrive(now);
      tally.refund(now, at, amount);
    },
    clearsAt(now, ceiling) {
      unseen.arrive(now);
      return tally.clearsAt(now, ceiling, unseen.coming(unit));
    },
    set(now, used, reset) {
      unseen.arrive(now);
      tally.set(now, Math.max(0, used - total[unit]), reset);
    },
    wholeAt(now) {
      unseen.arrive(now);
      return tally.wholeAt(now, unseen.coming(unit));
    },
    turnsAt(now) {
      unseen.arrive(now);
      return tally.turnsAt(now);
    },
    save: () => tally.save(unseen.coming(unit)),
    load: (state, now) => tally.load(state, now + unseen.guard),
  };
}
