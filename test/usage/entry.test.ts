/** What becomes of a request on its way through a line. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { entryOf, lineOf, readEntry, requestAt } from '../../src/usage/entry.ts';
import { totalsOf } from '../../src/usage/rollup.ts';
import { attempt, finished } from './finished.ts';

const through = ({ request, summary }: ReturnType<typeof finished>) => readEntry(lineOf(entryOf(request, summary)));
const cell = (event: ReturnType<typeof finished>, column: keyof typeof requestAt) => through(event)?.request[requestAt[column]];

describe('an entry', () => {
  test('never holds a prompt, and of the client\'s words no more than a name\'s length', () => {
    const { request, summary } = finished();
    const line = lineOf(entryOf({ ...request, model: `auto:${'x'.repeat(10_000)}` }, summary));
    expect(line).not.toContain('secret');
    expect(line.length).toBeLessThan(500);
  });

  test('survives whatever numbers a provider reports, and every word', () => {
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300));
    fc.assert(fc.property(number, number, number, fc.string({ unit: 'binary' }), (tokens, money, time, words) => {
      const event = finished({ key: words, usage: { input: tokens, output: tokens, reasoning: tokens }, costUsd: money, savedUsd: money, totalMs: time, attempts: [attempt({ outcome: words, endedAt: time })] });
      const entry = through(event);
      expect(entry?.request[requestAt.key]).toBe(words);
      for (const { sums } of totalsOf(entry === undefined ? [] : [entry])) for (const sum of sums) expect(Number.isSafeInteger(sum) && sum >= 0).toBe(true);
    }));
  });

  test('tells zero from unknown', () => {
    expect(cell(finished({ usage: { input: 0, output: 0 }, costUsd: 0 }), 'cost_nano_usd')).toBe(0);
    expect(cell(finished({ usage: { input: 0, output: 0 } }), 'cost_nano_usd')).toBeNull();
    expect([cell(finished({ usage: { input: 3, output: 0 } }), 'tokens_in'), cell(finished(), 'tokens_in')]).toEqual([3, null]);
    expect([cell(finished({ usage: { input: 3, output: 0, estimated: true } }), 'estimated'), cell(finished(), 'estimated')]).toEqual([1, null]);
  });

  test('counts what was sent, not what was passed over', () => {
    expect(through(finished({ attempts: [attempt({ sent: false, outcome: 'rate-day' }), attempt()] }))?.attempts).toHaveLength(1);
  });
});
