/** What is learned a little with every call is written down with one change in so many, of each thing by itself. */

/** `every`: a crash forgets up to so many changes, so no more than half of what decides. The first is always written. */
export function createSeldom<Known>(every: number, write: (key: string, known: Known) => void): (key: string, known: Known) => void {
  const changes = new Map<string, number>();
  return (key, known) => {
    const times = changes.get(key) ?? 0;
    changes.set(key, times + 1);
    if (times % every === 0) write(key, known);
  };
}
