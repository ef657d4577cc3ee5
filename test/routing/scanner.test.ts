/** All keywords in one pass: the same as each by itself, in time that grows as the text does. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createScanner } from '../../src/routing/scanner.ts';
import { find, findSlowly, placesIn, scannerOf } from './finding.ts';

/** Few letters, so that keywords overlap and hit, and whatever makes reading hard. */
const pieces = [
  'a', 'b', 'ab', 'A', 'ä', 'a\u0308', 'ß', 'ss', 'İ', 'ı', 'ﬁ', 'Ａ', '1', '½', ' ', '  ', '-', '.', '\n', '_', '\u00ad', '\u200d', '™', '+', '#', '代', '码', '。',
  'か', '\u3099', 'が', 'ｶﾞ', 'ก', '\u0e49', 'า', '코', '드', '콘', '\u1112', '\u1161', '\u11ab', 'क', 'ो', '्', 'ع', '\u064e', '😀', '🏽', '𠮷', '\ud83d', '\ude00', '\u0301', 'я',
] as const;
const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(''));
const keywords = fc.array(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')), { minLength: 1, maxLength: 12 });

describe('one pass for all keywords', () => {
  test('finds what looking for each at every place finds', () => {
    fc.assert(fc.property(keywords, texts, (words, text) => {
      expect(find(words, text)).toEqual(findSlowly(words, text));
    }), { numRuns: 1_000 });
  });

  test('the same with any Unicode whatever', () => {
    const unicode = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(fc.property(fc.array(unicode, { maxLength: 6 }), fc.array(unicode, { maxLength: 6 }), (words, parts) => {
      const text = [...parts, ...words].join(' ');
      expect(find(words, text)).toEqual(findSlowly(words, text));
    }), { numRuns: 100 });
  });

  test('the same wherever one stretch ends and the next begins', () => {
    fc.assert(fc.property(keywords, texts, fc.nat(), (words, text, place) => {
      const blank = 16_384 - (place % (text.length + 1));
      expect(find(words, ' '.repeat(blank) + text)).toEqual(find(words, `  ${text}`));
    }), { numRuns: 500 });
  });

  test('is the same however often and whatever was read before', () => {
    fc.assert(fc.property(keywords, fc.array(texts, { minLength: 1 }), (words, read) => {
      const { scanner } = scannerOf(words);
      for (const text of read) {
        expect(placesIn(scanner, text, [{ from: 0, to: text.length, place: 1 }])).toEqual(placesIn(scannerOf(words).scanner, text, [{ from: 0, to: text.length, place: 1 }]));
      }
    }), { numRuns: 50 });
  });
});

describe('spans', () => {
  test('adjoining spans find what one finds', () => {
    // Half a character cannot be read, so the text is cut between characters.
    const cuts = fc.tuple(texts, texts, texts).filter((parts) => parts.every((part) => !/\p{Surrogate}/u.test(part)));
    fc.assert(fc.property(keywords, cuts, (words, parts) => {
      const [first, second] = [parts[0].length, parts[0].length + parts[1].length];
      const text = parts.join('');
      const { scanner } = scannerOf(words);
      const whole = placesIn(scanner, text, [{ from: 0, to: text.length, place: 1 }]);
      const split = placesIn(scanner, text, [{ from: 0, to: first, place: 3 }, { from: first, to: second, place: 2 }, { from: second, to: text.length, place: 1 }]);
      expect([...split].map((place) => Math.min(place, 1))).toEqual([...whole]);
    }), { numRuns: 300 });
  });

  test('a word is noted where it counts most', () => {
    const { scanner } = scannerOf(['one', 'two', 'one two']);
    const text = 'one two one';
    expect([...placesIn(scanner, text, [{ from: 0, to: 4, place: 2 }, { from: 4, to: 8, place: 1 }, { from: 8, to: 11, place: 1 }])]).toEqual([1, 1, 1]);
    expect([...placesIn(scanner, text, [{ from: 0, to: 8, place: 1 }, { from: 8, to: 11, place: 2 }])]).toEqual([1, 1, 1]);
    expect([...placesIn(scanner, text, [{ from: 0, to: 11, place: 5 }])]).toEqual([5, 5, 5]);
  });

  test('words that were cut are not taken for others', () => {
    const { scanner } = scannerOf(['code', 'deco']);
    expect([...placesIn(scanner, 'decode', [{ from: 2, to: 6, place: 1 }])]).toEqual([0, 0]);
    expect([...placesIn(scanner, 'decode', [{ from: 0, to: 4, place: 1 }])]).toEqual([0, 0]);
    expect([...placesIn(scanner, 'de code', [{ from: 1, to: 7, place: 1 }])]).toEqual([1, 0]);
  });
});

const many = (count: number, word: (index: number) => string): string[] => Array.from({ length: count }, (_, index) => word(index));

describe('time grows as the text does', () => {
  const cases: readonly { readonly name: string; readonly words: readonly string[]; readonly piece: string }[] = [
    { name: 'one long word', words: many(300, (index) => `${'a'.repeat(index + 1)}b`), piece: 'a' },
    { name: 'phrases that begin alike', words: many(300, (index) => `${'a '.repeat(index + 1)}b`), piece: 'a ' },
    { name: 'characters that end many keywords', words: many(300, (index) => '啊'.repeat(index + 1)), piece: '啊' },
    { name: 'marks out of order', words: ['a'], piece: '\u0316\u0301' },
    { name: 'characters that unfold', words: ['صلي'], piece: '\ufdfa' },
    { name: 'invisible characters', words: ['代码'], piece: '代\u200b\u200b' },
  ];

  test.each(cases)('$name', ({ words, piece }) => {
    const { scanner } = scannerOf(words);
    const reading = (length: number) => {
      const text = piece.repeat(length / piece.length);
      return () => placesIn(scanner, text, [{ from: 0, to: text.length, place: 1 }]);
    };
    // Eight times the text: quadratic work would take sixty-four times as long.
    expect(ratioOf(reading(16_384), reading(2_048), 24)).toBeLessThan(24);
  });
});

test('time hardly grows with the keywords that end in one place', () => {
  const text = '啊'.repeat(8_192);
  const reading = (count: number) => {
    const scanner = createScanner(Array.from({ length: count }, (_, index) => Array.from({ length: index + 1 }, () => '啊')));
    return () => placesIn(scanner, text, [{ from: 0, to: text.length, place: 1 }]);
  };
  expect(ratioOf(reading(1_000), reading(3), 3)).toBeLessThan(3);
});

/** How much longer the first takes, by the shortest of many runs in turns; a machine that is busy elsewhere is asked again until it is under the bound. */
function ratioOf(longer: () => void, shorter: () => void, bound: number): number {
  const shortest = { longer: Number.POSITIVE_INFINITY, shorter: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 300; round++) {
    shortest.shorter = Math.min(shortest.shorter, timed(shorter));
    shortest.longer = Math.min(shortest.longer, timed(longer));
    if (round >= 15 && shortest.longer / shortest.shorter < bound) break;
  }
  return shortest.longer / shortest.shorter;
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
