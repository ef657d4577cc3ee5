/** Why a rule was chosen, and why the others were not. */
import type { ChatRequest } from '../types.ts';
import { classify, isAuto, namedRule, rank } from './classify.ts';
import type { Match, RuleSet } from './classify.ts';
import { ruledOutByPatterns, ruledOutBySight, ruledOutByWords, tally, wordsOf } from './conditions.ts';
import type { Condition, FoundWord } from './conditions.ts';
import { readPrompt } from './prompt.ts';

/** One rule, weighed. */
export interface Considered {
  readonly rule: string;
  readonly score: number;
  readonly words: readonly FoundWord[];
  /** The condition that ruled it out, by its name in the rules file. Absent: it held, and only a better match came before. */
  readonly failed?: Condition;
}

/** What `tollfree explain` and `POST /admin/explain` show. All but `match` is plain data. */
export interface ExplainedMatch {
  readonly match: Match;
  /** The rule's name; empty where the asked-for model alone says who serves. */
  readonly rule: string;
  /** One sentence. */
  readonly because: string;
  readonly score: number;
  readonly words: readonly FoundWord[];
  /** Every rule: those that held first, best first. */
  readonly considered: readonly Considered[];
}

/**
 * {@link classify}, with every rule's reasons. Slower: every condition of every rule is looked at, patterns too.
 *
 * @throws FailureError as `classify`
 */
export function explainMatch(request: ChatRequest, rules: RuleSet): ExplainedMatch {
  const match = classify(request, rules);
  const found = readPrompt(rules.scanner, request.text);
  const weighed = rank(rules.compiled.map((rule) => ({ rule, ...tally(rule, found) }))).map(({ rule, ...sum }) => {
    const failed = ruledOutBySight(rule, request) ?? ruledOutByWords(rule, sum, found) ?? ruledOutByPatterns(rule, request);
    return { rule: rule.rule.name, score: sum.score, words: wordsOf(rule, found), ...(failed && { failed }) };
  });
  const considered = [...weighed.filter(({ failed }) => failed === undefined), ...weighed.filter(({ failed }) => failed !== undefined)];
  return { match, rule: match.rule?.name ?? '', because: because(match, request, rules), score: match.score, words: match.words, considered };
}

function because({ rule, score, words }: Match, request: ChatRequest, rules: RuleSet): string {
  if (rule === undefined) return `no rule serves the name ${request.model}: whoever has that model does`;
  if (namedRule(request, rules) !== undefined) return `the rule ${rule.name} was asked for by name`;
  if (words.length > 0) return `${rule.name} has the highest score, ${score}, by ${words.map(({ word, where }) => `${word} (${where})`).join(', ')}`;
  if (isAuto(request) && rules.compiled.some((compiled) => compiled.isDefault && compiled.rule === rule)) return `no other rule holds, and ${rule.name} serves the rest`;
  return `the conditions of ${rule.name} hold, and no rule with keywords found any`;
}
