import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tollfree } from './context.ts';

const place = { directory: '' };
beforeEach(async () => {
  place.directory = await mkdtemp(join(tmpdir(), 'tollfree-rules-'));
});
afterEach(() => rm(place.directory, { recursive: true }));

const wrong = `routing_rules:
  - name: code
    conditions: { content_keyword: [python] }
    provider_preferences: [grok]
default_rule: code
`;

describe('rules check', () => {
  test('the shipped rules are good', async () => {
    const { status, out, words } = await tollfree(['rules', 'check']);
    expect({ status, words }).toEqual({ status: 0, words: '' });
    expect(out).toMatch(/^routing-rules\.yaml: \d+ rules, no mistake\n$/);
  });

  test('every mistake at its place, in the words of the command line, and status 1', async () => {
    await writeFile(join(place.directory, 'mine.yaml'), wrong);
    const { status, out, words } = await tollfree(['rules', 'check', 'mine.yaml'], { directory: place.directory });
    expect(status).toBe(1);
    expect(out.split('\n').map((line) => line.split(' ', 2).join(' '))).toEqual(['mine.yaml:3:19 routing_rules[0].conditions.content_keyword:', 'mine.yaml:4:28 routing_rules[0].provider_preferences[0]:', '']);
    expect(words).toBe('error: 2 mistakes in mine.yaml\n');
    const told = await tollfree(['rules', 'check', 'mine.yaml', '--output', 'json'], { directory: place.directory });
    expect(JSON.parse(told.out)).toMatchObject({ file: 'mine.yaml', problems: [{ line: 3 }, { line: 4 }] });
  });

  test('a keyword that can never be found is a mistake', async () => {
    await writeFile(join(place.directory, 'mine.yaml'), "routing_rules: [{ name: general, conditions: { content_keywords: ['::', c++, { word: '?!', weight: 2 }], content_keywords_none: ['...'] } }]\n");
    const { status, out } = await tollfree(['rules', 'check', 'mine.yaml'], { directory: place.directory });
    expect(status).toBe(1);
    expect(out.trim().split('\n')).toEqual([
      "mine.yaml:1:67 routing_rules[0].conditions.content_keywords[0]: '::' has no letter, digit or symbol to look for; use content_regex for punctuation",
      "mine.yaml:1:86 routing_rules[0].conditions.content_keywords[2].word: '?!' has no letter, digit or symbol to look for; use content_regex for punctuation",
      "mine.yaml:1:130 routing_rules[0].conditions.content_keywords_none[0]: '...' has no letter, digit or symbol to look for; use content_regex for punctuation",
    ]);
  });

  test('a file that is not there', async () => {
    const { status, words } = await tollfree(['rules', 'check', 'none.yaml'], { directory: place.directory });
    expect(status).toBe(1);
    expect(words).toBe(`error: ${join(place.directory, 'none.yaml')}: no such file\n`);
  });
});
