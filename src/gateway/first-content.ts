/** How long each model usually takes to its first content, and so how long a silent one is worth waiting for. */
import type { Target } from '../types.ts';

export interface FirstContent {
  readonly noted: (target: Target, milliseconds: number) => void;
  /** Undefined while too little is known. */
  readonly deadline: (target: Target) => number | undefined;
  /** What the quickest of these takes on average; 0 where one of them is unknown. */
  readonly usual: (targets: readonly Target[]) => number;
}

/** The slowest of the last hundred is the 99th percentile; 800 bytes a model. */
const KEPT = 100;
/** Fewer say nothing about the slow ones. */
const LEAST = 20;
/** Thrice the slowest is an accident, not slowness. Less than 3 s would mistake a lost packet for one; nobody waits 30 s for a first word while others could speak. */
const TIMES = 3;
const SHORTEST_MS = 3_000;
const LONGEST_MS = 30_000;

export function createFirstContent(): FirstContent {
  const known = new Map<string, { readonly times: number[]; next: number }>();
  const timesOf = (target: Target): readonly number[] => known.get(keyOf(target))?.times ?? [];
  return {
    noted(target, milliseconds) {
      const key = keyOf(target);
      const entry = known.get(key) ?? { times: [], next: 0 };
      entry.times[entry.next] = milliseconds;
      entry.next = (entry.next + 1) % KEPT;
      known.set(key, entry);
    },
    deadline(target) {
      const times = timesOf(target);
      if (times.length < LEAST) return undefined;
      return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, TIMES * Math.max(...times)));
    },
    usual: (targets) => Math.min(...targets.map((target) => average(timesOf(target)))),
  };
}

const average = (times: readonly number[]): number => times.reduce((sum, time) => sum + time, 0) / Math.max(1, times.length);

const keyOf = ({ provider, model }: Target): string => `${provider.name}/${model.name}`;
