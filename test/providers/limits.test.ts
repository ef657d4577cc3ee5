/** Headers as facts, and every way of writing a time. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readHeaderFacts } from '../../src/providers/limits.ts';
import { durationMs, nextMidnight, nextMonth, resetAt, retryAfter, sane } from '../../src/providers/reset.ts';

const NOW = Date.parse('2026-10-02T12:00:00Z');
const facts = (provider: string, headers: Readonly<Record<string, string>>): readonly unknown[] => readHeaderFacts({ provider, headers }, NOW);

const midnight = (at: string): string => new Date(nextMidnight(Date.parse(at), 'America/Los_Angeles')).toISOString();

describe('headers', () => {
  test('Groq counts requests by the day and tokens by the minute', () => {
    const headers = {
      'x-ratelimit-limit-requests': '14400', 'x-ratelimit-remaining-requests': '14370', 'x-ratelimit-reset-requests': '2m59.56s',
      'x-ratelimit-limit-tokens': '18000', 'x-ratelimit-remaining-tokens': '17997', 'x-ratelimit-reset-tokens': '7.66s',
    };
    expect(facts('groq', headers)).toEqual([
      { unit: 'requests', seconds: 86_400, limit: 14_400, remaining: 14_370, resetAt: NOW + 179_560, scope: 'model', source: 'header' },
      { unit: 'tokens', seconds: 60, limit: 18_000, remaining: 17_997, resetAt: NOW + 7660, scope: 'model', source: 'header' },
    ]);
  });

  test('and seconds of sound by the hour', () => {
    const headers = { 'x-ratelimit-limit-audio-seconds': '7200', 'x-ratelimit-remaining-audio-seconds': '7198', 'x-ratelimit-reset-audio-seconds': '1s' };
    expect(facts('groq', headers)).toEqual([{ unit: 'audio_seconds', seconds: 3600, limit: 7200, remaining: 7198, resetAt: NOW + 1000, scope: 'model', source: 'header' }]);
  });

  test('Cerebras has six windows, one with more left than it holds', () => {
    const windows = [['requests', 'minute', 5, 4, 60], ['requests', 'hour', 150, 149, 3600], ['requests', 'day', 2400, 2399, 86_400], ['tokens', 'minute', 30_000, 29_976, 60], ['tokens', 'hour', 1_000_000, 2_999_976, 3600], ['tokens', 'day', 1_000_000, 999_976, 86_400]] as const;
    const headers = Object.fromEntries(windows.flatMap(([unit, name, limit, remaining]) => [[`x-ratelimit-limit-${unit}-${name}`, String(limit)], [`x-ratelimit-remaining-${unit}-${name}`, String(remaining)]]));
    expect(facts('cerebras', headers)).toEqual(windows.map(([unit, , limit, remaining, seconds]) => ({ unit, seconds, limit, remaining, scope: 'model', source: 'header' })));
  });

  test('Mistral, SambaNova, Anthropic, Cohere', () => {
    expect(facts('mistral', { 'x-ratelimit-limit-req-minute': '188', 'x-ratelimit-remaining-req-minute': '187', 'x-ratelimit-tokens-query-cost': '18' })).toEqual([{ unit: 'requests', seconds: 60, limit: 188, remaining: 187, scope: 'model', source: 'header' }]);
    expect(facts('sambanova', { 'x-ratelimit-limit-requests-day': '20', 'x-ratelimit-reset-requests-day': '1791028800' })).toEqual([{ unit: 'requests', seconds: 86_400, limit: 20, resetAt: 1_791_028_800_000, source: 'header' }]);
    expect(facts('anthropic', { 'anthropic-ratelimit-tokens-limit': '50000', 'anthropic-ratelimit-tokens-remaining': '49000', 'anthropic-ratelimit-tokens-reset': '2026-10-02T12:00:30Z' })).toEqual([{ unit: 'tokens', seconds: 60, limit: 50_000, remaining: 49_000, resetAt: NOW + 30_000, scope: 'model', source: 'header' }]);
    expect(facts('cohere', { 'x-endpoint-monthly-call-limit': '1000' })).toEqual([{ unit: 'requests', seconds: 2_592_000, limit: 1000, source: 'header' }]);
  });

  test('a provider nobody knows names no window; -1 and words are no counts', () => {
    expect(facts('new', { 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '-1' })).toEqual([{ unit: 'requests', limit: 10, source: 'header' }]);
    expect(facts('new', { 'x-ratelimit-limit-tokens': 'many', 'x-ratelimit-reset-tokens': '5s', 'content-type': 'text/html' })).toEqual([]);
  });
});

describe('times', () => {
  test.each([['172ms', 172], ['7.66s', 7660], ['2m59.56s', 179_560], ['1h46m33.599s', 6_393_599], ['6m0s', 360_000], ['27m44s', 1_664_000], ['1 minute 30 seconds', 90_000], ['2 h', 7_200_000], ['1d', 86_400_000]])('%s', (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });

  test.each(['', 'soon', '5', '5 apples', 'gpt-4', '12:00', 's'])('%p is no duration', (text) => {
    expect(durationMs(text)).toBeUndefined();
  });

  test('any duration in hours, minutes, seconds is its sum', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(59), fc.nat(59_999), (hours, minutes, milliseconds) => {
        expect(durationMs(`${hours}h${minutes}m${milliseconds / 1000}s`)).toBe(hours * 3_600_000 + minutes * 60_000 + milliseconds);
      }),
    );
  });

  test.each([['11.382867097854614', 11_383], ['60', 60_000], ['1790942460', 60_000], ['1790942460000', 60_000], ['2026-10-02T12:01:00Z', 60_000], ['2026-10-02T14:01:00+02:00', 60_000], ['Fri, 02 Oct 2026 12:01:00 GMT', 60_000], ['1m', 60_000]])('a reset of %s', (text, expected) => {
    expect(resetAt(text, { now: NOW })).toBe(NOW + expected);
  });

  test('dates are told by the clock of whoever sent them; near clocks are one clock', () => {
    expect(resetAt('2026-10-02T11:01:00Z', { now: NOW, theirs: NOW - 3_600_000 })).toBe(NOW + 60_000);
    expect(resetAt('2026-10-02T12:01:00Z', { now: NOW, theirs: NOW - 900 })).toBe(NOW + 60_000);
    expect(retryAfter('60', { now: NOW, theirs: NOW - 3_600_000 })).toBe(NOW + 60_000);
  });

  test.each(['', 'soon', 'tomorrow', 'NaN', 'model-2026'])('%p says nothing', (text) => {
    expect(resetAt(text, { now: NOW })).toBeUndefined();
    expect(retryAfter(text, { now: NOW })).toBeUndefined();
  });

  test('no text at all breaks the reader', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const at = resetAt(text, { now: NOW });
        expect(at === undefined || Number.isFinite(at)).toBe(true);
      }),
    );
  });

  test('absurdities end between a second and the longest', () => {
    expect([NOW, NOW - 5000, 0].map((at) => sane(at, NOW, 86_400_000))).toEqual([NOW + 1000, NOW + 1000, NOW + 1000]);
    expect(sane(NOW + 1e15, NOW, 86_400_000)).toBe(NOW + 86_400_000);
    expect(sane(NOW + 850, NOW, 86_400_000)).toBe(NOW + 850);
  });

  test('midnight in California, through both changes of the clock', () => {
    expect(midnight('2026-10-02T12:00:00Z')).toBe('2026-10-03T07:00:00.000Z');
    expect(midnight('2026-11-01T08:00:00Z')).toBe('2026-11-02T08:00:00.000Z');
    expect(midnight('2026-03-08T09:30:00.250Z')).toBe('2026-03-09T07:00:00.000Z');
    expect(midnight('2026-12-24T07:59:59.999Z')).toBe('2026-12-24T08:00:00.000Z');
  });

  test('the next month', () => {
    expect(new Date(nextMonth(Date.parse('2026-12-31T23:59:59Z'))).toISOString()).toBe('2027-01-01T00:00:00.000Z');
  });
});
