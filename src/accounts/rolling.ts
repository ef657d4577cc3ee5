/** A sliding window: what was taken within the last `spanMs` counts. */
import { type Reset, type Tally, sum } from './counter.ts';
import { createRing } from './ring.ts';

/** A grain of a minute is 15 ms, of a day 21 s. */
const GRAINS = 4096;

/** Into how many steps foreign use of unknown age is spread when upstream only said when the first call fits. */
const SPREAD_STEPS = 32;

export function createRolling(spanMs: number): Tally {
  const taken = createRing(spanMs / GRAINS);

  function expire(now: number): void {
    while (taken.oldest + spanMs <= now) taken.shift();
  }

  function addForeign(now: number, amount: number, reset: Reset): void {
    const age = (at: number): number => Math.min(now, Math.max(at - spanMs, now - spanMs));
    if (reset === undefined) taken.insert(now, amount);
    else if (reset.kind === 'whole') taken.insert(age(reset.at), amount);
    else spread(age(reset.at), now, amount);
  }

  function spread(from: number, to: number, amount: number): void {
    const steps = Math.min(SPREAD_STEPS, amount);
    let placed = 0;
    for (let step = 1; step <= steps; step += 1) {
      const upTo = Math.round((amount * step) / steps);
      taken.insert(from + ((to - from) * (step - 1)) / Math.max(1, steps - 1), upTo - placed);
      placed = upTo;
    }
  }

  return {
    used(now) {
      expire(now);
      return taken.total;
    },
    before: () => 0,
    take(at, amount) {
      expire(at);
      taken.push(at, amount);
    },
    refund(now, at, amount) {
      expire(now);
      taken.lessen(at, amount);
    },
    delay: (ms) => taken.delay(ms),
    clearsAt(now, ceiling, coming) {
      expire(now);
      let left = taken.total + sum(coming);
      if (left <= ceiling) return now;
      for (let index = 0; index < taken.size; index += 1) {
        left -= taken.amountAt(index);
        if (left <= ceiling) return taken.timeAt(index) + spanMs;
      }
      for (const { at, amount } of coming) {
        left -= amount;
        if (left <= ceiling) return at + spanMs;
      }
      return Number.POSITIVE_INFINITY;
    },
    set(now, used, reset) {
      expire(now);
      if (used < taken.total) taken.drop(taken.total - used);
      else if (used > taken.total) addForeign(now, used - taken.total, reset);
    },
    wholeAt(now, coming) {
      expire(now);
      const last = coming.at(-1)?.at ?? (taken.size === 0 ? undefined : taken.timeAt(taken.size - 1));
      return last === undefined ? now : last + spanMs;
    },
    turnsAt: () => Number.POSITIVE_INFINITY,
    save(coming) {
      const state: number[] = [];
      for (let index = 0; index < taken.size; index += 1) state.push(taken.timeAt(index), taken.amountAt(index));
      for (const { at, amount } of coming) state.push(at, amount);
      return state;
    },
    load(state, latest) {
      taken.drop(taken.total);
      for (let index = 0; index + 1 < state.length; index += 2) taken.push(Math.min(latest, state[index] ?? 0), state[index + 1] ?? 0);
    },
  };
}
