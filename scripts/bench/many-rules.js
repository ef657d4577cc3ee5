/** As many rules and keywords as an operator may have, none of them said by the bench's prompt. */
export function manyRules(count = 200) {
  const rules = Array.from({ length: count }, (_, rule) => ({
    name: `rule-${rule}`,
    conditions: { content_keywords: ['a', 'b', 'c', 'd', 'e'].map((letter) => `${letter}keyword${rule}`) },
    provider_preferences: ['groq'],
  }));
  return JSON.stringify({ routing_rules: [...rules, { name: 'general', provider_preferences: ['groq'] }], default_rule: 'general' });
}
