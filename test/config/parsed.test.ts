/** What a YAML file came to is kept for the next start, and never believed where it might not be so. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { createParsed } from '../../src/config/parsed.ts';
import type { Parsed } from '../../src/config/parsed.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { loadRules } from '../../src/config/rules.ts';

const state = { directory: '' };
beforeEach(() => {
  state.directory = mkdtempSync(join(tmpdir(), 'tollfree-test-'));
});
afterEach(() => rmSync(state.directory, { recursive: true }));

const path = (): string => join(state.directory, 'parsed.json');
/** As the next process finds it. */
const opened = (version = '1'): Parsed => createParsed({ path: path(), version });
const shipped = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8');

test('the shipped files read from it are what their texts say', () => {
  const catalogue = shipped('config/providers.yaml');
  const rules = shipped('routing-rules.yaml');
  const first = opened();
  const parsed = [loadCatalogue(catalogue, 'p.yaml', { parsed: first }), loadRules(rules, 'r.yaml', { parsed: first })];
  const second = opened();
  expect(second.find({ text: catalogue, file: 'p.yaml' })).toBeDefined();
  expect([loadCatalogue(catalogue, 'p.yaml', { parsed: second }), loadRules(rules, 'r.yaml', { parsed: second })]).toEqual(parsed);
  expect(statSync(path()).mode & 0o777).toBe(0o600);
});

const text = 'routing_rules:\n  - name: general\n';
const source = { text, file: 'r.yaml' };

test('only for the same text, file and version', () => {
  opened().keep(source, { was: 'kept' });
  expect(opened().find(source)).toEqual({ was: 'kept' });
  expect(opened().find({ ...source, text: `${text}\n` })).toBeUndefined();
  expect(opened().find({ ...source, file: 'other.yaml' })).toBeUndefined();
  expect(opened('2').find(source)).toBeUndefined();
});

test('one value a file, however often it changes', () => {
  const parsed = opened();
  for (let change = 0; change < 5; change++) parsed.keep({ ...source, text: `${text}# ${change}` }, { change });
  expect(readFileSync(path(), 'utf8').match(/digest/g)).toHaveLength(1);
});

test.each(['', 'null', '{}', '{"version":"1","files":7}', '{"version":"1","files":null}', '{"version":"1","files":{"r.yaml":null}}', '{"version'])('a kept file that says %j is none', (kept) => {
  writeFileSync(path(), kept);
  const parsed = opened();
  expect(parsed.find(source)).toBeUndefined();
  expect(loadRules(text, 'r.yaml', { parsed }).rules).toHaveLength(1);
  expect(opened().find(source)).toBeDefined();
});

test('a directory that takes nothing costs only the time', () => {
  const parsed = createParsed({ path: join(state.directory, 'gone', 'parsed.json'), version: '1' });
  expect(loadRules(text, 'r.yaml', { parsed }).rules).toHaveLength(1);
});

test('mistakes are told with their places, though the text was right before', () => {
  const asking = 'routing_rules:\n  - name: general\n    provider_preferences: [groq]\n';
  expect(loadRules(asking, 'r.yaml', { providers: ['groq'], parsed: opened() }).rules).toHaveLength(1);
  const told = (): unknown => {
    try {
      return loadRules(asking, 'r.yaml', { providers: ['cerebras'], parsed: opened() });
    } catch (error) {
      return error instanceof ConfigError ? error.problems.map(({ line, column }) => [line, column]) : error;
    }
  };
  expect(told()).toEqual([[3, 28]]);
});

test('what JSON cannot say is not kept', () => {
  opened().keep(source, { most: Number.POSITIVE_INFINITY });
  expect(opened().find(source)).toBeUndefined();
});

test('a text with mistakes is not kept', () => {
  expect(() => loadRules('routing_rules:\n  - nam: general\n', 'r.yaml', { parsed: opened() })).toThrow(ConfigError);
  expect(opened().find({ text: 'routing_rules:\n  - nam: general\n', file: 'r.yaml' })).toBeUndefined();
});
