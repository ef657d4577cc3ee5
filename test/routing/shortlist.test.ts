/** A list found again is the list that would be put together now, whoever asked before. */
import { describe, expect, test } from '@jest/globals';
import { failureOf } from '../../src/failure.ts';
import { candidates } from '../../src/routing/candidates.ts';
import type { Capability, Catalogue, ChatRequest, Rule, Surface } from '../../src/types.ts';
import { asking, catalogueOf, model, provider, rule } from './requests.ts';

const seer = { capabilities: ['text_generation', 'vision'] } as const;
const caller = { capabilities: ['text_generation', 'tools'] } as const;
const catalogue = catalogueOf(
  provider('large', [model('one', { ...caller, context: 100_000, maxOutput: 2_000 }), model('two', { ...seer, context: 50_000 })]),
  provider('small', [model('one', { context: 4_000 }), model('paid', { price: { input: 1, output: 1 }, context: 200_000 })], { priority: 2 }),
  provider('odd', [model('three', { capabilities: ['embeddings'] }), model('one', { price: { input: 1, output: 1 }, context: 150_000 }), model('endless', { maxOutput: 100 })], { priority: 3 }),
);
const rules = [rule('all'), rule('picky', {}, { preferences: ['small'], fallbackChain: ['large'], capabilities: ['tools'] }), rule('named', {}, { preferences: ['large'], models: { large: ['two', 'o*'] } })];

interface Question {
  readonly by: Rule | undefined;
  readonly request: ChatRequest;
  readonly options: { readonly freeOnly: boolean; readonly usable: (provider: { readonly name: string }) => boolean };
}

function answerOf(among: Catalogue, { by, request, options }: Question): unknown {
  try {
    return candidates({ rule: by, score: 0, words: [] }, request, among, options);
  } catch (error) {
    return failureOf(error);
  }
}

/** Park and Miller's, so that a failing question is the same next time. */
function dice(seed: number): <T>(of: readonly T[]) => T {
  const state = { seed };
  return <T>(of: readonly T[]): T => {
    state.seed = (state.seed * 48_271) % 0x7fffffff;
    return of[state.seed % of.length] as T;
  };
}

describe('a list that is kept', () => {
  test('tells 5,000 mixed questions what a catalogue never asked before tells', () => {
    const pick = dice(7);
    for (let count = 0; count < 5_000; count += 1) {
      const surface = pick<Surface>(['chat', 'chat', 'chat', 'embeddings', 'audio']);
      const by = pick([undefined, ...rules]);
      const down = pick(['', '', 'large', 'small', 'odd']);
      const maxOutput = pick([undefined, 10, 3_000, 120_000]);
      const needs = pick<readonly Capability[]>([[], [], ['tools'], ['vision'], ['tools', 'vision']]);
      const request = asking('', {
        surface,
        model: by === undefined ? pick(['one', 'ONE', 'two', 'small/one', 'paid', 'endless', 'nobody', 'odd/one']) : 'auto',
        needs,
        promptTokens: pick([0, 10, 3_500, 49_000, 99_000, 140_000, 1e6]),
        ...(maxOutput !== undefined && { maxOutput }),
        ...(surface !== 'chat' && { relay: { path: '/x' } }),
      });
      const question = { by, request, options: { freeOnly: pick([true, false]), usable: ({ name }: { readonly name: string }): boolean => name !== down } };
      expect(answerOf(catalogue, question)).toEqual(answerOf({ ...catalogue }, question));
    }
  });

  test('is one and the same for all who ask alike, and another after a reload of either file', () => {
    const options = { freeOnly: true };
    const list = (by: Rule, among = catalogue): unknown => candidates({ rule: by, score: 0, words: [] }, asking('', { promptTokens: 10 }), among, options);
    const by = rule('r');
    list(by);
    expect(list(by)).toBe(list(by));
    expect(list(rule('r', {}, { preferences: ['small'] }))).toHaveLength(1);
    expect(list(by, catalogueOf(provider('other', [model('m')])))).toHaveLength(1);
  });
});
