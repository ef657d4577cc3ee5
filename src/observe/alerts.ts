/** Which events are news worth waking somebody for, each told once. */
import type { GatewayEvent } from '../types.ts';

export interface Alert {
  readonly type: 'account.died' | 'account.recovered' | 'account.spent';
  readonly timestamp: string;
  readonly data: {
    readonly account: string;
    readonly provider: string;
    readonly label: string;
    readonly state: string;
    readonly reason: string;
    readonly until?: string;
  };
}

export interface Alerts {
  readonly of: (event: GatewayEvent) => Alert | undefined;
}

/** Reasons that mean the free quota of the day, or what was paid for, is used up. */
const SPENT: ReadonlySet<string> = new Set(['rate-day', 'day-spent', 'balance']);
/** A probe that finds the same day still spent is no news; the next day's end is. */
const SAME_DAY_MS = 12 * 3_600_000;

export function createAlerts(now: () => number): Alerts {
  const last = new Map<string, { readonly type: Alert['type']; readonly at: number }>();

  return {
    of(event) {
      if (event.type !== 'account-changed') return undefined;
      const before = last.get(event.account.id);
      const type = typeOf(event, before?.type === 'account.died');
      if (type === undefined) return undefined;
      const { account: { id, provider, label }, state, reason, until } = event;
      if (before?.type === type && (type !== 'account.spent' || now() - before.at < SAME_DAY_MS)) return undefined;
      last.set(id, { type, at: now() });
      return { type, timestamp: new Date(now()).toISOString(), data: { account: id, provider, label, state, reason, ...(until !== undefined && { until: new Date(until).toISOString() }) } };
    },
  };
}

function typeOf({ state, reason }: GatewayEvent & { readonly type: 'account-changed' }, dead: boolean): Alert['type'] | undefined {
  if (state === 'suspended') return 'account.died';
  if (state === 'resting' && SPENT.has(reason)) return 'account.spent';
  // A moment's rest that is over was no news either.
  if (state === 'active' && (dead || reason === 'suspended' || SPENT.has(reason))) return 'account.recovered';
  return undefined;
}
