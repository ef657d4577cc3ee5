/** Names with stars. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileGlobs } from '../../src/routing/glob.ts';

test.each([
  ['auto', 'auto', true],
  ['auto', 'auto:x', false],
  ['gpt-*', 'GPT-4o', true],
  ['qwen/*:free', 'qwen/qwen3.8-27b:free', true],
  ['qwen/*:free', 'qwen/qwen3.8-27b', false],
  ['*', '', true],
  ['*coder*', 'Qwen/Qwen3-Coder-Next', true],
  ['gpt-?', 'gpt-4', true],
  ['gpt-?', 'gpt-', false],
  ['a.b', 'axb', false],
  ['a*b*c', 'a-b-b-c', true],
  ['', 'a', false],
])('%j and %j: %s', (glob, name, expected) => {
  expect(compileGlobs([glob])(name)).toBe(expected);
});

test('matches what the pattern says, as a regular expression would read it', () => {
  const part = fc.constantFrom('a', 'b', '*', '?', '/');
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 10 }), (glob, name) => {
    const pattern = new RegExp(`^${glob.map((each) => (each === '*' ? '.*' : each === '?' ? '.' : each)).join('')}$`);
    expect(compileGlobs([glob.join('')])(name.join(''))).toBe(pattern.test(name.join('')));
  }));
});
