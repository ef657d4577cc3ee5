/**
 * Who has used how much: one pool of windows per account or organisation, and per model where a provider counts so.
 */
import type { Limits, WindowLimit } from '../types.ts';
import type { ProviderLimits } from './limits.ts';
import { createCounter } from './windows.ts';
import type { Counter } from './windows.ts';
import type { Cost, Denial, Holder, Reading } from './types.ts';

export interface Lease {
  /** Corrects the tokens charged at admission to `tokens`. */
  readonly settle: (tokens: number) => void;
  /** The call is over. */
  readonly release: () => void;
}

export interface Meter {
  readonly admit: (at: number, cost: Cost) => Lease | Denial;
  readonly readings: (at: number) => readonly Reading[];
}

export const isDenial = (outcome: Lease | Denial): outcome is Denial => 'by' in outcome;

/** Waits shorter than this, in milliseconds, are rounding. */
const ROUNDING = 1e-3;

/** Meters of one provider, made as they are asked for. */
export function createMeters(limits: ProviderLimits): (holder: Holder, model: string) => Meter {
  const pools = new Map<string, Meter>();
  return (holder, model) => {
    const owner = holder[limits.scope];
    const name = limits.models === 'each' ? `${owner} ${model}` : owner;
    const known = pools.get(name);
    if (known !== undefined) return known;
    const own = limits.accounts.find((known) => known.quota !== undefined && known[limits.scope] === holder[limits.scope])?.quota;
    const made = createMeter(own ?? limits.byModel.get(model) ?? limits.quota, limits.refused === 'count');
    pools.set(name, made);
    return made;
  };
}

const amount = ({ unit }: WindowLimit, cost: Cost): number => (unit === 'requests' ? 1 : (cost[unit] ?? 0));

function createMeter({ windows, concurrent }: Limits, countRefused: boolean): Meter {
  const counters = windows.map((window): [WindowLimit, Counter] => [window, createCounter(window)]);
  let inFlight = 0;

  /** The window that keeps the call waiting longest decides what it is told. */
  const deny = (at: number, cost: Cost): Denial | undefined => {
    if (concurrent !== undefined && inFlight >= concurrent) return { by: 'concurrency', limit: concurrent };
    return counters
      .map(([window, counter]) => {
        const requested = amount(window, cost);
        return { by: 'window' as const, window, used: counter.used(at), requested, waitMs: counter.wait(at, requested) };
      })
      .filter(({ waitMs }) => waitMs > ROUNDING)
      .sort((one, other) => other.waitMs - one.waitMs)[0];
  };

  return {
    admit: (at, cost) => {
      const denial = deny(at, cost);
      if (denial !== undefined) {
        if (countRefused) for (const [window, counter] of counters) if (window.unit === 'requests') counter.add(at, 1);
        return denial;
      }
      const charges = counters.map(([window, counter]) => ({ unit: window.unit, correct: counter.add(at, amount(window, cost)) }));
      inFlight += 1;
      return {
        settle: (used) => {
          for (const { unit, correct } of charges) if (unit === 'tokens') correct(used);
        },
        release: () => {
          inFlight -= 1;
        },
      };
    },
    readings: (at) => counters.map(([window, counter]) => ({ window, used: counter.used(at), resetMs: counter.reset(at) })),
  };
}
