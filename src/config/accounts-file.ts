/** A list of accounts with their keys: what `tollfree accounts import` seals, and the library holds in memory. */
import { z } from 'zod';
import { didYouMean } from '../near-miss.ts';
import { shown } from './describe.ts';
import { rateLimit } from './limits.ts';
import { ConfigError } from './problems.ts';
import { validate, type Mistake } from './validate.ts';
import type { Catalogue, Provider } from '../types.ts';

// Its own words: what is said of a wrong value elsewhere may quote the value.
const key = z.string({ error: 'must be the key, as text in quotes' }).min(1, { error: 'must not be empty' });
const label = z.string().min(1);

const entry = z.strictObject({
  provider: z.string(),
  label: label.optional(),
  key,
  organization: z.string().min(1).optional(),
  limits: rateLimit.optional(),
  base_url: z.string().optional(),
});

export type WrittenAccount = z.output<typeof entry>;

/** @throws ConfigError with every mistake at its place, and nothing in it that may be a key. */
export function readImport(text: string, file: string, { providers }: Catalogue): readonly WrittenAccount[] {
  const unknown = (written: unknown): Mistake[] =>
    (Array.isArray(written) ? written : []).flatMap((item: unknown, index) => {
      const name: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, 'provider') : undefined;
      return typeof name === 'string' && !providers.has(name) ? [{ path: [index, 'provider'], message: unknownProvider(name, providers) }] : [];
    });
  try {
    return validate({ text, file }, z.array(entry).min(1), unknown);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => ({ ...problem, path: discreet(problem.path), message: discreet(problem.message) })));
  }
}

/** A key that stands in the wrong place is quoted like any other mistake. No word of ours is as long as a key is. */
const discreet = (words: string): string => words.replaceAll(/[\w.+/=-]{14,}/g, '…');

export const unknownProvider = (name: string, providers: ReadonlyMap<string, Provider>): string => `no provider is called ${shown(name)}${didYouMean(name, [...providers.keys()])}`;
