/** Fields a model does not know: who found that out paid a call for it, and those who come after need not. */
import type { Clock, Target } from '../types.ts';

export interface Untaken {
  readonly noted: (target: Target, field: string) => void;
  readonly of: (target: Target) => ReadonlySet<string>;
}

/** A provider may learn a field: that is found out at the price of one call, which is little in an hour and much in twenty a day. */
const KEPT_MS = 6 * 3_600_000;

export function createUntaken(now: Clock): Untaken {
  const known = new Map<string, Map<string, number>>();
  return {
    noted(target, field) {
      const fields = known.get(keyOf(target)) ?? new Map<string, number>();
      fields.set(field, now() + KEPT_MS);
      known.set(keyOf(target), fields);
    },
    of(target) {
      const fields = known.get(keyOf(target));
      if (fields === undefined) return NONE;
      for (const [field, until] of fields) if (until <= now()) fields.delete(field);
      return new Set(fields.keys());
    },
  };
}

const NONE: ReadonlySet<string> = new Set();

const keyOf = ({ provider, model }: Target): string => `${provider.name}/${model.name}`;
