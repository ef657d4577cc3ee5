/** How many attempts may follow failed ones, over all requests: retries must not become the storm. */
import type { Clock } from '../types.ts';

export interface RetryBudget {
  /** A request came in: it brings its share. */
  readonly live: () => void;
  /** One more attempt after a failure of upstream's. False: not now. */
  readonly take: () => boolean;
  /** When one more will be possible, epoch milliseconds. */
  readonly nextAt: () => number;
}

export interface RetryBudgetOptions {
  readonly now: Clock;
  /** Attempts each live request allows. */
  readonly ratio: number;
  /** Allowed on top, so that quiet hours can retry at all. */
  readonly perSecond: number;
}

/** One request in a quiet hour may walk past ten broken candidates at once. */
const MOST_SAVED = 10;

export function createRetryBudget({ now, ratio, perSecond }: RetryBudgetOptions): RetryBudget {
  const state = { saved: MOST_SAVED, at: now() };
  const add = (amount: number): void => {
    state.saved = Math.min(MOST_SAVED, state.saved + amount);
  };
  const passTime = (): void => {
    const at = now();
    add((Math.max(0, at - state.at) / 1000) * perSecond);
    state.at = at;
  };
  return {
    live: () => add(ratio),
    take() {
      passTime();
      if (state.saved < 1) return false;
      state.saved -= 1;
      return true;
    },
    nextAt() {
      passTime();
      return state.at + (perSecond > 0 ? Math.ceil(((1 - Math.min(1, state.saved)) / perSecond) * 1000) : 1000);
    },
  };
}
