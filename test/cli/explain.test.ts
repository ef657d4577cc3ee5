import { expect, test } from '@jest/globals';
import { renderExplanation } from '../../src/cli/explain.ts';

const candidate = (reason: string) => ({ provider: 'groq', model: 'm', account: 'a', free_at: '2026-03-10T12:00:00.500Z', reason });
const shown = (...reasons: readonly string[]): string => renderExplanation(
  { rule: 'r', because: 'said', score: 1, words: [], considered: [], tokens: 1, candidates: reasons.map(candidate) },
  { width: 200, paint: (_style, text) => text, now: Date.UTC(2026, 2, 10, 12), most: 1 },
).join('\n');

test('a limit that is not proven is explained, because the windows beside it have room', () => {
  expect(shown('unproven')).toMatch(/unproven[^]*unproven: waits until upstream has admitted what is under way, because nobody knows yet how much it admits$/);
  expect(shown('rate-minute')).not.toContain('unproven');
});
