/** The page itself: small, whole, from nowhere else, and without a way for words to become markup. */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = join(import.meta.dirname, '..', '..', 'src', 'dashboard');
const files = readdirSync(directory).map((name) => ({ name, text: readFileSync(join(directory, name), 'utf8') }));

test('all of it is under 150 KB', () => {
  expect(files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeLessThan(150_000);
});

test('nothing turns text into markup or code', () => {
  const wrong = files.filter(({ name, text }) => name.endsWith('.js') && /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|srcdoc|createContextualFragment/.test(text));
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test('nothing is inline, nothing comes from elsewhere', () => {
  const page = files.find(({ name }) => name === 'index.html')?.text ?? '';
  expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*src=)/);
  expect(files.flatMap(({ name, text }) => [...text.matchAll(/https?:\/\/[^\s'"`]+/g)].map(([address]) => `${name}: ${address}`)).filter((found) => !found.includes('www.w3.org'))).toEqual([]);
});

test('every module that is named is there', () => {
  const names = new Set(files.map(({ name }) => name));
  const wanted = files.flatMap(({ text }) => [...text.matchAll(/from '\.\/([\w.]+)'|(?:src|href)="([\w.]+)"/g)].map(([, module, file]) => module ?? file ?? ''));
  expect(wanted.filter((name) => !names.has(name))).toEqual([]);
});
