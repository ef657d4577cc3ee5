/** A sliding window: what was taken within the last `spanMs` counts. */
import { type Counter, GUARD_MS, type Reset } from './counter.ts';

/**
 * Up to this many entries every millisecond with an event has its own; beyond it events of one grain (a 4096th of the span:
 * 15 ms of a minute, 21 s of a day) share one entry that expires with its youngest. So a window never holds more than twice as many: 128 KB.
 */
const EXACT_ENTRIES = 4096;

/** Into how many steps foreign use of unknown age is spread when upstream only said when the first call fits. */
const SPREAD_STEPS = 32;

export function createRolling(spanMs: number): Counter {
  let guard = GUARD_MS;
  const grain = spanMs / EXACT_ENTRIES;
  // A ring of (time, amount), oldest first; its size is a power of two.
  let times = new Float64Array(64);
  let amounts = new Float64Array(64);
  let head = 0;
  let count = 0;
  let total = 0;

  const slot = (index: number): number => (head + index) & (times.length - 1);
  const timeAt = (index: number): number => times[slot(index)] ?? 0;
  const amountAt = (index: number): number => amounts[slot(index)] ?? 0;

  function expire(now: number): void {
    while (count > 0 && timeAt(0) + spanMs + guard <= now) {
      total -= amountAt(0);
      head = slot(1);
      count -= 1;
    }
  }

  function grow(): void {
    const largerTimes = new Float64Array(times.length * 2);
    const largerAmounts = new Float64Array(times.length * 2);
    for (let index = 0; index < count; index += 1) {
      largerTimes[index] = timeAt(index);
      largerAmounts[index] = amountAt(index);
    }
    times = largerTimes;
    amounts = largerAmounts;
    head = 0;
  }

  const sameEntry = (one: number, other: number): boolean =>
    one === other || (count >= EXACT_ENTRIES && Math.floor(one / grain) === Math.floor(other / grain));

  function push(at: number, amount: number): void {
    total += amount;
    const last = count - 1;
    if (count > 0 && sameEntry(timeAt(last), at)) {
      times[slot(last)] = at;
      amounts[slot(last)] = amountAt(last) + amount;
      return;
    }
    if (count === times.length) grow();
    times[slot(count)] = at;
    amounts[slot(count)] = amount;
    count += 1;
  }

  /** The first entry at or after `at`. */
  function find(at: number): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (timeAt(middle) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds what others took, at its place in time: rare, so moving the younger entries is fine. */
  function insert(at: number, amount: number): void {
    const place = find(at);
    const younger = Array.from({ length: count - place }, (_, index) => [timeAt(place + index), amountAt(place + index)] as const);
    count = place;
    push(at, amount);
    for (const [time, value] of younger) {
      total -= value;
      push(time, value);
    }
  }

  function dropOldest(amount: number): void {
    let left = amount;
    while (left > 0 && count > 0) {
      const dropped = Math.min(left, amountAt(0));
      amounts[slot(0)] = amountAt(0) - dropped;
      total -= dropped;
      left -= dropped;
      if (amountAt(0) > 0) return;
      head = slot(1);
      count -= 1;
    }
  }

  function addForeign(now: number, amount: number, reset: Reset): void {
    const latest = now;
    const age = (at: number): number => Math.min(latest, Math.max(at - spanMs, now - spanMs));
    if (reset === undefined) insert(latest, amount);
    else if (reset.kind === 'whole') insert(age(reset.at), amount);
    else spread(age(reset.at), latest, amount);
  }

  function spread(from: number, to: number, amount: number): void {
    const steps = Math.min(SPREAD_STEPS, amount);
    let placed = 0;
    for (let step = 1; step <= steps; step += 1) {
      const upTo = Math.round((amount * step) / steps);
      insert(from + ((to - from) * (step - 1)) / Math.max(1, steps - 1), upTo - placed);
      placed = upTo;
    }
  }

  return {
    used(now) {
      expire(now);
      return total;
    },
    before: () => 0,
    take(now, amount) {
      expire(now);
      push(now, amount);
    },
    refund(now, at, amount) {
      expire(now);
      const index = find(at);
      if (index === count || !(timeAt(index) === at || timeAt(index) - at < grain)) return;
      const refunded = Math.min(amount, amountAt(index));
      amounts[slot(index)] = amountAt(index) - refunded;
      total -= refunded;
    },
    clearsAt(now, ceiling) {
      expire(now);
      let left = total;
      if (left <= ceiling) return now;
      for (let index = 0; index < count; index += 1) {
        left -= amountAt(index);
        if (left <= ceiling) return timeAt(index) + spanMs + guard;
      }
      return Number.POSITIVE_INFINITY;
    },
    set(now, used, reset) {
      expire(now);
      if (used < total) dropOldest(total - used);
      else if (used > total) addForeign(now, used - total, reset);
    },
    wholeAt(now) {
      expire(now);
      return count === 0 ? now : timeAt(count - 1) + spanMs + guard;
    },
    turnsAt: () => Number.POSITIVE_INFINITY,
    get guard() { return guard; },
    set guard(milliseconds) { guard = milliseconds; },
    save() {
      const state: number[] = [];
      for (let index = 0; index < count; index += 1) {
        state.push(timeAt(index), amountAt(index));
      }
      return state;
    },
    load(state, now) {
      count = 0;
      total = 0;
      for (let index = 0; index + 1 < state.length; index += 2) push(Math.min(now, state[index] ?? 0), state[index + 1] ?? 0);
    },
  };
}
