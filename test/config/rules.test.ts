import { describe, expect, test } from '@jest/globals';
import { loadRules } from '../../src/config/rules.ts';
import { told } from './told.ts';

const options = {
  providers: ['groq', 'openrouter', 'cerebras'],
  checkPattern: (source: string) => (source.includes('(?=') ? 'it looks ahead' : undefined),
};
const load = (text: string) => loadRules(text, 'routing-rules.yaml', options);

describe('rules', () => {
  test('a name, keywords, preferences and a chain are a complete rule', () => {
    expect(load([
      'routing_rules:',
      '  - name: general',
      '    conditions: { content_keywords: [code, stack trace] }',
      '    provider_preferences: [groq, openrouter]',
      '    fallback_chain: [openrouter, groq, cerebras]',
    ].join('\n'))).toEqual({
      rules: [{
        name: 'general',
        conditions: {
          keywords: [{ word: 'code', weight: 1 }, { word: 'stack trace', weight: 1 }],
          keywordsNone: [], patterns: [], minKeywordScore: 1, models: ['auto'],
        },
        preferences: ['groq', 'openrouter'],
        models: {},
        capabilities: [],
        fallbackChain: ['openrouter', 'groq', 'cerebras'],
        strategy: 'round_robin',
        onPolicyRefusal: 'stop',
        onStreamBreak: 'error',
        deadlines: {},
      }],
      defaultRule: 'general',
    });
  });

  test('every key a rule may have', () => {
    const { rules, defaultRule } = load(`
routing_rules:
  - name: code_generation
    conditions:
      content_keywords: [code, { word: python, weight: 2 }]
      content_keywords_none: [dress code]
      content_regex: ['\\bdef \\w+\\(']
      min_keyword_score: 2
      min_tokens: 0
      max_tokens: 100000
      has_tools: false
      has_images: true
      models: [auto, "gpt-*"]
      virtual_keys: [team-*]
    provider_preferences: [groq]
    models: { groq: [openai/gpt-oss-120b], openrouter: ["qwen/*:free"] }
    capabilities: [code_generation]
    fallback_chain: [cerebras]
    strategy: spend_expiring
    on_policy_refusal: fallback
    on_stream_break: resume
    cache: { ttl: 1h }
    deadlines: { first_content: 30s, stall: 45s, total: 10m }
  - { name: rest, cache: off }
default_rule: rest
`);
    expect(rules[0]).toEqual({
      name: 'code_generation',
      conditions: {
        keywords: [{ word: 'code', weight: 1 }, { word: 'python', weight: 2 }],
        keywordsNone: ['dress code'],
        patterns: ['\\bdef \\w+\\('],
        minKeywordScore: 2, minTokens: 0, maxTokens: 100_000, hasTools: false, hasImages: true,
        models: ['auto', 'gpt-*'],
        virtualKeys: ['team-*'],
      },
      preferences: ['groq'],
      models: { groq: ['openai/gpt-oss-120b'], openrouter: ['qwen/*:free'] },
      capabilities: ['code_generation'],
      fallbackChain: ['cerebras'],
      strategy: 'spend_expiring',
      onPolicyRefusal: 'fallback',
      onStreamBreak: 'resume',
      cache: { ttlMs: 3_600_000, shared: false },
      deadlines: { firstContentMs: 30_000, stallMs: 45_000, totalMs: 600_000 },
    });
    expect(rules[1]).not.toHaveProperty('cache');
    expect(defaultRule).toBe('rest');
  });

  test('every mistake is told at once, in the order of the file', () => {
    expect(told(() => load(`routing_rules:
  - name: code
    conditions:
      content_keyword: [a]
      content_keywords: [404, true, { wrd: x }, { word: y, weight: -1 }, "", ok]
      content_regex: ['a(?=b)', 7]
      min_tokens: 10
      max_tokens: 5
      has_tools: yes
    provider_preferences: [grok, zzz]
    models: { goq: [x], groq: [] }
    capabilities: [tool]
    fallback_chain: groq
    strategy: round-robin
    cache: on
    deadlines: { first_content: 3, stal: 3s }
  - name: code
    cache: { ttl: 1 }
  - nme: x
  - 5
  - name: not a name
default_rule: cod
`))).toEqual([
      'routing-rules.yaml:4:7 routing_rules[0].conditions.content_keyword: unknown key (did you mean content_keywords?)',
      'routing-rules.yaml:5:26 routing_rules[0].conditions.content_keywords[0]: must be a word, or { word, weight }; put what reads as a number or as true in quotes',
      'routing-rules.yaml:5:31 routing_rules[0].conditions.content_keywords[1]: must be a word, or { word, weight }; put what reads as a number or as true in quotes',
      'routing-rules.yaml:5:37 routing_rules[0].conditions.content_keywords[2].word: is missing',
      'routing-rules.yaml:5:39 routing_rules[0].conditions.content_keywords[2].wrd: unknown key (did you mean word?)',
      'routing-rules.yaml:5:68 routing_rules[0].conditions.content_keywords[3].weight: must be more than 0',
      'routing-rules.yaml:5:74 routing_rules[0].conditions.content_keywords[4]: must not be empty',
      'routing-rules.yaml:6:23 routing_rules[0].conditions.content_regex[0]: is no linear-time pattern: it looks ahead',
      'routing-rules.yaml:6:33 routing_rules[0].conditions.content_regex[1]: must be text, not the number 7: put it in quotes',
      'routing-rules.yaml:8:19 routing_rules[0].conditions.max_tokens: must not be below min_tokens (10)',
      'routing-rules.yaml:9:18 routing_rules[0].conditions.has_tools: must be true or false, not text',
      'routing-rules.yaml:10:28 routing_rules[0].provider_preferences[0]: no provider is called "grok" (did you mean groq?)',
      'routing-rules.yaml:10:34 routing_rules[0].provider_preferences[1]: no provider is called "zzz" (there are: groq, openrouter, cerebras)',
      'routing-rules.yaml:11:15 routing_rules[0].models.goq: no provider is called "goq" (did you mean groq?)',
      'routing-rules.yaml:11:25 routing_rules[0].models.groq: must not be empty',
      'routing-rules.yaml:12:20 routing_rules[0].capabilities[0]: must be one of text_generation, code_generation, reasoning, tools, json, json_schema, vision, audio, embeddings, transcription, speech, image_generation, moderation, not "tool" (did you mean tools?)',
      'routing-rules.yaml:13:21 routing_rules[0].fallback_chain: must be a list, not text',
      'routing-rules.yaml:14:15 routing_rules[0].strategy: must be one of round_robin, spend_expiring, fastest, reliable, not "round-robin" (did you mean round_robin?)',
      'routing-rules.yaml:15:12 routing_rules[0].cache: must be off or { ttl: 1h }',
      'routing-rules.yaml:16:33 routing_rules[0].deadlines.first_content: must be a duration such as 250ms, 30s, 10m, 1h or 2d',
      'routing-rules.yaml:16:36 routing_rules[0].deadlines.stal: unknown key (did you mean stall?)',
      'routing-rules.yaml:17:11 routing_rules[1].name: "code" is the name of routing_rules[0] too',
      'routing-rules.yaml:18:19 routing_rules[1].cache.ttl: must be a duration such as 250ms, 30s, 10m, 1h or 2d',
      'routing-rules.yaml:19:5 routing_rules[2].name: is missing',
      'routing-rules.yaml:19:5 routing_rules[2].nme: unknown key (did you mean name?)',
      'routing-rules.yaml:20:5 routing_rules[3]: must be a mapping, not the number 5',
      'routing-rules.yaml:21:11 routing_rules[4].name: must be made of letters, digits, _ and -, at most 64',
      'routing-rules.yaml:22:15 default_rule: no rule is called "cod" (did you mean code?)',
    ]);
  });

  test.each<[string, string, string[]]>([
    ['an empty file', '', ['1:1 routing_rules: is missing: the list of rules, each with a name, conditions and providers']],
    ['no rules', 'routing_rules: []', ['1:1 routing_rules: must not be empty']],
    ['a misspelt list', 'routing_rule: []', ['1:1 routing_rules: is missing: the list of rules, each with a name, conditions and providers', '1:1 routing_rule: unknown key (did you mean routing_rules?)']],
    ['no default and no rule called general', 'routing_rules: [{ name: code }]', ['1:1 default_rule: is missing: name the rule that serves the rest, or call one general']],
    ['an empty condition', 'routing_rules:\n  - name: general\n    conditions:\n', ['3:5 routing_rules[0].conditions: must be a mapping, not empty']],
  ])('%s', (_name, text, expected) => {
    expect(told(() => load(text)).map((line) => line.replace(/^routing-rules\.yaml:/, ''))).toEqual(expected);
  });

  test('without a catalogue and an engine, names and patterns are taken as they are', () => {
    const text = "routing_rules: [{ name: general, provider_preferences: [anybody], conditions: { content_regex: ['a(?=b)'] } }]";
    expect(told(() => loadRules(text, 'r.yaml'))).toEqual([]);
  });
});
