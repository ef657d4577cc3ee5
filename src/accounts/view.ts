/** Every account and window as it stands. */
import type { Account, AccountState, Catalogue } from '../types.ts';
import type { AccountView, WindowView } from './accounts.ts';
import type { Ledger } from './ledger.ts';
import type { Meter } from './meter.ts';
import type { Rest, Rests } from './rest.ts';

export interface ViewParts {
  readonly ledger: Ledger;
  readonly rests: Rests;
  readonly catalogue: () => Catalogue;
  readonly accounts: () => readonly Account[];
  readonly now: () => number;
}

export function createView({ ledger, rests, catalogue, accounts, now }: ViewParts): () => readonly AccountView[] {
  return () => {
    const at = now();
    const all = rests.all(at);
    return accounts().map((account): AccountView => {
      const provider = catalogue().providers.get(account.provider);
      const pool = provider === undefined ? account.provider : ledger.poolOf(account, provider);
      const meters = ledger.meters(pool);
      const own = all.filter((rest) => covers(rest, account, pool));
      return {
        account,
        pool,
        state: stateOf(account, own),
        rests: own.map(({ scope, model, until, reason }) => ({
          scope, ...(model !== undefined && { model }), ...(Number.isFinite(until) && { until }), reason,
        })),
        windows: [...windowsOf(meters.pool, at), ...[...meters.models].flatMap(([model, meter]) => windowsOf(meter, at, model))],
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
  const windows = meter.windows.filter(({ limit }) => Number.isFinite(limit)).map(({ unit, seconds, limit, source, counter }): WindowView => ({
    unit, seconds, ...named, limit, used: counter.used(at), resetsAt: counter.wholeAt(at), source,
  }));
  if (!Number.isFinite(meter.concurrent)) return windows;
  return [...windows, { unit: 'concurrent', seconds: 0, ...named, limit: meter.concurrent, used: meter.inFlight, source: 'configured' }];
}
