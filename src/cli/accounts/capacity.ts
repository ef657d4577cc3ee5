/** What the accounts are good for in a day, by what the catalogue says. */
import { poolOf } from '../../accounts/pool-of.ts';
import type { Account, Catalogue, Limits, Provider } from '../../types.ts';

const DAY_SECONDS = 86_400;

/** The tightest window of requests, spread over a day. Undefined: nobody published one. */
function requestsADay({ windows }: Limits): number | undefined {
  const days = windows.filter(({ unit }) => unit === 'requests').map(({ limit, seconds }) => Math.floor((limit * DAY_SECONDS) / seconds));
  return days.length === 0 ? undefined : Math.min(...days);
}

/** Of one pool at this provider: all models together. Undefined: unknown. */
export function dailyRequests({ limits, models }: Provider): number | undefined {
  const each = models.map((model) => requestsADay(model.limits));
  const known = each.filter((requests) => requests !== undefined);
  const together = requestsADay(limits);
  const apart = known.length === 0 || known.length < each.length ? undefined : known.reduce((sum, requests) => sum + requests, 0);
  if (together === undefined || apart === undefined) return together ?? apart;
  return Math.min(together, apart);
}

/** Of all accounts: each pool counted once. */
export function totalDailyRequests(accounts: readonly Account[], { providers }: Catalogue): number {
  const pools = new Map<string, number>();
  for (const account of accounts.filter(({ enabled }) => enabled)) {
    const provider = providers.get(account.provider);
    if (provider !== undefined) pools.set(poolOf(account, provider), dailyRequests(provider) ?? 0);
  }
  return [...pools.values()].reduce((sum, requests) => sum + requests, 0);
}

/** Accounts that draw on the same quota, so that one more of them gains nothing. */
export function sharers(account: Account, accounts: readonly Account[], provider: Provider): readonly Account[] {
  const pool = poolOf(account, provider);
  return accounts.filter((other) => other.id !== account.id && other.provider === provider.name && poolOf(other, provider) === pool);
}
