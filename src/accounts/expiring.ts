/**
 * `spend_expiring`: whose quota of the day would be left over at its end goes first. A thousand accounts are put in order once in
 * a while; in between only whoever was used is put in another place.
 */

/** How much faster than evenly its quota must be spent so that none of it expires; 1 where none does. */
type Urgency<Option> = (option: Option, now: number) => number;

interface Scored<Option> {
  readonly option: Option;
  readonly score: number;
}

interface Ranking<Option> {
  readonly scored: Scored<Option>[];
  readonly version: number;
  readonly madeAt: number;
}

export interface Expiring<Option> {
  /** The most urgent of one target first; of equals, whoever comes first in `turns`. `version` tells whether those are others than before. */
  of(target: string, version: number, turns: () => Iterable<Option>, now: number): readonly Scored<Option>[];
  /** Some of its quota is spent. */
  used(target: string, option: Option, now: number): void;
}

/** In this time a day's quota changes by our own use, which is seen at once, and hardly by anything else. */
const KEPT_MS = 10_000;

export function createExpiring<Option>(urgency: Urgency<Option>): Expiring<Option> {
  const rankings = new Map<string, Ranking<Option>>();

  return {
    of(target, version, turns, now) {
      const known = rankings.get(target);
      if (known !== undefined && known.version === version && now - known.madeAt < KEPT_MS) return known.scored;
      const scored = Array.from(turns(), (option) => ({ option, score: urgency(option, now) })).sort((one, other) => other.score - one.score);
      rankings.set(target, { scored, version, madeAt: now });
      return scored;
    },
    used(target, option, now) {
      const scored = rankings.get(target)?.scored;
      // It was among the first, nearly always.
      const place = scored?.findIndex((one) => one.option === option) ?? -1;
      if (scored === undefined || place < 0) return;
      scored.splice(place, 1);
      const score = urgency(option, now);
      scored.splice(behind(scored, score), 0, { option, score });
    },
  };
}

/** The place behind all that are as urgent or more: its turn is over. */
function behind(scored: readonly Scored<unknown>[], score: number): number {
  let low = 0;
  let high = scored.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scored[middle]?.score ?? 0) < score) high = middle;
    else low = middle + 1;
  }
  return low;
}

type Rankings<Option> = readonly (readonly Scored<Option>[])[];

/** How urgent the most urgent of all is, and whose ranking has it: of equals, the earlier. Each is looked at from its place on. */
export function first(rankings: Rankings<unknown>, places: readonly number[] = []): { readonly most: number; readonly from: number } {
  let most = Number.NEGATIVE_INFINITY;
  let from = -1;
  for (const [index, scored] of rankings.entries()) {
    const score = scored[places[index] ?? 0]?.score;
    if (score === undefined || score <= most) continue;
    most = score;
    from = index;
  }
  return { most, from };
}

/** Those of all rankings, the most urgent first. */
export function* mostUrgent<Option>(rankings: Rankings<Option>): Iterable<Option> {
  const places = rankings.map(() => 0);
  for (;;) {
    const { from } = first(rankings, places);
    const place = places[from] ?? 0;
    const next = rankings[from]?.[place];
    if (next === undefined) return;
    places[from] = place + 1;
    yield next.option;
  }
}
