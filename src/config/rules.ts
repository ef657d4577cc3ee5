/** `routing-rules.yaml`: which words lead to which providers. */
import { z } from 'zod';
import { CAPABILITIES, type Conditions, type Rule, type Rules } from '../types.ts';
import { compact, deadlines, duration, orOff, text, toDeadlines, wholeNumber } from './atoms.ts';
import { shown, unknownName } from './describe.ts';
import type { Parsed } from './parsed.ts';
import { validate, type Mistake } from './validate.ts';

export interface RulesOptions {
  /** Names of the catalogue. Absent: a rule may name any provider. */
  readonly providers?: readonly string[];
  /** Why a keyword can never be found, if so. The caller knows how texts are read. */
  readonly checkKeyword?: (word: string) => string | undefined;
  /** What is wrong with a pattern's source, if anything. The caller knows the linear-time engine. */
  readonly checkPattern?: (source: string) => string | undefined;
  readonly parsed?: Parsed;
}

/** The rule that serves the rest where the file does not say. */
const DEFAULT_RULE = 'general';

/** @throws ConfigError */
export function loadRules(source: string, file: string, options: RulesOptions = {}): Rules {
  const { routing_rules: rules, default_rule: defaultRule } = validate({ text: source, file, parsed: options.parsed }, schemaOf(options), crossCheck);
  return { rules: rules.map(toRule), defaultRule };
}

/** Short enough for a header and a metric's label, and unmistakable in `auto:<rule>`. */
const ruleName = z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/, { error: 'must be made of letters, digits, _ and -, at most 64' });

function conditionsOf({ checkKeyword, checkPattern }: RulesOptions) {
  const word = text.superRefine((written, context) => {
    const mistake = checkKeyword?.(written);
    if (mistake !== undefined) context.addIssue(mistake);
  });
  const keyword = z.union([
    word.transform((plain) => ({ word: plain, weight: 1 })),
    z.strictObject({ word, weight: z.number().positive().max(1_000).default(1) }),
  ], { error: 'must be a word, or { word, weight }; put what reads as a number or as true in quotes' });
  const pattern = text.superRefine((written, context) => {
    const mistake = checkPattern?.(written);
    if (mistake !== undefined) context.addIssue(`is no linear-time pattern: ${mistake}`);
  });
  return z.strictObject({
    content_keywords: z.array(keyword).default([]),
    content_keywords_none: z.array(word).default([]),
    content_regex: z.array(pattern).default([]),
    min_keyword_score: z.number().min(0).default(1),
    min_tokens: wholeNumber(0).optional(),
    max_tokens: wholeNumber(1).optional(),
    has_tools: z.boolean().optional(),
    has_images: z.boolean().optional(),
    models: z.array(text).min(1).default(['auto']),
    virtual_keys: z.array(text).min(1).optional(),
  });
}

function ruleOf(options: RulesOptions) {
  const provider = text.superRefine((name, context) => {
    if (options.providers?.includes(name) === false) context.addIssue(unknownName('provider', name, options.providers));
  });
  const kept = z.strictObject({ ttl: duration, shared: z.boolean().default(false) }).transform(({ ttl, shared }) => ({ ttlMs: ttl, shared }));
  return z.strictObject({
    name: ruleName,
    conditions: conditionsOf(options).prefault({}),
    provider_preferences: z.array(provider).default([]),
    models: z.record(provider, z.array(text).min(1)).default({}),
    capabilities: z.array(z.enum(CAPABILITIES)).default([]),
    fallback_chain: z.array(provider).default([]),
    strategy: z.enum(['round_robin', 'spend_expiring', 'fastest', 'reliable']).default('round_robin'),
    on_policy_refusal: z.enum(['stop', 'fallback']).default('stop'),
    on_stream_break: z.enum(['error', 'resume', 'buffer']).default('error'),
    cache: orOff(kept, 'must be off or { ttl: 1h }').optional(),
    deadlines: deadlines.prefault({}),
  });
}

function schemaOf(options: RulesOptions) {
  const rules = z.array(ruleOf(options), { error: ({ input }) => (input === undefined ? 'is missing: the list of rules, each with a name, conditions and providers' : undefined) });
  return z.strictObject({ routing_rules: rules.min(1), default_rule: z.string().default(DEFAULT_RULE) });
}

function toRule(written: z.output<ReturnType<typeof ruleOf>>): Rule {
  return compact({
    name: written.name,
    conditions: toConditions(written.conditions),
    preferences: written.provider_preferences,
    models: written.models,
    capabilities: written.capabilities,
    fallbackChain: written.fallback_chain,
    strategy: written.strategy,
    onPolicyRefusal: written.on_policy_refusal,
    onStreamBreak: written.on_stream_break,
    cache: written.cache,
    deadlines: toDeadlines(written.deadlines),
  });
}

function toConditions(written: z.output<ReturnType<typeof conditionsOf>>): Conditions {
  return compact({
    keywords: written.content_keywords,
    keywordsNone: written.content_keywords_none,
    patterns: written.content_regex,
    minKeywordScore: written.min_keyword_score,
    minTokens: written.min_tokens,
    maxTokens: written.max_tokens,
    hasTools: written.has_tools,
    hasImages: written.has_images,
    models: written.models,
    virtualKeys: written.virtual_keys,
  });
}

/** What the checks between rules need to see, of a file that may be wrong everywhere. */
const glance = z.object({
  routing_rules: z.array(z.object({
    name: z.string().optional().catch(undefined),
    conditions: z.object({ min_tokens: z.number().optional().catch(undefined), max_tokens: z.number().optional().catch(undefined) }).catch({}),
  }).catch({ conditions: {} })).catch([]),
  default_rule: z.string().optional().catch(undefined),
}).catch({ routing_rules: [] });

function crossCheck(written: unknown): Mistake[] {
  const { routing_rules: rules, default_rule: defaultRule } = glance.parse(written);
  const names = rules.map(({ name }) => name);
  const twice = rules.flatMap(({ name }, index): Mistake[] => {
    const first = names.indexOf(name);
    return name === undefined || first === index ? [] : [{ path: ['routing_rules', index, 'name'], message: `${shown(name)} is the name of routing_rules[${first}] too` }];
  });
  const empty = rules.flatMap(({ conditions: { min_tokens: minimum, max_tokens: maximum } }, index): Mistake[] =>
    (minimum !== undefined && maximum !== undefined && minimum > maximum
      ? [{ path: ['routing_rules', index, 'conditions', 'max_tokens'], message: `must not be below min_tokens (${minimum})` }]
      : []));
  return [...twice, ...empty, ...checkDefault(defaultRule, names.filter((name) => name !== undefined))];
}

function checkDefault(defaultRule: string | undefined, names: readonly string[]): Mistake[] {
  if (names.length === 0 || names.includes(defaultRule ?? DEFAULT_RULE)) return [];
  const message = defaultRule === undefined ? `is missing: name the rule that serves the rest, or call one ${DEFAULT_RULE}` : unknownName('rule', defaultRule, names);
  return [{ path: ['default_rule'], message }];
}
