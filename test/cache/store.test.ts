import { describe, expect, test } from '@jest/globals';
import { createAnswerStore } from '../../src/cache/store.ts';
import type { Kept } from '../../src/cache/store.ts';
import { model, provider } from '../gateway/literals.ts';

const target = { provider: provider('a', []), model: model('m') };
const account = { id: 'a1', provider: 'a', label: 'one', enabled: true, origin: 'https://a.test' };
const kept = (characters: number): Kept => ({ chunks: [{ text: 'x'.repeat(characters), whole: true, content: true }], usage: undefined, target, account, dropped: [], keptAt: 0 });

describe('the store', () => {
  test('an answer is told until its time is over', () => {
    const clock = { now: 1_000_000 };
    const store = createAnswerStore({ now: () => clock.now, mostBytes: 100_000 });
    store.keep('k', kept(10), 5_000);
    clock.now += 5_000;
    expect(store.find('k')).toMatchObject({ chunks: [{ text: 'x'.repeat(10) }] });
    clock.now += 1;
    expect(store.find('k')).toBeUndefined();
  });

  test('what was unused longest makes room, and no single answer takes it all', () => {
    const store = createAnswerStore({ now: () => 1, mostBytes: 100_000 });
    for (let index = 0; index < 20; index += 1) {
      store.keep(String(index), kept(5_000), 60_000);
      store.find('0');
    }
    const left = Array.from({ length: 20 }, (_, index) => store.find(String(index)) !== undefined);
    expect(left.filter(Boolean)).toHaveLength(9);
    expect([left[0], left[1], left[19]]).toEqual([true, false, true]);
    store.keep('huge', kept(20_000), 60_000);
    expect(store.find('huge')).toBeUndefined();
    expect(store.find('19')).toBeDefined();
  });
});
