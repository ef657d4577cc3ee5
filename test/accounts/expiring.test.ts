import { expect, test } from '@jest/globals';
import { array, assert, integer, property } from 'fast-check';
import { createExpiring, mostUrgent } from '../../src/accounts/expiring.ts';
import { ranked } from '../../src/accounts/strategy.ts';
import { model, provider, targetsOf } from './harness.ts';

/** Each has so much left; how urgent that is falls with every use. */
function pool(left: readonly number[]) {
  const options = left.map((amount, index) => ({ name: `${index}`, left: amount }));
  const looks = { count: 0 };
  const expiring = createExpiring<(typeof options)[number]>((option) => {
    looks.count += 1;
    return option.left;
  });
  const order = (now: number, version = 1): readonly string[] => [...mostUrgent([expiring.of('t', version, () => options, now)])].map(({ name }) => name);
  const use = (now: number, version = 1): string => {
    const [next] = mostUrgent([expiring.of('t', version, () => options, now)]);
    if (next === undefined) throw new Error('nobody there');
    next.left -= 1;
    expiring.used('t', next, now);
    return next.name;
  };
  return { options, looks, order, use };
}

test('whoever is used finds its new place: always in the order of what is left', () => {
  assert(property(array(integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), integer({ min: 0, max: 50 }), (left, times) => {
    const { options, order, use } = pool(left);
    for (let time = 0; time < times; time += 1) {
      const most = Math.max(...options.map((option) => option.left));
      expect(options[Number(use(time))]?.left).toBe(most - 1);
    }
    const amounts = order(times).map((name) => options[Number(name)]?.left ?? 0);
    expect(amounts).toEqual(options.map((option) => option.left).sort((one, other) => other - one));
  }));
});

test('equals take turns', () => {
  const { use } = pool([3, 3, 3]);
  expect(Array.from({ length: 6 }, () => use(0))).toEqual(['0', '1', '2', '0', '1', '2']);
});

test('a thousand are looked at once, then only whoever is used; all again when others came, and after ten seconds', () => {
  const { looks, use, order } = pool(Array.from({ length: 1000 }, () => 9));
  for (let time = 0; time < 100; time += 1) use(time);
  expect(looks.count).toBe(1000 + 100);
  order(100, 2);
  expect(looks.count).toBe(2000 + 100);
  order(10_099, 2);
  expect(looks.count).toBe(2000 + 100);
  order(10_100, 2);
  expect(looks.count).toBe(3000 + 100);
});

test('of several targets the most urgent goes first, of equals the earlier target', () => {
  const rankings = [[{ option: 'a', score: 2 }, { option: 'b', score: 0 }], [], [{ option: 'c', score: 3 }, { option: 'd', score: 2 }, { option: 'e', score: 1 }]];
  expect([...mostUrgent(rankings)]).toEqual(['c', 'a', 'd', 'e', 'b']);
});

test('fastest and reliable look at targets, not at each of their accounts', () => {
  const targets = targetsOf(provider('p', [model('m'), model('n')]));
  const asked: string[] = [];
  const order = ranked(targets, 'fastest', (target) => {
    asked.push(target.model.name);
    return { ms: target.model.name === 'm' ? 900 : 100, reliability: 1 };
  }, () => 0.9);
  expect(order.map((target) => target.model.name)).toEqual(['n', 'm']);
  expect(asked).toEqual(['m', 'n']);
});
