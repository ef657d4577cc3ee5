/** What is left of a model's quotas, over all accounts that have it. */
import type { AccountView, WindowView } from '../accounts/accounts.ts';

export interface Left {
  readonly unit: WindowView['unit'];
  readonly seconds: number;
  readonly limit: number;
  readonly remaining: number;
}

export type LeftOf = (provider: string, model: string) => readonly Left[];

/** Accounts that share a pool share its windows: these are counted once. */
export function leftBy(views: readonly AccountView[]): LeftOf {
  const pools = new Map<string, Map<string, readonly WindowView[]>>();
  for (const { account, pool, windows } of views) {
    const those = pools.get(account.provider) ?? new Map<string, readonly WindowView[]>();
    pools.set(account.provider, those.set(pool, windows));
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
