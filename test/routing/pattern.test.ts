/** Operators' patterns. */
import { expect, test } from '@jest/globals';
import { checkPattern, compilePatterns } from '../../src/routing/pattern.ts';

test.each(['(a', '(a)\\1', '(?=x)', '[a', 'a**', 'x{1001}', '(a{0,1000}){0,1000}'])('%s does not compile, and it is said why', (source) => {
  expect(checkPattern(source)).toMatch(/./);
});

test.each(['\\bdef \\w+\\(', '(?i)hello', '(?m)^import ', '^(a+)+$'])('%s compiles', (source) => {
  expect(checkPattern(source)).toBeUndefined();
});

test('a pattern that takes others for ever takes linear time', () => {
  const start = performance.now();
  expect(compilePatterns(['^(a+)+$'])(`${'a'.repeat(8_192)}b`)).toBe(false);
  expect(performance.now() - start).toBeLessThan(2_000);
});

test('patterns are alternatives, and keep their flags to themselves', () => {
  const any = compilePatterns(['(?i)hello', '(?m)^import ', 'a|b']);
  expect(['HELLO', 'x\nimport os', 'b'].map(any)).toEqual([true, true, true]);
  expect(['IMPORT os', 'x import ', 'A'].map(any)).toEqual([false, false, false]);
});
