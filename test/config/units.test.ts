import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseDuration, parseSize } from '../../src/config/units.ts';

describe('durations and sizes', () => {
  test.each([
    ['250ms', 250], ['30s', 30_000], ['1.5m', 90_000], ['10m', 600_000], ['1h', 3_600_000], ['2d', 172_800_000], [' 5 s ', 5_000], ['0s', 0],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '30', 's', '30 seconds', '-1s', '1h30m', '1e3s', '٣s', '1constructor', '9'.repeat(20) + 's'])('%j is no duration', (text) => expect(parseDuration(text)).toBeUndefined());

  test.each([
    ['100B', 100], ['512KiB', 524_288], ['32MiB', 33_554_432], ['10MB', 10_000_000], ['1.5GiB', 1_610_612_736], ['64kB', 64_000],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', '32', 'MiB', '32mib', '-1MB', '1 TiB'])('%j is no size', (text) => expect(parseSize(text)).toBeUndefined());

  test('what is understood is a whole, finite, positive number', () => {
    fc.assert(fc.property(fc.string(), (text) => {
      for (const value of [parseDuration(text), parseSize(text)]) expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true);
    }));
  });
});
