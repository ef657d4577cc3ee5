/** What the options of `tollfree keys create` mean. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/units.ts';
import { PERIODS } from '../../keys/amounts.ts';
import { count, usd } from '../numbers.ts';

export type WrittenLimits = Readonly<Record<string, number>>;

/** A parser for a repeatable `--budget 5/day`. */
export function collectBudget(written: string, before: WrittenLimits = {}): WrittenLimits {
  const [, usd = '', period = ''] = /^\$?(\d{1,7}(?:\.\d{1,9})?)\/(\w+)$/.exec(written) ?? [];
  if (!(Number(usd) > 0) || !PERIODS.some((known) => known === period)) throw new InvalidArgumentError(`must be USD per period, like 5/day; periods are ${PERIODS.join(', ')}`);
  return { ...before, [period === 'total' ? 'usd_total' : `usd_per_${period}`]: Number(usd) };
}

/** A parser for a repeatable `--limit tokens_per_day=100000`; which names there are is the keys' to say. */
export function collectLimit(written: string, before: WrittenLimits = {}): WrittenLimits {
  const [, name, number] = /^(\w+)=(\d{1,12}(?:\.\d{1,9})?)$/.exec(written) ?? [];
  if (name === undefined) throw new InvalidArgumentError('must be like tokens_per_day=100000');
  return { ...before, [name]: Number(number) };
}

/** A parser for an option that may be repeated. */
export const collect = (written: string, before: readonly string[] = []): readonly string[] => [...before, written];

/** With what is used of each, where a daemon knows it. */
export function describeLimits(limits: WrittenLimits, used?: WrittenLimits): string {
  return Object.entries(limits)
    .map(([name, limit]) => {
      const tell = name.startsWith('usd_') ? usd : count;
      const spent = used?.[name];
      return `${spent === undefined ? '' : `${tell(spent)} of `}${tell(limit)} ${name.replace(/^usd_/, '').replaceAll('_', ' ')}`;
    })
    .join(' · ');
}

/** As `--limit` takes them. */
export const writeLimits = (limits: WrittenLimits): string => Object.entries(limits).map(([name, limit]) => `${name}=${limit}`).join(' ');

/** A parser for `--expires`: a duration from now, or a day or moment. Returns epoch milliseconds. */
export const expiry = (now: () => number) => (written: string): number => {
  const milliseconds = parseDuration(written);
  if (milliseconds !== undefined) return now() + milliseconds;
  const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(written) ? Date.parse(written) : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('must be like 30d, 12h, 2027-01-31 (UTC) or 2027-01-31T12:00:00Z');
  return at;
};
