/** The README says what the code does. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { consequences } from '../src/failure.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string>; scripts: Record<string, string> };

/** The rows a client or an operator may meet: one attempt's failures, by the table in src/failure.ts. */
function failureTable(): string {
  const words = {
    yes: 'yes',
    no: 'no',
    'larger-context': 'where there is more room',
    'if-the-rule-says': 'if the rule says so',
    'if-capability': 'if another model could',
  } as const;
  const rows = Object.entries(consequences)
    .filter(([, row]) => row.effect !== 'nothing' || row.elsewhere !== 'no')
    .map(([kind, row]) => `| ${kind} | ${row.again ? 'once' : 'no'} | ${row.samePool ? 'yes' : 'no'} | ${words[row.elsewhere]} | ${row.effect}${row.effect === 'nothing' || row.scope === undefined ? '' : ` (${row.scope})`} |`);
  return ['| failure | asked again | same pool | elsewhere | what changes |', '|---|---|---|---|---|', ...rows].join('\n');
}

describe('README.md', () => {
  test('has the failure table as the code has it', () => {
    const [, table = ''] = /<!-- failures -->\n([\s\S]*?)\n?<!-- \/failures -->/.exec(readme) ?? [];
    expect(table).toBe(failureTable());
  });

  test('says of every dependency why it is there, and of no other', () => {
    const [, table = ''] = /\| dependency \| why \|\n\|---\|---\|\n([\s\S]*?)\n\n/.exec(readme) ?? [];
    const named = table.split('\n').flatMap((row) => (row.split('|')[1] ?? '').split(',').map((name) => name.trim()));
    expect(named.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
  });

  test('names only scripts that exist', () => {
    const scripts = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});
