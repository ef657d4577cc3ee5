/** The meters of every pool and of every model in it, configured by the catalogue and the operator. */
import type { Account, Limits, Provider, Target } from '../types.ts';
import { type Charging, NOT_SHOWN, type Shown, UNKNOWN_CHARGING } from './charging.ts';
import { type Meter, createMeter } from './meter.ts';
import { ownLimits, poolOf, splitLimits } from './pool-of.ts';

export interface PoolModel {
  readonly meter: Meter;
  /** The snapshot it was configured from. */
  limits: Limits | undefined;
  charging: Charging;
  shown: Shown;
}

export interface Pool {
  readonly meter: Meter;
  readonly models: Map<string, PoolModel>;
  own: { readonly pool: Limits; readonly model: Limits };
  provider: Provider | undefined;
}

export interface Pools {
  /** The two that cover a call. What was counted and learned outlives a new snapshot. */
  covering(pool: string, target: Target): readonly [Pool, PoolModel];
  /** Who is in which pool, and what the operator allows them, is read anew. */
  update(accounts: readonly Account[]): void;
  all(): ReadonlyMap<string, Pool>;
}

export function createPools(): Pools {
  const pools = new Map<string, Pool>();
  let everyone: readonly Account[] = [];

  function named(name: string): Pool {
    const known = pools.get(name);
    if (known !== undefined) return known;
    const none: Limits = { windows: [] };
    const made: Pool = { meter: createMeter(), models: new Map(), own: { pool: none, model: none }, provider: undefined };
    pools.set(name, made);
    return made;
  }

  function configure(pool: Pool, name: string, provider: Provider): void {
    pool.provider = provider;
    pool.own = splitLimits(ownLimits(everyone.filter((account) => account.provider === provider.name && poolOf(account, provider) === name)), provider);
    pool.meter.configure(provider.limits, pool.own.pool);
    for (const model of pool.models.values()) model.limits = undefined;
  }

  return {
    covering(name, { provider, model }) {
      const pool = named(name);
      if (pool.provider !== provider) configure(pool, name, provider);
      const known = pool.models.get(model.name);
      const entry: PoolModel = known ?? { meter: createMeter(), limits: undefined, charging: UNKNOWN_CHARGING, shown: NOT_SHOWN };
      if (known === undefined) pool.models.set(model.name, entry);
      if (entry.limits !== model.limits) {
        entry.limits = model.limits;
        entry.meter.configure(model.limits, pool.own.model);
      }
      return [pool, entry];
    },
    update(accounts) {
      everyone = accounts;
      for (const pool of pools.values()) pool.provider = undefined;
    },
    all: () => pools,
  };
}
