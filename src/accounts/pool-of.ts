/** Whose quota an account draws on, and the operator's own limits for it. */
import type { Account, Limits, Provider, WindowLimit } from '../types.ts';

/**
 * The name of the pool: `groq/organization:acme`, or `groq/account:<id>` where the account names no organisation,
 * or the provider alone where it counts everybody here together.
 */
export function poolOf(account: Account, provider: Provider): string {
  if (provider.quotaScope === 'provider') return provider.name;
  if (provider.quotaScope !== 'account' && account.organization !== undefined) {
    return `${provider.name}/${provider.quotaScope}:${account.organization}`;
  }
  return `${provider.name}/account:${account.id}`;
}

/** The strictest of what the operator set for the accounts of one pool. */
export function ownLimits(accounts: readonly Account[]): Limits {
  const windows = new Map<string, WindowLimit>();
  let concurrent = Number.POSITIVE_INFINITY;
  for (const { limits } of accounts) {
    concurrent = Math.min(concurrent, limits?.concurrent ?? concurrent);
    for (const window of limits?.windows ?? []) {
      const key = `${window.unit}/${window.seconds}`;
      const known = windows.get(key);
      if (known === undefined || window.limit < known.limit) windows.set(key, window);
    }
  }
  return { windows: [...windows.values()], ...(Number.isFinite(concurrent) && { concurrent }) };
}

/** Own limits bind where the provider keeps such a window: for each model, or else for the pool as a whole. */
export function splitLimits(own: Limits, provider: Provider): { readonly pool: Limits; readonly model: Limits } {
  const perModel = ({ unit, seconds }: WindowLimit): boolean =>
    provider.models.some(({ limits }) => limits.windows.some((window) => window.unit === unit && window.seconds === seconds));
  return {
    pool: { ...own, windows: own.windows.filter((window) => !perModel(window)) },
    model: { windows: own.windows.filter(perModel) },
  };
}
