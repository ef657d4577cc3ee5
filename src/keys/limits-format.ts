/** Limits as people write them: `{ "requests_per_minute": 30, "usd_per_day": 5, "tokens_total": 1000000 }`. */
import { MEASURES, PERIODS, toNanoUsd, toUsd, type Allowance, type Measure, type Period } from './amounts.ts';
import { readFields, readNumber, refuseOthers } from './read.ts';

const words: Readonly<Record<Measure, string>> = { requests: 'requests', tokens: 'tokens', nanoUsd: 'usd' };

export const limitName = ({ measure, period }: Pick<Allowance, 'measure' | 'period'>): string =>
  `${words[measure]}${period === 'total' ? '_total' : `_per_${period}`}`;

const everyLimit = PERIODS.flatMap((period) => MEASURES.map((measure) => ({ measure, period })));

/** Beyond a million USD, sums of billionths would no longer be exact. */
const MOST_USD = 1_000_000;
const LEAST_USD = 1e-9;
const MOST_COUNT = 1e12;

/** Throws `invalid-request`. Only the given periods may be limited. */
export function readLimits(value: unknown, path: string, periods: readonly Period[] = PERIODS): readonly Allowance[] {
  const given = readFields(value, path);
  const possible = everyLimit.filter(({ period }) => periods.includes(period));
  refuseOthers(given, possible.map(limitName), path);
  return possible.flatMap((limit) => {
    const name = limitName(limit);
    return name in given ? [{ ...limit, most: readMost(given[name], `${path}.${name}`, limit.measure) }] : [];
  });
}

function readMost(value: unknown, path: string, measure: Measure): number {
  if (measure === 'nanoUsd') return toNanoUsd(readNumber(value, path, { least: LEAST_USD, most: MOST_USD, whole: false }));
  return readNumber(value, path, { least: 1, most: MOST_COUNT });
}

export const tellLimits = (limits: readonly Allowance[]): Readonly<Record<string, number>> => Object.fromEntries(limits.map((limit) => [limitName(limit), tellAmount(limit.measure, limit.most)]));

export const tellAmount = (measure: Measure, amount: number): number => (measure === 'nanoUsd' ? toUsd(amount) : amount);
