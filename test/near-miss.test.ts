import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { didYouMean, nearest } from '../src/near-miss.ts';

const known = ['content_keywords', 'content_keywords_none', 'content_regex', 'min_tokens', 'max_tokens', 'has_tools', 'models'];

describe('near misses', () => {
  test.each([
    ['content_keyword', 'content_keywords'],
    ['contentKeywords', 'content_keywords'],
    ['content-regex', 'content_regex'],
    ['keywords', 'content_keywords'],
    ['min_token', 'min_tokens'],
    ['max_tokesn', 'max_tokens'],
    ['modles', 'models'],
    ['MODELS', 'models'],
  ])('%s means %s', (written, meant) => expect(nearest(written, known)).toBe(meant));

  test.each(['', '___', 'x', 'strategy', 'provider', 'has', 'тест'])('%j is near to nothing', (written) => expect(didYouMean(written, known)).toBe(''));

  test('a name is nearest to itself, and any two neighbours swapped still lead to it', () => {
    fc.assert(fc.property(fc.constantFrom(...known), fc.nat(), (name, at) => {
      const place = at % (name.length - 1);
      const swapped = name.slice(0, place) + (name[place + 1] ?? '') + (name[place] ?? '') + name.slice(place + 2);
      expect(nearest(name, known)).toBe(name);
      expect(nearest(swapped, known)).toBe(name);
    }));
  });
});
