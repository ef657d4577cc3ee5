/** How well each target did of late: fading memories of success and speed. */

export interface Merit {
  /** Share of calls answered, 0 to 1. */
  readonly reliability: number;
  /** Milliseconds until upstream's headers. */
  readonly ms: number;
}

export interface Merits {
  answered(target: string, ms: number): void;
  failed(target: string): void;
  /** Whoever is unknown is thought perfect, and so gets its first try. */
  of(target: string): Merit;
}

/** Weight of the newest call: about the last ten decide, because free tiers change by the hour. */
const WEIGHT = 0.2;

export function createMerits(): Merits {
  const merits = new Map<string, { reliability: number; ms: number | undefined }>();

  function known(target: string): { reliability: number; ms: number | undefined } {
    const found = merits.get(target) ?? { reliability: 1, ms: undefined };
    merits.set(target, found);
    return found;
  }

  return {
    answered(target, ms) {
      const merit = known(target);
      merit.reliability += WEIGHT * (1 - merit.reliability);
      merit.ms = merit.ms === undefined ? ms : merit.ms + WEIGHT * (ms - merit.ms);
    },
    failed(target) {
      const merit = known(target);
      merit.reliability -= WEIGHT * merit.reliability;
    },
    of(target) {
      const { reliability = 1, ms = 0 } = merits.get(target) ?? {};
      return { reliability, ms };
    },
  };
}
