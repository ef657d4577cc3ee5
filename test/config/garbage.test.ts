/** Whatever stands in a file, the loaders answer with a snapshot or with a ConfigError whose problems have a place. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { loadRules } from '../../src/config/rules.ts';
import { loadSettings } from '../../src/config/settings.ts';

const loaders = [
  (text: string) => loadSettings(text, 'f'),
  (text: string) => loadRules(text, 'f', { providers: ['groq'], checkPattern: () => undefined }),
  (text: string) => loadCatalogue(text, 'f', { dialects: ['openai'] }),
];

function holds(text: string): void {
  const lines = text.split(/\r\n|\n/).length;
  for (const load of loaders) {
    try {
      load(text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.problems.length).toBeGreaterThan(0);
      for (const { line, column, message } of error.problems) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(message).not.toMatch(/\n|undefined|\[object/);
      }
    }
  }
}

const words = fc.constantFrom(
  'routing_rules', 'providers', 'server', 'groq', 'name', 'models', 'conditions', 'content_keywords', 'base_url', 'rate_limit', 'reset', 'windows', 'port',
  'log', 'level', 'default_rule', 'cache', 'deadlines', 'https://x', '30s', 'off', 'general', '__proto__', 'constructor', 'toString', '<<',
);
const yamlBits = fc.constantFrom('\n', '\n  ', '\n    ', '- ', ': ', ':', '[', ']', '{', '}', ', ', '"', "'", '|\n', '>-\n', '&a ', '*a', '!!set ', '!x ', '---\n', '...\n', '#', '\t', '? ', '%YAML 1.2\n', '\r\n', '\u0000', '\uFEFF');

describe('garbage', () => {
  test('any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), holds), { numRuns: 150 });
  });

  test('anything that looks like our YAML', () => {
    fc.assert(fc.property(fc.array(fc.oneof(words, yamlBits, fc.integer().map(String)), { maxLength: 40 }).map((parts) => parts.join('')), holds), { numRuns: 400 });
  });

  test('well-formed YAML of any shape under our own keys', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'small', withCrossShrink: true },
        fc.oneof(words, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string()),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(words, tie('tree'), { maxKeys: 5 })),
    }));
    fc.assert(fc.property(tree, (value) => holds(stringify(value))), { numRuns: 200 });
  });

  test('the shipped files, cut anywhere', () => {
    for (const name of ['config/tollfree.yaml', 'config/providers.yaml']) {
      const text = readFileSync(join(import.meta.dirname, '../..', name), 'utf8');
      fc.assert(fc.property(fc.nat(6_000), fc.nat(6_000), (from, to) => holds(text.slice(from, to))), { numRuns: 15 });
    }
  });
});
