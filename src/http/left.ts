/** What is left of a model's quotas, over all accounts that have it. */
import type { AccountView, WindowView } from '../accounts/accounts.ts';
import type { Catalogue } from '../types.ts';

export interface Left {
  readonly unit: WindowView['unit'];
  readonly seconds: number;
  readonly limit: number;
  readonly remaining: number;
}

export type LeftOf = (provider: string, model: string) => readonly Left[];

interface Limited<Unit> {
  readonly limits: { readonly windows: readonly { readonly unit: Unit; readonly limit: number; readonly seconds: number }[]; readonly concurrent?: number | undefined };
}

interface Whole<Unit> {
  readonly unit: Unit | 'concurrent';
  readonly seconds: number;
  readonly model?: string;
  readonly limit: number;
  readonly used: 0;
  readonly source: 'configured';
}

/** A pool counts nothing before it is asked: the windows it does not keep yet, as the catalogue has them. */
export function untouched<Unit>(kept: readonly { readonly model?: string | undefined }[], provider: Limited<Unit> & { readonly models: readonly (Limited<Unit> & { readonly name: string })[] }): readonly Whole<Unit>[] {
  const counted = new Set(kept.map(({ model }) => model));
  const whole = ({ limits: { windows, concurrent } }: Limited<Unit>, model?: string): readonly Whole<Unit>[] => {
    if (counted.has(model)) return [];
    const all = [...windows, ...(concurrent === undefined ? [] : [{ unit: 'concurrent' as const, limit: concurrent, seconds: 0 }])];
    return all.map(({ unit, limit, seconds }) => ({ unit, limit, seconds, ...(model !== undefined && { model }), used: 0, source: 'configured' }));
  };
  return [...whole(provider), ...provider.models.flatMap((model) => whole(model, model.name))];
}

/** Accounts that share a pool share its windows: these are counted once. */
export function leftBy(views: readonly AccountView[], { providers }: Catalogue): LeftOf {
  const pools = new Map<string, Map<string, readonly WindowView[]>>();
  for (const { account, pool, windows } of views) {
    const provider = providers.get(account.provider);
    const those = pools.get(account.provider) ?? new Map<string, readonly WindowView[]>();
    if (!those.has(pool)) those.set(pool, provider === undefined ? windows : [...windows, ...untouched(windows, provider)]);
    pools.set(account.provider, those);
  }
  return (provider, model) => {
    const sums = new Map<string, Left>();
    for (const window of [...(pools.get(provider)?.values() ?? [])].flat()) {
      if (window.model !== undefined && window.model !== model) continue;
      const { unit, seconds, limit, used } = window;
      const key = `${unit} ${seconds} ${window.model === undefined}`;
      const sum = sums.get(key);
      sums.set(key, { unit, seconds, limit: limit + (sum?.limit ?? 0), remaining: Math.max(0, limit - used) + (sum?.remaining ?? 0) });
    }
    return [...sums.values()];
  };
}
