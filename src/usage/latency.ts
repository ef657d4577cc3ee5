/** Percentiles without keeping every duration: how many fell between each two bounds. */

/** 50 ms to nearly ten minutes, each half as long again: what is read back is at most that far off, usually a tenth. */
const FIRST_MS = 50;
const FACTOR = 1.5;
const BOUNDS = Array.from({ length: 24 }, (_, index) => FIRST_MS * FACTOR ** index);

/** One more than there are bounds: the last has no end. */
export const BUCKETS = BOUNDS.length + 1;

export function bucketOf(milliseconds: number): number {
  const index = BOUNDS.findIndex((bound) => milliseconds <= bound);
  return index === -1 ? BOUNDS.length : index;
}

/** The duration that `share` (0 to 1) of all stayed within, in milliseconds; undefined where there were none. */
export function percentile(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let before = 0;
  for (const [index, count] of counts.entries()) {
    const within = (share * total - before) / count;
    // Durations spread evenly on a logarithmic scale more than on a plain one.
    if (count > 0 && within <= 1) return Math.round(FIRST_MS * FACTOR ** (Math.min(index, BOUNDS.length) - 1 + Math.max(0, within)));
    before += count;
  }
  return undefined;
}
