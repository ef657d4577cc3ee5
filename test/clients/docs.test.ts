/** docs/clients.md says what the code does. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRules } from '../../src/config/rules.ts';
import { dialects } from '../../src/providers/dialects.ts';
import { RELAY_KINDS } from '../../src/surfaces/relay.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8');

test('every path that has a meaning of its own stands in the table', () => {
  const [, table = ''] = /\| path \| answered by[\s\S]*?\n\|---.*\n([\s\S]*?)\n\n/.exec(page) ?? [];
  const named = table.split('\n').flatMap((row) => {
    const [first = '', ...others] = [...(row.split('|')[1] ?? '').matchAll(/`(?:POST )?([^`]+)`/g)].map(([, path = '']) => path);
    return [first, ...others.map((path) => first.replace(/\/[^/]+$/, path))];
  });
  for (const path of Object.keys(RELAY_KINDS)) expect(named).toContain(`/v1${path}`);
  for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/messages', '/v1/messages/count_tokens', '/v1/…']) expect(named).toContain(path);
});

test('the dialects are those there are', () => {
  const [, list = ''] = /have a `dialect`:\n?([^.]*)\./.exec(page) ?? [];
  const named = [...list.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name);
  expect(named.toSorted()).toEqual([...dialects.keys()].filter((name) => name !== 'openai').toSorted());
});

test('the rule for Claude Code is one', () => {
  const [, snippet = ''] = /```yaml\n( {2}- name: claude[\s\S]*?)```/.exec(page) ?? [];
  const { rules } = loadRules(`routing_rules:\n${snippet}default_rule: claude\n`, 'docs/clients.md', { providers: ['openrouter', 'gemini'], checkPattern: () => undefined });
  expect(rules[0]).toMatchObject({ name: 'claude', conditions: { models: ['claude-*'] }, capabilities: ['tools'] });
});
