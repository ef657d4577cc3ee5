/** How fast something is used up of late. */

export interface Pace {
  add(now: number, amount: number): void;
  /** Units a millisecond. */
  at(now: number): number;
}

/** The last hour decides: long enough not to jump with every burst, short enough to see an evening begin. */
const MEMORY_MS = 3_600_000;

export function createPace(): Pace {
  let sum = 0;
  let last = 0;
  let since: number | undefined;

  const faded = (now: number): number => sum * Math.exp((last - now) / MEMORY_MS);

  return {
    add(now, amount) {
      since ??= now;
      sum = faded(now) + amount;
      last = now;
    },
    at(now) {
      if (since === undefined) return 0;
      // Before an hour has passed the memory is not full yet; a quarter of it keeps the first calls from counting for much.
      const filled = 1 - Math.exp(-Math.max(now - since, MEMORY_MS / 4) / MEMORY_MS);
      return faded(now) / (MEMORY_MS * filled);
    },
  };
}
