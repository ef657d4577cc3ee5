/** Every account and window as it stands. */
import type { Account, AccountState, Catalogue } from '../types.ts';
import type { AccountView, WindowView } from './contract.ts';
import type { Meter } from './meter.ts';
import { poolOf } from './pool-of.ts';
import type { Pools } from './pools.ts';
import type { Rest, Rests } from './rest.ts';
import { emptyAt } from './window.ts';

export interface ViewParts {
  readonly pools: Pools;
  readonly rests: Rests;
  readonly catalogue: () => Catalogue;
  readonly accounts: () => readonly Account[];
  readonly now: () => number;
}

export function createView({ pools, rests, catalogue, accounts, now }: ViewParts): () => readonly AccountView[] {
  return () => {
    const at = now();
    const all = rests.all(at);
    return accounts().map((account): AccountView => {
      const provider = catalogue().providers.get(account.provider);
      const pool = provider === undefined ? account.provider : poolOf(account, provider);
      const meters = pools.all().get(pool);
      const own = all.filter((rest) => covers(rest, account, pool));
      return {
        account,
        pool,
        state: stateOf(account, own),
        ...(provider?.status === 'trial' && { trial: true as const }),
        rests: own.map(({ scope, model, until, reason }) => ({
          scope, ...(model !== undefined && { model }), ...(Number.isFinite(until) && { until }), reason,
        })),
        windows: [...windowsOf(meters?.meter, at), ...[...(meters?.models ?? [])].flatMap(([model, { meter }]) => windowsOf(meter, at, model))],
      };
    });
  };
}

function covers(rest: Rest, account: Account, pool: string): boolean {
  if (rest.accountId !== undefined) return rest.accountId === account.id;
  if (rest.pool !== undefined) return rest.pool === pool;
  return rest.provider === account.provider;
}

function stateOf(account: Account, rests: readonly Rest[]): AccountState {
  if (!account.enabled) return 'disabled';
  const whole = rests.filter(({ scope }) => scope === 'account' || scope === 'pool' || scope === 'provider');
  if (whole.some(({ until }) => !Number.isFinite(until))) return 'suspended';
  return whole.length > 0 ? 'resting' : 'active';
}

function windowsOf(meter: Meter | undefined, at: number, model?: string): WindowView[] {
  if (meter === undefined) return [];
  const named = model === undefined ? {} : { model };
  const windows = meter.windows.filter(({ limit }) => Number.isFinite(limit)).map((window): WindowView => {
    const { unit, seconds, limit, source, counter } = window;
    const empty = emptyAt(window, at);
    return { unit, seconds, ...named, limit, used: counter.used(at), resetsAt: counter.wholeAt(at), source, ...(empty !== undefined && { emptyAt: empty }) };
  });
  if (!Number.isFinite(meter.concurrent)) return windows;
  return [...windows, { unit: 'concurrent', seconds: 0, ...named, limit: meter.concurrent, used: meter.inFlight, source: 'configured' }];
}
