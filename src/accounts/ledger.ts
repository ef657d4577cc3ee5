/** Every window of every pool: what is taken, all or none, and what upstream says of it. */
import type { Account, Fact, Limits, Provider, Target, Unit } from '../types.ts';
import { type Cost, type Free, type Learned, type Meter, type Totals, createMeter } from './meter.ts';
import { ownLimits, poolOf, splitLimits } from './pool.ts';

/** What one call has taken, until it is settled. */
export interface Hold {
  readonly at: number;
  readonly cost: Totals;
  readonly pool: string;
  readonly model: string;
  readonly meters: readonly Meter[];
  /** What upstream had certainly seen of each meter when this call was sent. */
  readonly seenBefore: readonly Totals[];
  answered: boolean;
}

export interface Ledger {
  poolOf(account: Account, provider: Provider): string;
  take(now: number, pool: string, target: Target, cost: Cost): Hold | undefined;
  freeAt(now: number, pool: string, target: Target, cost: Cost): Blocked;
  /** The largest tokens one call may draw here, by the windows known. */
  mostTokens(pool: string, target: Target): number;
  learn(now: number, hold: Hold, facts: readonly Fact[]): readonly Learned[];
  adjust(now: number, hold: Hold, unit: Unit, actual: number): void;
  release(hold: Hold): void;
  update(accounts: readonly Account[]): void;
  meters(pool: string): { readonly pool: Meter | undefined; readonly models: ReadonlyMap<string, Meter> };
}

export interface Blocked extends Free {
  /** Names the meter that blocks: whoever waits for it holds its place against newcomers. */
  readonly meter?: string;
  readonly full?: boolean;
}

interface Pool {
  readonly name: string;
  readonly meter: Meter;
  readonly models: Map<string, { readonly meter: Meter; limits: Limits | undefined }>;
  accounts: readonly Account[];
  own: { readonly pool: Limits; readonly model: Limits };
  provider: Provider | undefined;
}

/** A call that ends tells when the next may go, so nobody knows before: this is how long a caller is told to wait at least. */
const CALL_MS = 1000;

export function createLedger(): Ledger {
  const pools = new Map<string, Pool>();
  let everyone: readonly Account[] = [];

  function poolNamed(name: string): Pool {
    const known = pools.get(name);
    if (known !== undefined) return known;
    const none: Limits = { windows: [] };
    const made: Pool = { name, meter: createMeter(), models: new Map(), accounts: [], own: { pool: none, model: none }, provider: undefined };
    pools.set(name, made);
    return made;
  }

  /** The two meters that cover a call, configured anew where the catalogue's snapshot changed. */
  function covering(name: string, { provider, model }: Target): readonly [Meter, Meter] {
    const pool = poolNamed(name);
    if (pool.provider !== provider) {
      pool.provider = provider;
      pool.accounts = everyone.filter((account) => account.provider === provider.name && poolOf(account, provider) === name);
      pool.own = splitLimits(ownLimits(pool.accounts), provider);
      pool.meter.configure(provider.limits, pool.own.pool);
      for (const entry of pool.models.values()) entry.limits = undefined;
    }
    const entry = pool.models.get(model.name) ?? { meter: createMeter(), limits: undefined };
    if (entry.limits !== model.limits) {
      pool.models.set(model.name, entry);
      entry.limits = model.limits;
      entry.meter.configure(model.limits, pool.own.model);
    }
    return [pool.meter, entry.meter];
  }

  return {
    poolOf,
    take(now, name, target, cost) {
      const meters = covering(name, target);
      for (const meter of meters) if (!meter.fits(now, cost)) return undefined;
      const seenBefore = meters.map(({ answered }) => ({ ...answered }));
      for (const meter of meters) meter.take(now, cost);
      return { at: now, cost: { ...cost }, pool: name, model: target.model.name, meters, seenBefore, answered: false };
    },
    freeAt(now, name, target, cost) {
      const [pool, model] = covering(name, target);
      const whole = { ...pool.freeAt(now, cost), meter: name };
      const own = { ...model.freeAt(now, cost), meter: `${name} ${target.model.name}` };
      const latest = whole.at > own.at ? whole : own;
      if (latest.at > now) return latest;
      if (pool.inFlight >= pool.concurrent) return { at: now + CALL_MS, meter: whole.meter, full: true };
      if (model.inFlight >= model.concurrent) return { at: now + CALL_MS, meter: own.meter, full: true };
      return { at: now };
    },
    mostTokens(name, target) {
      const [pool, model] = covering(name, target);
      return Math.min(pool.mostTokens(), model.mostTokens());
    },
    learn(now, hold, facts) {
      const learned = facts.flatMap((fact) => correctOne(now, hold, fact) ?? []);
      if (!hold.answered) {
        hold.answered = true;
        for (const { answered } of hold.meters) addTo(answered, hold.cost);
      }
      return learned;
    },
    adjust(now, hold, unit, actual) {
      const difference = actual - hold.cost[unit];
      if (difference === 0) return;
      hold.cost[unit] = actual;
      for (const meter of hold.meters) {
        meter.adjust(now, hold.at, unit, difference);
        if (hold.answered) meter.answered[unit] += difference;
      }
    },
    release(hold) {
      if (!hold.answered) for (const { answered } of hold.meters) addTo(answered, hold.cost);
      hold.answered = true;
      for (const meter of hold.meters) meter.leave();
    },
    update(accounts) {
      everyone = accounts;
      for (const pool of pools.values()) pool.provider = undefined;
    },
    meters(name) {
      const pool = pools.get(name);
      return { pool: pool?.meter, models: new Map([...(pool?.models ?? [])].map(([model, { meter }]) => [model, meter])) };
    },
  };
}

function correctOne(now: number, hold: Hold, fact: Fact): Learned | undefined {
  for (const index of scopesOf(fact, hold)) {
    const meter = hold.meters[index];
    const before = hold.seenBefore[index];
    if (meter === undefined || before === undefined) continue;
    // A provider may charge tokens only when the answer ends: until then this very call may be unseen as well.
    const own = fact.unit === 'requests' ? hold.cost.requests : 0;
    const learned = meter.correct(now, fact, Math.max(0, meter.taken[fact.unit] - before[fact.unit] - own));
    if (learned !== undefined) return learned;
  }
  return undefined;
}

/** Which meters to ask, best first: where upstream did not say, the one that keeps such a window already, and else where limits are kept. */
function scopesOf(fact: Fact, hold: Hold): readonly number[] {
  if (fact.scope === 'pool') return [0];
  if (fact.scope === 'model') return [1];
  const [pool, model] = hold.meters;
  if (keeps(model, fact)) return [1];
  if (keeps(pool, fact)) return [0];
  return keeps(pool) && !keeps(model) ? [0, 1] : [1, 0];
}

/** Whether it knows a limit: of the window a fact speaks of, or any. */
const keeps = (meter: Meter | undefined, fact?: Fact): boolean =>
  meter?.windows.some(({ unit, seconds, limit }) =>
    Number.isFinite(limit) && (fact === undefined || (unit === fact.unit && seconds === fact.seconds))) ?? false;

function addTo(totals: Totals, cost: Cost): void {
  totals.requests += cost.requests;
  totals.tokens += cost.tokens;
}
