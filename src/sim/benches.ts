/** What each provider answers by: its wire format, its limits, and who has used how much of them. */
import type { Limits } from './limits.ts';
import type { Bench, Pace } from './plan.ts';
import { createMeters } from './quota.ts';
import type { Holder, ProviderName, Wire } from './types.ts';

export interface BenchOptions {
  readonly wires: Readonly<Record<ProviderName, Wire>>;
  readonly now: () => number;
  readonly limits: Limits;
  readonly pace: Pace;
  readonly seed: number;
}

export interface Benches {
  /** The provider that serves this path. */
  readonly at: (path: string) => Bench | undefined;
  /** New limits, and empty windows. */
  readonly setLimits: (limits: Limits) => void;
}

export function createBenches({ wires, now, limits, pace, seed }: BenchOptions): Benches {
  const make = (given: Limits): Bench[] =>
    Object.values(wires).map((wire) => {
      const { lag, accounts } = given[wire.name];
      const meter = createMeters(given[wire.name]);
      return { wire, accounts, meter, shown: laggingReadings(meter, lag, now), pace, seed };
    });
  let benches = make(limits);
  return {
    at: (path) => benches.find(({ wire }) => path.startsWith(`${wire.basePath}/`)),
    setLimits: (next) => {
      benches = make(next);
    },
  };
}

/** The counter `/key` shows is read at most once in `lag` milliseconds. */
function laggingReadings(meter: Bench['meter'], lag: number, now: () => number): Bench['shown'] {
  const last = new Map<string, { readonly at: number; readonly readings: ReturnType<Bench['shown']> }>();
  return (holder: Holder) => {
    const at = now();
    const known = last.get(holder.account);
    if (known !== undefined && at - known.at < lag) return known.readings;
    const readings = meter(holder, '').readings(at);
    last.set(holder.account, { at, readings });
    return readings;
  };
}
