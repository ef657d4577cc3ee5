/** How well each target did of late: fading memories of success and speed. */
import { createSeldom } from './seldom.ts';

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
  save(): readonly (readonly [target: string, known: KnownMerit])[];
  restore(target: string, known: KnownMerit): void;
}

export interface KnownMerit {
  readonly reliability: number;
  /** Absent: never answered. */
  readonly ms?: number | undefined;
}

/** Weight of the newest call: about the last ten decide, because free tiers change by the hour. */
const WEIGHT = 0.2;

/** Half of those that decide. */
const WRITTEN_EVERY = 5;

/** `changed`: to be kept over a restart. */
export function createMerits(changed: (target: string, known: KnownMerit) => void): Merits {
  const merits = new Map<string, { reliability: number; ms: number | undefined }>();
  const write = createSeldom(WRITTEN_EVERY, (target, known: KnownMerit) => changed(target, stored(known)));

  function change(target: string, reliability: number, ms?: number): void {
    const known = merits.get(target) ?? { reliability: 1, ms: undefined };
    merits.set(target, known);
    known.reliability += WEIGHT * (reliability - known.reliability);
    if (ms !== undefined) known.ms = known.ms === undefined ? ms : known.ms + WEIGHT * (ms - known.ms);
    write(target, known);
  }

  return {
    answered: (target, ms) => change(target, 1, ms),
    failed: (target) => change(target, 0),
    of(target) {
      const { reliability = 1, ms = 0 } = merits.get(target) ?? {};
      return { reliability, ms };
    },
    save: () => [...merits].map(([target, known]) => [target, stored(known)] as const),
    restore(target, { reliability, ms }) {
      if (Number.isFinite(reliability)) merits.set(target, { reliability, ms });
    },
  };
}

const stored = ({ reliability, ms }: KnownMerit): KnownMerit => ({ reliability, ...(ms !== undefined && { ms }) });
