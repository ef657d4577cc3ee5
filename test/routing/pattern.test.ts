/** Operators' patterns. */
import { expect, test } from '@jest/globals';
import { checkPattern, compilePattern } from '../../src/routing/pattern.ts';

test.each(['(a', '(a)\\1', '(?=x)', '[a', 'a**', 'x{1001}', '(a{0,1000}){0,1000}'])('%s does not compile, and it is said why', (source) => {
  expect(checkPattern(source)).toMatch(/./);
});

test.each(['\\bdef \\w+\\(', '(?i)hello', '(?m)^import ', '^(a+)+$'])('%s compiles', (source) => {
  expect(checkPattern(source)).toBeUndefined();
});

test('a pattern that takes others for ever takes linear time', () => {
  const start = performance.now();
  expect(compilePattern('^(a+)+$').test(`${'a'.repeat(8_192)}b`)).toBe(false);
  expect(performance.now() - start).toBeLessThan(2_000);
});
