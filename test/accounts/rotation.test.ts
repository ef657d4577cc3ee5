/** Round-robin, held against the plainest way to say it. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRotation } from '../../src/accounts/rotation.ts';

interface Option {
  readonly accountId: string;
}

const many = (count: number): Option[] => Array.from({ length: count }, (_, index) => ({ accountId: `a${index}` }));

describe('the rotation', () => {
  test('whoever was used longest ago is first, whatever is used, joins or leaves', () => {
    const step = fc.oneof(
      fc.record({ use: fc.nat(9), target: fc.constantFrom('one', 'two') }),
      fc.record({ accounts: fc.uniqueArray(fc.nat(9)) }),
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rotation = createRotation<Option>();
      const last = new Map<string, number>();
      const state = { options: many(4), turn: 0 };
      for (const step of steps) {
        if ('accounts' in step) state.options = step.accounts.map((index) => ({ accountId: `a${index}` }));
        else {
          rotation.used(step.target, `a${step.use}`);
          last.set(`${step.target} a${step.use}`, (state.turn += 1));
        }
        for (const target of ['one', 'two']) {
          const turnOf = ({ accountId }: Option): number => last.get(`${target} ${accountId}`) ?? 0;
          expect([...rotation.order(target, state.options, 0)]).toEqual(state.options.toSorted((one, other) => turnOf(one) - turnOf(other)));
        }
      }
    }));
  });

  test('whoever is left out comes back when its time is over or somebody wakes it, to the place it had', () => {
    const HOUR = 3_600_000;
    const step = fc.record({ what: fc.constantFrom('use', 'leave', 'wait', 'wake'), index: fc.nat(5), hours: fc.integer({ min: 1, max: 5 }) });
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rotation = createRotation<Option>();
      const options = many(6);
      const state = { turn: 0, now: 0, look: Number.POSITIVE_INFINITY };
      const last = new Map<Option, number>();
      const left = new Set<Option>();
      expect([...rotation.order('one', options, 0)]).toEqual(options);
      for (const { what, index, hours } of steps) {
        const option = options[index] ?? { accountId: '' };
        if (what === 'use') {
          rotation.used('one', option.accountId);
          last.set(option, (state.turn += 1));
          left.delete(option);
        } else if (what === 'leave') {
          // Looked at again after ten minutes at the latest.
          rotation.leaveOut('one', { option, freeAt: state.now + hours * HOUR }, state.now);
          left.add(option);
          state.look = Math.min(state.look, state.now + 600_000);
        } else if (what === 'wait') state.now += hours * 100_000;
        else {
          rotation.wake((one) => one === option);
          left.delete(option);
        }
        // A look takes everybody in.
        if (state.now >= state.look) {
          left.clear();
          state.look = Number.POSITIVE_INFINITY;
        }
        const turnOf = (one: Option): number => last.get(one) ?? 0;
        expect([...rotation.order('one', options, state.now)]).toEqual(options.filter((one) => !left.has(one)).toSorted((one, other) => turnOf(one) - turnOf(other)));
        expect(new Set([...rotation.leftOut('one')].map((why) => why.option))).toEqual(left);
      }
    }));
  });

  test('what is saved and used again in that order goes on as before', () => {
    const options = many(3);
    const rotation = createRotation<Option>();
    for (const id of ['a1', 'a0', 'a2', 'a1']) rotation.used('one', id);
    const again = createRotation<Option>();
    for (const [target, account] of rotation.save()) again.used(target, account);
    expect([...again.order('one', options, 0)]).toEqual([...rotation.order('one', options, 0)]);
    expect([...again.order('one', options, 0)].map(({ accountId }) => accountId)).toEqual(['a0', 'a2', 'a1']);
  });
});
