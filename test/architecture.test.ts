/** Who may import whom: the allow-list of ARCHITECTURE.md, held against every import in src. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const source = join(import.meta.dirname, '..', 'src');
/** Every file and folder of the source; the dashboard is a browser's. */
const parts = new Set(readdirSync(source).map((name) => name.replace(/\.ts$/, '')).filter((name) => name !== 'dashboard'));

/** What each part may import besides itself, `types` and plain Node, as the page's table has it. `*`: anything. */
const allowed: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...readFileSync(join(source, '..', 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| (.+?) \| (.+?) \|$/gm)]
    .flatMap(([, parts = '', may = '']) => parts.split(', ').map((part) => [part, namesIn(may)] as const))
    .filter(([part]) => parts.has(part)),
);

/** `a, b (only so much of it) — in other words`. */
function namesIn(may: string): readonly string[] {
  if (may.startsWith('nothing')) return [];
  return may.startsWith('anything') ? ['*'] : may.replaceAll(/ \(.*?\)| — .*/g, '').split(', ');
}

/** Entry points: nothing else imports them. */
const entries: ReadonlySet<string> = new Set(['main', 'app', 'workers', 'cli', 'client', 'sim']);
const mayStart: Readonly<Record<string, readonly string[]>> = { main: ['app', 'workers'], workers: ['app', 'main'], cli: ['main', 'sim'], client: ['main'] };

interface Import {
  readonly file: string;
  readonly part: string;
  readonly target: string;
}

const partOf = (path: string): string => relative(source, path).split(sep)[0]?.replace(/\.ts$/, '') ?? '';

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map(([, named, bare, dynamic]) => {
    const specifier = named ?? bare ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? partOf(join(file, '..', specifier)) : specifier.replace(/^((?:@[^/]+\/)?[^/]+).*/, '$1');
    return { file: relative(source, file), part: partOf(file), target };
  });
}

const imports = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap((name) => importsOf(join(source, name)));

describe('the house', () => {
  test('every part imports only what the allow-list says', () => {
    const wrong = imports.filter(({ part, target }) => {
      const list = allowed[part] ?? [];
      return !list.includes('*') && !list.includes(target) && target !== part && target !== 'types' && !target.startsWith('node:');
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  test('every part has its line, and no line allows more than is so', () => {
    expect(Object.keys(allowed).toSorted()).toEqual([...parts].toSorted());
    const taken = new Set(imports.map(({ part, target }) => `${part} imports ${target}`));
    const unneeded = Object.entries(allowed).flatMap(([part, names]) => names.filter((name) => name !== '*').map((name) => `${part} imports ${name}`)).filter((line) => !taken.has(line));
    expect(unneeded).toEqual([]);
  });

  test('nothing imports an entry point but another entry point', () => {
    const wrong = imports.filter(({ part, target }) => entries.has(target) && target !== part && !(mayStart[part] ?? []).includes(target));
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  test('every package that is imported is a dependency of our own', () => {
    const { dependencies } = JSON.parse(readFileSync(join(source, '..', 'package.json'), 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> };
    const borrowed = imports.filter(({ target }) => !parts.has(target) && !target.startsWith('node:') && !(target in dependencies));
    expect(borrowed.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  test('types imports nothing at all', () => {
    expect(imports.filter(({ part }) => part === 'types')).toEqual([]);
  });

  test('no part keeps a module-level let', () => {
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    expect(files.filter((name) => /^(export )?let /m.test(readFileSync(join(source, name), 'utf8')))).toEqual([]);
  });
});
