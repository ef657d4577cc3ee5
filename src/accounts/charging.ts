/** Whether a provider keeps charged what an answer was allowed and did not use: it shows by the numbers in its headers. */
import type { Learned } from './learning.ts';

/** How upstream charges an answer's tokens, as far as it showed. */
export interface Charging {
  /** Upstream tells its tokens with every answer, so the most a call may cost is reserved: headers set it right. */
  readonly reservesAllowed: boolean;
  /** Upstream gives back what an answer did not use. */
  readonly refunds: boolean;
}

/** The most cautious. */
export const UNKNOWN_CHARGING: Charging = { reservesAllowed: true, refunds: false };

/** How often in a row it has looked as if it gave back, and when last. */
export interface Shown {
  readonly times: number;
  readonly at: number;
}

export const NOT_SHOWN: Shown = { times: 0, at: 0 };

/** Guesses of calls under way that are off by as much as was kept look the same, now and then. */
export const SHOWN_OFTEN = 4;

/** A fading level and its rounding differ from ours by less than this share of the limit. */
const ROUNDING_SHARE = 0.005;

/**
 * Whether upstream gave back what was reserved and not used: what it counts fits either what we kept, or that without what
 * it would have given back. Where it fits both or neither it says nothing.
 */
export function refundsShown({ told, window: { kept, limit } }: Learned, own: number): boolean | undefined {
  if (told === undefined || kept <= 0) return undefined;
  const { least, most, before } = told;
  // Nobody else was under way, and this one is counted: a number, not bounds.
  const quiet = most - least <= own;
  if (quiet && Math.abs(before - kept - least) <= kept / 3) return true;
  const slack = limit * ROUNDING_SHARE;
  const fits = (used: number): boolean => used >= least - slack && used <= most + slack;
  if (fits(before)) return fits(before - kept) ? undefined : false;
  // As much less as it would have given back; a little less is a guess of some call under way.
  return fits(before - kept) && before - most >= kept / 2 ? true : undefined;
}
