/** Rules made ready to classify by: one scanner for the keywords of all. */
import type { Rule, Rules } from '../types.ts';
import { compileGlobs } from './glob.ts';
import type { Glob } from './glob.ts';
import { spell } from './keyword.ts';
import { compilePatterns } from './pattern.ts';
import type { AnyPattern } from './pattern.ts';
import { createScanner } from './scanner.ts';
import type { Scanner } from './scanner.ts';

/** A keyword of one rule. Rules that share a keyword share its index. */
export interface Term {
  readonly word: string;
  readonly weight: number;
  /** The scanner's number for it. */
  readonly index: number;
}

export interface CompiledRule {
  readonly rule: Rule;
  /** Serves what no other rule matches. */
  readonly isDefault: boolean;
  readonly terms: readonly Term[];
  readonly excluded: readonly Term[];
  readonly models: Glob;
  readonly patterns?: AnyPattern;
  readonly virtualKeys?: Glob;
}

/** An immutable snapshot of all rules, compiled once a reload. */
export interface RuleSet {
  /** In the order of the file. */
  readonly compiled: readonly CompiledRule[];
  readonly scanner: Scanner;
  /** Those that ask for no keyword, by their places in the file. */
  readonly wordless: readonly number[];
  /** By keyword, those that ask for it. */
  readonly asking: readonly (readonly number[])[];
}

/** @throws when a pattern does not compile; the configuration is checked with `checkPattern` before it gets here */
export function compileRules({ rules, defaultRule }: Rules): RuleSet {
  const spellings = new Map<string, { readonly index: number; readonly tokens: readonly string[] }>();
  const termsOf = (keywords: Rule['conditions']['keywords']): Term[] => {
    const terms = new Map<number, Term>();
    for (const { word, weight } of keywords) {
      const tokens = spell(word);
      const key = tokens.join('\0');
      const { index } = spellings.get(key) ?? { index: spellings.size };
      spellings.set(key, { index, tokens });
      // `Café` and `cafe` are one keyword: it counts once, with the higher weight.
      if (weight > (terms.get(index)?.weight ?? 0)) terms.set(index, { word, weight, index });
    }
    return [...terms.values()];
  };
  const compiled = rules.map((rule): CompiledRule => {
    const { keywords, keywordsNone, patterns, models, virtualKeys } = rule.conditions;
    return {
      rule,
      isDefault: rule.name === defaultRule,
      terms: termsOf(keywords),
      excluded: termsOf(keywordsNone.map((word) => ({ word, weight: 1 }))),
      models: compileGlobs(models),
      ...(patterns.length > 0 && { patterns: compilePatterns(patterns) }),
      ...(virtualKeys && { virtualKeys: compileGlobs(virtualKeys) }),
    };
  });
  const asking = Array.from(spellings, (): number[] => []);
  for (const [place, { terms }] of compiled.entries()) for (const { index } of terms) asking[index]?.push(place);
  const wordless = compiled.flatMap(({ terms }, place) => (terms.length === 0 ? [place] : []));
  return { compiled, scanner: createScanner([...spellings.values()].map(({ tokens }) => tokens)), wordless, asking };
}
