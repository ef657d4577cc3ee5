/** Turns are kept for whoever had them, for a time, and never more than there is room for. */
import { expect, test } from '@jest/globals';
import { createTurnStore } from '../../src/cache/turns.ts';

const ana = { key: 'ana', project: 'p', id: 'k1' };
const bob = { key: 'bob', project: 'p', id: 'k2' };
const say = (content: string): { readonly content: string } => ({ content });
const HOUR = 3_600_000;

test('a turn has all before it, in order; each may be gone on from more than once', () => {
  const turns = createTurnStore({ now: () => 1, mostBytes: 10_000, keepMs: HOUR });
  turns.keep(ana, 'one', [say('a'), say('b')]);
  turns.keep(ana, 'two', [say('c')], 'one');
  turns.keep(ana, 'other', [say('d')], 'one');
  expect(turns.recall(ana, 'two')).toEqual([say('a'), say('b'), say('c')]);
  expect(turns.recall(ana, 'other')).toEqual([say('a'), say('b'), say('d')]);
});

test('nobody else has it, and nothing goes on from what is not there', () => {
  const turns = createTurnStore({ now: () => 1, mostBytes: 10_000, keepMs: HOUR });
  turns.keep(ana, 'one', [say('a')]);
  expect(turns.recall(bob, 'one')).toBeUndefined();
  turns.keep(bob, 'two', [say('b')], 'one');
  expect(turns.recall(bob, 'two')).toBeUndefined();
});

test('it is forgotten when nobody has gone on from it for so long', () => {
  const clock = { now: 1 };
  const turns = createTurnStore({ now: () => clock.now, mostBytes: 10_000, keepMs: HOUR });
  turns.keep(ana, 'one', [say('a')]);
  clock.now += HOUR - 1;
  expect(turns.recall(ana, 'one')).toHaveLength(1);
  clock.now += HOUR - 1;
  expect(turns.recall(ana, 'one')).toHaveLength(1);
  clock.now += HOUR + 1;
  expect(turns.recall(ana, 'one')).toBeUndefined();
});

test('those unused longest make room, and no conversation takes more than its share', () => {
  const turns = createTurnStore({ now: () => 1, mostBytes: 8_000, keepMs: HOUR });
  for (let count = 0; count < 20; count += 1) turns.keep(ana, `turn ${count}`, [say('x'.repeat(400))]);
  expect(turns.recall(ana, 'turn 0')).toBeUndefined();
  expect(turns.recall(ana, 'turn 19')).toHaveLength(1);
  turns.keep(ana, 'more', [say('x'.repeat(400))], 'turn 19');
  expect(turns.recall(ana, 'more')).toBeUndefined();
});
