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
          expect([...rotation.order(target, state.options)]).toEqual(state.options.toSorted((one, other) => turnOf(one) - turnOf(other)));
        }
      }
    }));
  });

  test('what is saved and used again in that order goes on as before', () => {
    const options = many(3);
    const rotation = createRotation<Option>();
    for (const id of ['a1', 'a0', 'a2', 'a1']) rotation.used('one', id);
    const again = createRotation<Option>();
    for (const [target, account] of rotation.save()) again.used(target, account);
    expect([...again.order('one', options)]).toEqual([...rotation.order('one', options)]);
    expect([...again.order('one', options)].map(({ accountId }) => accountId)).toEqual(['a0', 'a2', 'a1']);
  });
});
