/** What statistics can be asked for, and what they answer. */

/** What sums may be kept apart by. Weeks are ISO weeks (`2026-W32`); all times are UTC. */
export const GROUPS = ['day', 'week', 'month', 'key', 'project', 'provider', 'model', 'account'] as const;
export type Group = (typeof GROUPS)[number];

export interface StatsQuery {
  /** One row for each combination. Empty: only the total. */
  readonly by: readonly Group[];
  /** The first day counted, `2026-08-01`. */
  readonly from: string;
  /** The first day no longer counted. Absent: up to now. */
  readonly to?: string;
  /** Only this virtual key, by id; by name where the door was open and there was none. */
  readonly only?: { readonly id: string } | { readonly name: string };
  readonly limit: number;
  readonly offset: number;
}

/** Money is USD. An absent figure is unknown, which is never the same as zero. */
export interface Sums {
  readonly requests: number;
  /** Requests without a whole answer. */
  readonly failures: number;
  /** Calls upstream, and those that came to nothing. */
  readonly attempts: number;
  readonly failedAttempts: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Requests whose tokens are an estimate, because upstream told none. */
  readonly estimated: number;
  readonly costUsd?: number;
  /** Requests that used something at a price nobody knows: not in `costUsd`. */
  readonly unpriced: number;
  /** Against list price. */
  readonly savedUsd?: number;
  /** Requests that used something whose cost or list price nobody knows: not in `savedUsd`. */
  readonly unvalued: number;
  /** Of whole answers: mean and percentiles, the latter from buckets a factor of 1.5 wide. */
  readonly meanMs?: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  /** Mean time to the first content. */
  readonly firstContentMs?: number;
}

export interface StatsRow extends Sums {
  /** The value of each group asked for; empty where it does not apply, e.g. no provider answered. */
  readonly group: Readonly<Partial<Record<Group, string>>>;
}

export interface Stats {
  readonly rows: readonly StatsRow[];
  /** Further rows after these. */
  readonly more: boolean;
  readonly total: Sums;
}
