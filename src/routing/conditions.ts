/** Whether a rule's conditions hold for a request, and which one does not. */
import type { ChatRequest } from '../types.ts';
import { MOST_CONTEXT, placeOf, saidNow } from './prompt.ts';
import type { Where } from './prompt.ts';
import type { CompiledRule } from './rule-set.ts';

/** A condition, by its name in `routing-rules.yaml`. */
export type Condition =
  | 'models' | 'virtual_keys' | 'min_tokens' | 'max_tokens' | 'has_tools' | 'has_images'
  | 'content_keywords' | 'content_keywords_none' | 'min_keyword_score' | 'content_regex';

/** The first condition that rules a rule out for what is known without reading the prompt. */
export function ruledOutBySight({ rule: { conditions }, models, virtualKeys }: CompiledRule, request: ChatRequest): Condition | undefined {
  const { minTokens = 0, maxTokens = Infinity, hasTools, hasImages } = conditions;
  if (!models(request.model)) return 'models';
  if (virtualKeys?.(request.caller.key) === false) return 'virtual_keys';
  if (request.promptTokens < minTokens) return 'min_tokens';
  if (request.promptTokens > maxTokens) return 'max_tokens';
  if (hasTools !== undefined && hasTools !== request.needs.includes('tools')) return 'has_tools';
  if (hasImages !== undefined && hasImages !== request.needs.includes('vision')) return 'has_images';
  return undefined;
}

/** What the words found come to for one rule. */
export interface Tally {
  readonly score: number;
  /** Something the user said is among them. */
  readonly said: boolean;
}

/** Millionths: so that weights of 0.3, 0.6 and 0.1 reach a minimum of 1. */
const PRECISION = 1e6;
const exact = (sum: number): number => Math.round(sum * PRECISION) / PRECISION;

/**
 * What the user said has to reach the rule's minimum; only then does the system prompt add to it.
 *
 * @param found by keyword, the place it stands in; see `prompt.ts` for what each is worth
 */
export function tally({ rule: { conditions: { minKeywordScore } }, terms }: CompiledRule, found: Uint8Array): Tally {
  let now = 0;
  let context = 0;
  let system = 0;
  for (const { index, weight } of terms) {
    const number = found[index] ?? 0;
    if (number === 0) continue;
    const { where, scale } = placeOf(number);
    if (where === 'now') now += weight;
    else if (where === 'system') system += weight * scale;
    else context += weight * scale;
  }
  const said = exact(now + Math.min(MOST_CONTEXT, context));
  return { said: said > 0, score: said === 0 || said < minKeywordScore ? said : exact(now + Math.min(MOST_CONTEXT, context + system)) };
}

/** The first condition that rules a rule out by the words found. */
export function ruledOutByWords({ rule: { conditions: { minKeywordScore } }, terms, excluded }: CompiledRule, { score, said }: Tally, found: Uint8Array): Condition | undefined {
  if (terms.length > 0 && !said) return 'content_keywords';
  if (terms.length > 0 && score < minKeywordScore) return 'min_keyword_score';
  return excluded.some(({ index }) => saidNow(found[index] ?? 0)) ? 'content_keywords_none' : undefined;
}

/** Patterns see this much of either end of the last user turn: enough for a question and the code pasted with it, at a bounded cost. */
const PATTERN_EDGE = 4_096;

/** A rule's patterns are alternatives: one that matches is enough. */
export function ruledOutByPatterns({ patterns }: CompiledRule, { text: { last } }: ChatRequest): Condition | undefined {
  if (patterns === undefined) return undefined;
  const parts = last.length <= 2 * PATTERN_EDGE ? [last] : [last.slice(0, PATTERN_EDGE), last.slice(-PATTERN_EDGE)];
  return parts.some(patterns) ? undefined : 'content_regex';
}

/** A keyword found, and what it adds to the score. */
export interface FoundWord {
  /** As the rule writes it. */
  readonly word: string;
  /** Its weight, scaled by where it was found. */
  readonly weight: number;
  readonly where: Where;
}

/** The rule's words that were found, those that count most first. */
export function wordsOf({ terms }: CompiledRule, found: Uint8Array): FoundWord[] {
  return terms
    .filter(({ index }) => (found[index] ?? 0) > 0)
    .map(({ word, weight, index }) => {
      const { where, scale } = placeOf(found[index] ?? 0);
      return { word, weight: weight * scale, where };
    })
    .sort((a, b) => b.weight - a.weight);
}
