/** As many rules and keywords as an operator may have, none of them said by the bench's prompt. */
const RULES = 200;
const KEYWORDS_EACH = 5;

export function manyRules() {
  const rules = Array.from({ length: RULES }, (_, rule) => ({
    name: `rule-${rule}`,
    conditions: { content_keywords: Array.from({ length: KEYWORDS_EACH }, (_keyword, keyword) => `${'abcdefghij'[keyword]}keyword${rule}`) },
    provider_preferences: ['groq'],
  }));
  return JSON.stringify({ routing_rules: [...rules, { name: 'general', provider_preferences: ['groq'] }], default_rule: 'general' });
}
