/** What is taken from the windows of every pool, all or none, and what upstream says of them. */
import { createInFlight } from '../in-flight.ts';
import type { Fact, Target, Unit, Usage } from '../types.ts';
import { type Charging, NOT_SHOWN, SHOWN_OFTEN, refundsShown } from './charging.ts';
import type { Estimate } from './estimate.ts';
import type { Entry, Written } from './journal.ts';
import { type Learned, createLearn } from './learning.ts';
import type { Cost, Meter } from './meter.ts';
import type { Pool, PoolModel, Pools } from './pools.ts';
import { unprovenTurns, unprovenUntil } from './proof.ts';
import type { Call, Totals } from './unseen.ts';
import type { Window } from './window.ts';

/** Where a call draws on: an account's pool, for one model. */
export interface Place {
  readonly target: Target;
  readonly pool: string;
  readonly accountId: string;
}

/** What one call has taken, until it is settled. */
export interface Hold extends Place, Call {
  readonly cost: Totals;
  /** How many of its tokens are the answer's. */
  readonly output: number;
  readonly model: PoolModel;
  /** Of the pool, and of the model in it. */
  readonly meters: readonly [Meter, Meter];
  /** What upstream had certainly seen of each meter when this call was sent. */
  readonly seenBefore: readonly [Totals, Totals];
  /** Whose turn of the calendar its admission proves. */
  readonly turns: readonly Window[];
  answered: boolean;
  seenAt: number;
  /** Upstream told its tokens with this answer. */
  told: boolean;
}

export interface Blocked {
  readonly at: number;
  readonly window?: Window;
  /** Names the meter that blocks: whoever waits for it holds its place against newcomers. */
  readonly meter?: string;
  /** Too many calls are under way. */
  readonly full?: boolean;
  /** There is room for all that is known, but nobody has proven the limit yet. `unless-urgent`: as far as it is configured. */
  readonly unproven?: 'for-all' | 'unless-urgent';
}

export interface Ledger {
  /** Takes from all windows that cover the call, or from none. `urgent`: its caller cannot wait for a configured limit to be proven. */
  take(now: number, place: Place, estimate: Estimate, urgent?: boolean): Hold | undefined;
  /** When a request like this fits, after so many others. */
  freeAt(now: number, place: Place, estimate: Estimate, others: number): Blocked;
  /** Upstream has spoken of the call. */
  seen(now: number, hold: Hold): void;
  /** What upstream said with its answer, or with its refusal. */
  learn(now: number, hold: Hold, facts: readonly Fact[], admitted: boolean): readonly Learned[];
  /** What upstream says of a pool without having been called, e.g. by a key endpoint. */
  learnOf(now: number, place: Place, facts: readonly Fact[]): readonly Learned[];
  /** The answer is whole. */
  settle(now: number, hold: Hold, usage: Usage): void;
  /** What the call turned out to have used. */
  adjust(now: number, hold: Hold, unit: Unit, actual: number): void;
  /** The call is over. `admitted`: upstream did not refuse it for its rate. */
  release(now: number, hold: Hold, admitted: boolean): void;
  /** How much faster than evenly quota must be spent so that none expires with the calendar; 1 where none does. */
  urgency(now: number, place: Place): number;
  /** Calls under way. */
  open(): readonly Hold[];
  /** The meters a call here needs room in: what a waiter for it holds against those behind. */
  claims(place: Place): readonly string[];
}

/** A call that ends tells when the next may go, so nobody knows before: this is how long a caller is told to wait at least. */
const CALL_MS = 1000;

export const meterName = (pool: string, model: string): string => `${pool} ${model}`;

/** Where lines of the journal go: those that must survive a crash, and those without which more is counted than was used. */
export interface Records {
  readonly must: (entry: Entry) => void;
  readonly may: (entry: Entry) => void;
}

/** `firstCall`: above every number a journal still speaks of. */
export function createLedger(pools: Pools, record: Records, firstCall: number): Ledger {
  const learnOne = createLearn(pools, record.must);
  let call = firstCall;
  const open = createInFlight<Hold>();

  function markAnswered(now: number, hold: Hold, admitted: boolean): void {
    if (hold.answered) return;
    hold.answered = true;
    if (admitted) for (const window of hold.turns) window.turnProven = true;
    for (const meter of hold.meters) {
      const { answered } = meter;
      answered.requests += hold.cost.requests;
      answered.tokens += hold.cost.tokens;
      answered.audio_seconds += hold.cost.audio_seconds;
      if (admitted) meter.admitted(now);
    }
  }

  function charges({ target, pool, model }: Hold, charging: Charging): void {
    const { reservesAllowed, refunds } = model.charging;
    if (charging.reservesAllowed === reservesAllowed && charging.refunds === refunds) return;
    model.charging = charging;
    record.must({ type: 'charging', provider: target.provider.name, pool, model: target.model.name, reservesAllowed: charging.reservesAllowed, refunds: charging.refunds });
  }

  function learn(now: number, hold: Hold, fact: Fact): Learned | undefined {
    // A provider may charge tokens only when the answer ends: until then this very call may be unseen as well.
    const own = fact.unit === 'requests' ? hold.cost.requests : 0;
    const learned = learnOne(now, hold, fact, (meter, index) => Math.max(0, meter.taken[fact.unit] - hold.seenBefore[index][fact.unit] - own));
    if (learned === undefined || fact.unit !== 'tokens') return learned;
    const { model } = hold;
    if (fact.source === 'refusal') {
      // Too little was kept, perhaps.
      model.shown = NOT_SHOWN;
      charges(hold, { reservesAllowed: model.charging.reservesAllowed, refunds: false });
    } else if (fact.source === 'header') {
      hold.told = true;
      const shown = refundsShown(learned, hold.cost.tokens);
      if (shown === false) model.shown = NOT_SHOWN;
      else if (shown === true && hold.at >= model.shown.at) model.shown = { times: model.shown.times + 1, at: now };
      charges(hold, { reservesAllowed: true, refunds: shown === undefined ? model.charging.refunds : model.shown.times >= SHOWN_OFTEN });
      if (shown === false || model.charging.refunds || learned.changed) learned.window.kept = 0;
      if (learned.lowered === true) for (const meter of hold.meters) if (meter.windows.includes(learned.window)) meter.loweredAt = now;
    }
    return learned;
  }

  function adjust(now: number, hold: Hold, unit: Unit, actual: number): void {
    const difference = actual - hold.cost[unit];
    if (difference === 0) return;
    for (const meter of hold.meters) {
      meter.adjust(now, hold, unit, difference);
      // What turned out less after upstream was heard of it makes nothing else less that upstream may not have seen.
      if (hold.answered && difference < 0) continue;
      meter.taken[unit] += difference;
      if (hold.answered) meter.answered[unit] += difference;
    }
    hold.cost[unit] = actual;
    (difference > 0 ? record.must : record.may)({ type: 'count', id: hold.id, at: now, unit, actual });
  }

  return {
    take(now, place, estimate, urgent = false) {
      const [pool, model] = pools.covering(place.pool, place.target);
      const cost = costOf(pool, model, estimate);
      if (!pool.meter.fits(now, cost) || !model.meter.fits(now, cost) || unprovenUntil(pool, model, now, urgent) > now) return undefined;
      const meters = [pool.meter, model.meter] as const;
      const seenBefore = [{ ...pool.meter.answered }, { ...model.meter.answered }] as const;
      const turns = unprovenTurns(pool, model.meter, now);
      call += 1;
      const { target, pool: name, accountId } = place;
      const hold: Hold = { target, pool: name, accountId, id: call, at: now, cost, output: Math.max(0, cost.tokens - estimate.input), model, meters, seenBefore, turns, answered: false, seenAt: Number.POSITIVE_INFINITY, told: false };
      for (const meter of meters) {
        meter.count(now, hold, urgent);
        meter.enter();
      }
      open.set(call, hold);
      record.must({ type: 'take', id: call, at: now, account: accountId, provider: target.provider.name, pool: name, model: target.model.name, ...written(cost) });
      return hold;
    },
    freeAt(now, place, estimate, others) {
      const [pool, model] = pools.covering(place.pool, place.target);
      const cost = costOf(pool, model, estimate);
      const whole: Blocked = { ...pool.meter.freeAt(now, cost, others + 1), meter: place.pool };
      const own: Blocked = { ...model.meter.freeAt(now, cost, others + 1), meter: meterName(place.pool, place.target.model.name) };
      const latest = whole.at > own.at ? whole : own;
      if (latest.at > now) return latest;
      if (pool.meter.inFlight >= pool.meter.concurrent) return { ...whole, at: now + CALL_MS, full: true };
      if (model.meter.inFlight >= model.meter.concurrent) return { ...own, at: now + CALL_MS, full: true };
      const at = unprovenUntil(pool, model, now);
      return at > now ? { ...own, at, unproven: unprovenUntil(pool, model, now, true) > now ? 'for-all' : 'unless-urgent' } : own;
    },
    seen(now, hold) {
      if (hold.seenAt <= now) return;
      for (const meter of hold.meters) meter.seen(now, hold);
      hold.seenAt = now;
      // Later it makes no difference.
      if (now < hold.at + Math.max(hold.meters[0].guard, hold.meters[1].guard)) record.may({ type: 'seen', id: hold.id, at: now });
    },
    learn(now, hold, facts, admitted) {
      const learned = facts.flatMap((fact) => learn(now, hold, sinceSent(fact, now - hold.at)) ?? []);
      markAnswered(now, hold, admitted);
      return learned;
    },
    learnOf: (now, place, facts) =>
      facts.flatMap((fact) => learnOne(now, place, fact, ({ taken, answered }) => Math.max(0, taken[fact.unit] - answered[fact.unit])) ?? []),
    settle(now, hold, { input, output, audioSeconds }) {
      if (audioSeconds !== undefined) adjust(now, hold, 'audio_seconds', audioSeconds);
      if (!hold.told) charges(hold, { reservesAllowed: false, refunds: hold.model.charging.refunds });
      const keeps = hold.told && !hold.model.charging.refunds && hold.output > output;
      const guessed = hold.cost.tokens - hold.output;
      const counted = hold.meters.some(({ loweredAt }) => loweredAt > hold.at) ? Math.max(input, guessed) : input;
      adjust(now, hold, 'tokens', counted + (keeps ? hold.output : output));
      if (keeps) for (const meter of hold.meters) meter.keep(hold.output - output);
    },
    adjust,
    release(now, hold, admitted) {
      markAnswered(now, hold, admitted && hold.cost.requests > 0);
      for (const meter of hold.meters) meter.leave();
      open.take(hold.id);
      record.may(admitted ? { type: 'end', id: hold.id } : { type: 'end', id: hold.id, refused: true });
    },
    urgency(now, { pool: name, target }) {
      const [pool, model] = pools.covering(name, target);
      const expiring = [...pool.meter.windows, ...model.meter.windows].filter(({ kind, seconds, limit }) => kind === 'calendar' && seconds > HOUR_SECONDS && Number.isFinite(limit));
      return expiring.length === 0 ? 1 : Math.min(...expiring.map((window) => urgencyOf(window, now)));
    },
    open: open.items,
    claims({ pool, target }) {
      const [{ meter }] = pools.covering(pool, target);
      const own = meterName(pool, target.model.name);
      return meter.limited ? [own, pool] : [own];
    },
  };
}

const sinceSent = (fact: Fact, elapsed: number): Fact => (fact.resetAt === undefined ? fact : { resetFrom: fact.resetAt - elapsed, ...fact });

/** Minutes and hours come round too often to be worth saving or spending. */
const HOUR_SECONDS = 3600;

function urgencyOf({ limit, seconds, counter }: Window, now: number): number {
  const left = Math.max(0, limit - counter.used(now)) / limit;
  const time = Math.max(1, counter.turnsAt(now) - now) / (seconds * 1000);
  return left / time;
}

/** A long answer is only a guess, and so is a prompt that is counted longer than most: whatever probably fits a window may have the whole of it. */
function costOf(pool: Pool, model: PoolModel, { input, likelyInput, output, allowed, audioSeconds }: Estimate): Totals {
  const most = Math.min(pool.meter.mostTokens(), model.meter.mostTokens());
  const tokens = input + (model.charging.reservesAllowed ? Math.max(output, allowed) : output);
  return { requests: 1, tokens: likelyInput <= most ? Math.min(tokens, most) : tokens, audio_seconds: audioSeconds };
}

/** As the journal has it: sound only where there is some. */
export function written({ requests, tokens, audio_seconds: audio }: Cost): Written {
  return audio === 0 ? { requests, tokens } : { requests, tokens, audio_seconds: audio };
}
