/** Limits as people write them: `{ "requests_per_minute": 30, "usd_per_day": 5, "tokens_total": 1000000 }`. */
import { z } from 'zod';
import { amount, whole } from '../schema.ts';
import { MEASURES, PERIODS, toNanoUsd, toUsd, type Allowance, type Measure, type Period } from './amounts.ts';

const words: Readonly<Record<Measure, string>> = { requests: 'requests', tokens: 'tokens', nanoUsd: 'usd' };

export const limitName = ({ measure, period }: Pick<Allowance, 'measure' | 'period'>): string =>
  `${words[measure]}${period === 'total' ? '_total' : `_per_${period}`}`;

const everyLimit = PERIODS.flatMap((period) => MEASURES.map((measure) => ({ measure, period })));

/** Beyond a million USD, sums of billionths would no longer be exact. */
const MOST_USD = 1_000_000;
const LEAST_USD = 1e-9;
const MOST_COUNT = 1e12;

/** Limits of some periods, read as allowances. */
export function limitsOf(periods: readonly Period[] = PERIODS) {
  const possible = everyLimit.filter(({ period }) => periods.includes(period));
  const shape = Object.fromEntries(possible.map((limit) => [limitName(limit), mostOf(limit.measure).exactOptional()]));
  return z.strictObject(shape).transform((given): readonly Allowance[] =>
    possible.flatMap((limit) => {
      const most = given[limitName(limit)];
      return most === undefined ? [] : [{ ...limit, most }];
    }));
}

const mostOf = (measure: Measure): z.ZodType<number> => (measure === 'nanoUsd' ? amount(LEAST_USD, MOST_USD).transform(toNanoUsd) : whole(1, MOST_COUNT));

export const tellLimits = (limits: readonly Allowance[]): Readonly<Record<string, number>> => Object.fromEntries(limits.map((limit) => [limitName(limit), tellAmount(limit.measure, limit.most)]));

export const tellAmount = (measure: Measure, amount: number): number => (measure === 'nanoUsd' ? toUsd(amount) : amount);
