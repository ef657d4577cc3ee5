/** docs/keys.md says what the code does. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadRules } from '../../src/config/rules.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { MEASURES, PERIODS } from '../../src/keys/amounts.ts';
import { newKey } from '../../src/keys/format.ts';
import { limitName } from '../../src/keys/limits-format.ts';
import { GROUPS } from '../../src/usage/stats.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/keys.md'), 'utf8');
const [jwt = '', rule = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);

test('the fields of a key are those there are', () => {
  const [, table = ''] = /\| field \| \|\n\|---.*\n([\s\S]*?)\n\n/.exec(page) ?? [];
  expect([...table.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name).toSorted()).toEqual(Object.keys(newKey.shape).toSorted());
});

test('the limits it names are limits', () => {
  const possible = new Set(PERIODS.flatMap((period) => MEASURES.map((measure) => limitName({ measure, period }))));
  const named = [...page.matchAll(/\b(?:requests|tokens|usd)_(?:per_\w+|total)\b/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((name) => !possible.has(name))).toEqual([]);
});

test('statistics are told by what it lists', () => {
  const [, list = ''] = /and times by ([^.]*?), as table/s.exec(page) ?? [];
  expect(list.split(/,\s+|\s+or\s+/)).toEqual([...GROUPS].toSorted((one, other) => list.indexOf(one) - list.indexOf(other)));
});

test('what it shows of the files is right', () => {
  const settings = loadSettings(jwt, 'docs/keys.md');
  const { jwt: written } = parse(jwt) as { jwt: Readonly<Record<string, string>> };
  expect(settings.jwt).toEqual({ issuer: written['issuer'], audience: written['audience'], claim: written['key_claim'], proof: { jwksFile: written['jwks_file'] } });
  const { rules } = loadRules(`routing_rules:\n${rule}default_rule: lookups\n`, 'docs/keys.md', { providers: [], checkPattern: () => undefined });
  expect(rules[0]?.cache).toEqual({ ttlMs: 3_600_000, shared: false });
});
