/** Amounts by time, oldest first, in a ring that grows: put in at its end, let go at its beginning. */

/**
 * Up to this many entries every moment with an event has its own; beyond it events of one grain share one entry, as old as
 * its youngest. So a ring that spans 4096 grains never holds more than twice as many: 128 KB.
 */
const EXACT_ENTRIES = 4096;

export interface Ring {
  readonly size: number;
  /** When the oldest was put in; Infinity where there is none. */
  readonly oldest: number;
  /** Of all amounts. */
  readonly total: number;
  timeAt(index: number): number;
  amountAt(index: number): number;
  /** At the end: as of the youngest, where that is later. */
  push(at: number, amount: number): void;
  /** At its place in time. Moves what is younger, so for rare use. */
  insert(at: number, amount: number): void;
  /** Everything was so much later. */
  delay(ms: number): void;
  /** Lets the oldest go. */
  shift(): void;
  /** Takes away up to `amount`, oldest first. */
  drop(amount: number): void;
  /** Takes away up to `amount` of what was put in at `at`; how much it was. */
  lessen(at: number, amount: number): number;
}

export function createRing(grain: number): Ring {
  // The size is a power of two.
  let times = new Float64Array(64);
  let amounts = new Float64Array(64);
  let head = 0;
  let count = 0;
  let total = 0;
  /** Some entry stands for several moments. */
  let shared = false;

  const slot = (index: number): number => (head + index) & (times.length - 1);
  const timeAt = (index: number): number => times[slot(index)] ?? 0;
  const amountAt = (index: number): number => amounts[slot(index)] ?? 0;
  const sameGrain = (one: number, other: number): boolean => Math.floor(one / grain) === Math.floor(other / grain);

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

  function push(when: number, amount: number): void {
    total += amount;
    const last = count - 1;
    const at = count > 0 ? Math.max(when, timeAt(last)) : when;
    const same = count > 0 && timeAt(last) === at;
    if (same || (count >= EXACT_ENTRIES && sameGrain(timeAt(last), at))) {
      shared ||= !same;
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

  function shift(): void {
    total -= amountAt(0);
    head = slot(1);
    count -= 1;
  }

  return {
    get size() { return count; },
    get oldest() { return count === 0 ? Number.POSITIVE_INFINITY : (times[head] ?? 0); },
    get total() { return total; },
    timeAt,
    amountAt,
    push,
    insert(at, amount) {
      const place = find(at);
      const younger = Array.from({ length: count - place }, (_, index) => [timeAt(place + index), amountAt(place + index)] as const);
      count = place;
      push(at, amount);
      for (const [time, value] of younger) {
        total -= value;
        push(time, value);
      }
    },
    delay(ms) {
      for (let index = 0; index < count; index += 1) times[slot(index)] = timeAt(index) + ms;
    },
    shift,
    drop(amount) {
      let left = amount;
      while (left > 0 && count > 0) {
        const dropped = Math.min(left, amountAt(0));
        amounts[slot(0)] = amountAt(0) - dropped;
        total -= dropped;
        left -= dropped;
        if (amountAt(0) > 0) return;
        shift();
      }
    },
    lessen(at, amount) {
      const index = find(at);
      if (index === count || !(timeAt(index) === at || (shared && sameGrain(timeAt(index), at)))) return 0;
      const taken = Math.min(amount, amountAt(index));
      amounts[slot(index)] = amountAt(index) - taken;
      total -= taken;
      return taken;
    },
  };
}
