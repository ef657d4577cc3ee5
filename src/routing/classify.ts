/**
 * Which rule serves a request: keywords state a policy, they do not predict quality, and every choice can be explained.
 *
 * Of the rules whose conditions all hold, the one with the highest keyword score wins, then the one that stands first
 * in the file. Rules without keywords score 0. The default rule comes last, and serves `auto` when nothing else holds.
 */
import { FailureError } from '../failure.ts';
import { didYouMean } from '../near-miss.ts';
import type { ChatRequest, Rule } from '../types.ts';
import { ruledOutByPatterns, ruledOutBySight, ruledOutByWords, tally, wordsOf } from './conditions.ts';
import type { FoundWord, Tally } from './conditions.ts';
import { readPrompt } from './prompt.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

export { compileRules } from './rule-set.ts';
export type { RuleSet } from './rule-set.ts';

export interface Match {
  /** Absent where the asked-for model, and no rule, says who serves. */
  readonly rule: Rule | undefined;
  readonly score: number;
  /** Why: the rule's keywords that were found, those that count most first. */
  readonly words: readonly FoundWord[];
}

/** The model name that leaves the choice to the rules; with `:<rule>` to that rule. */
const AUTO = 'auto';

const NOTHING_FOUND = new Uint8Array(0);

/**
 * Pure, synchronous, linear in the prompt.
 *
 * @throws FailureError `no-such-model` for `auto:<rule>` where there is no such rule, `forbidden` where it is not for this key
 */
export function classify(request: ChatRequest, rules: RuleSet): Match {
  const named = namedRule(request, rules);
  if (named !== undefined) return { rule: named.rule, score: 0, words: [] };
  const stands = (rule: CompiledRule): boolean => ruledOutBySight(rule, request) === undefined;
  const found = rules.compiled.some((rule) => hasWords(rule) && stands(rule)) ? readPrompt(rules.scanner, request.text) : NOTHING_FOUND;
  const holding = addressed(rules, found)
    .filter(stands)
    .map((rule) => {
      const { score, said } = tally(rule, found);
      return { rule, score, said };
    })
    .filter((weighed) => ruledOutByWords(weighed.rule, weighed, found) === undefined);
  // Patterns cost the most, so they are asked last, and only until one rule holds.
  const winner = rank(holding).find(({ rule }) => ruledOutByPatterns(rule, request) === undefined);
  if (winner !== undefined) return { rule: winner.rule.rule, score: winner.score, words: wordsOf(winner.rule, found) };
  return { rule: isAuto(request) ? rules.compiled.find(({ isDefault }) => isDefault)?.rule : undefined, score: 0, words: [] };
}

const hasWords = ({ terms, excluded }: CompiledRule): boolean => terms.length > 0 || excluded.length > 0;

/** Those that ask for no word, or for one that was found, as they stand in the file: of a thousand rules nearly all have words that nobody said, and are not looked at. */
function addressed({ compiled, wordless, asking }: RuleSet, found: Uint8Array): readonly CompiledRule[] {
  const places = new Set(wordless);
  for (let index = 0; index < found.length; index += 1) if (found[index] !== 0) for (const place of asking[index] ?? []) places.add(place);
  return [...places].sort((one, other) => one - other).flatMap((place) => compiled[place] ?? []);
}

/** Highest score first, the default rule after its equals; sorting keeps the order of the file. */
export function rank<R extends Tally & { readonly rule: CompiledRule }>(rules: readonly R[]): R[] {
  return rules.toSorted((a, b) => b.score - a.score || Number(a.rule.isDefault) - Number(b.rule.isDefault));
}

export const isAuto = ({ model }: ChatRequest): boolean => model.toLowerCase() === AUTO;

/** The rule of `auto:<rule>`, if that is what was asked for. */
export function namedRule({ model, caller }: ChatRequest, { compiled }: RuleSet): CompiledRule | undefined {
  if (!model.toLowerCase().startsWith(`${AUTO}:`)) return undefined;
  const name = model.slice(AUTO.length + 1);
  const named = compiled.find(({ rule }) => rule.name === name);
  const names = compiled.map(({ rule }) => rule.name);
  if (named === undefined) {
    throw new FailureError({ kind: 'no-such-model', param: 'model', message: `there is no rule '${name.slice(0, 64)}'${didYouMean(name, names)}; the rules are ${names.join(', ')}` });
  }
  if (named.virtualKeys?.(caller.key) === false) throw new FailureError({ kind: 'forbidden', message: `the rule '${name}' is not for this key; ask for ${AUTO}, or for a rule that is` });
  return named;
}
