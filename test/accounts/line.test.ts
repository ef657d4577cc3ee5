import { describe, expect, test } from '@jest/globals';
import type { Lease } from '../../src/accounts/accounts.ts';
import { type Ranked, createLane } from '../../src/accounts/lane.ts';
import { createTime } from './time.ts';
import { type Ask, type House, account, createHouse, model, provider, state, targetsOf, window } from './harness.ts';

/** One call every ten seconds, so that the order shows. */
const slow = provider('slow', [model('m', { windows: [window(1, 10)] })]);

const PATIENT = 600_000;

async function fullHouse(rest: Partial<Parameters<typeof createHouse>[2]> = {}): Promise<House> {
  const house = createHouse([slow], [account('slow', 'a')], rest);
  (await house.ask()).settle(undefined);
  return house;
}

interface Waiting {
  readonly order: string[];
  readonly enter: (name: string, ask?: Ask['request'], rest?: Omit<Ask, 'request'>) => Promise<Lease>;
}

/** Notes who was served in what order; every call ends at once. */
function watch(house: House): Waiting {
  const order: string[] = [];
  return {
    order,
    enter(name, request = {}, rest = {}) {
      const waiting = house.ask({ request: { deadline: house.time.now() + PATIENT, ...request }, ...rest });
      waiting.then((lease) => { order.push(name); lease.settle(undefined); return lease; }, () => order.push(`${name} refused`));
      return waiting;
    },
  };
}

describe('the line', () => {
  test('is first come, first served', async () => {
    const house = await fullHouse();
    const { order, enter } = watch(house);
    for (const name of ['a', 'b', 'c']) void enter(name);
    await house.time.advance(31_000);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  test('a better priority goes first, even past a full front', async () => {
    const house = await fullHouse();
    const { order, enter } = watch(house);
    for (let number = 0; number < 12; number += 1) void enter(`late ${number}`, { priority: 9, caller: { key: `key-${number}`, project: 'p' } });
    await house.time.settle();
    void enter('urgent', { priority: 0 });
    await house.time.advance(10_500);
    expect(order).toEqual(['urgent']);
    await house.time.advance(31_000);
    expect(order).toEqual(['urgent', 'late 0', 'late 1', 'late 2']);
  });

  test('the lowest priority does not starve: it ages', async () => {
    const house = await fullHouse();
    const { order, enter } = watch(house);
    void enter('patient', { priority: 9 });
    for (let turn = 0; turn < 6; turn += 1) {
      void enter(`eager ${turn}`, { priority: 2, caller: { key: `eager-${turn}`, project: 'p' } });
      await house.time.advance(10_150);
    }
    expect(order.indexOf('patient')).toBeGreaterThan(0);
    expect(order.indexOf('patient')).toBeLessThanOrEqual(3);
  });

  test('one key asking much does not delay another that asks little', async () => {
    const house = await fullHouse();
    const { order, enter } = watch(house);
    for (let number = 0; number < 20; number += 1) void enter(`flood ${number}`, { caller: { key: 'flood', project: 'p' } });
    await house.time.settle();
    void enter('other', { caller: { key: 'other', project: 'p' } });
    await house.time.advance(21_000);
    expect(order).toEqual(['flood 0', 'other']);
  });

  test('who leaves frees the place at once', async () => {
    const house = await fullHouse({ lineBound: 2 });
    const { enter, order } = watch(house);
    const leaving = new AbortController();
    const gone = enter('gone', {}, { signal: leaving.signal });
    void enter('stays');
    await house.time.settle();
    expect(await house.refusal({ request: { deadline: house.time.now() + PATIENT } })).toMatchObject({ kind: 'exhausted', message: expect.stringContaining('too many requests wait') });
    leaving.abort();
    await expect(gone).rejects.toMatchObject({ failure: { kind: 'cancelled' } });
    expect(house.accounts.waiting()).toBe(1);
    expect(house.accounts.waitingByProvider()).toEqual(new Map([['slow', 1]]));
    void enter('next');
    await house.time.advance(21_000);
    expect(order).toEqual(['gone refused', 'stays', 'next']);
  });

  test('a line that everybody left keeps no timer', async () => {
    const house = await fullHouse();
    const { enter, order } = watch(house);
    const before = house.time.armed();
    const leaving = new AbortController();
    void enter('gone', {}, { signal: leaving.signal });
    await house.time.settle();
    expect(house.time.armed()).toBeGreaterThan(before);
    leaving.abort();
    await house.time.settle();
    expect(house.time.armed()).toBe(before);
    void enter('served');
    await house.time.advance(10_500);
    expect(order).toEqual(['gone refused', 'served']);
    expect(house.time.armed()).toBe(before);
  });

  test('a newcomer at the very moment a window frees goes behind those who wait', async () => {
    const house = await fullHouse();
    const { order, enter } = watch(house);
    void enter('first');
    await house.time.settle();
    // The window is free, but no timer has run yet.
    house.time.skip(10_150);
    void enter('newcomer');
    await house.time.settle();
    expect(order).toEqual(['first']);
    await house.time.advance(10_200);
    expect(order).toEqual(['first', 'newcomer']);
  });

  test('whoever could be served by somebody else is not held up', async () => {
    const other = provider('other', [model('m', { windows: [window(1, 10)] })]);
    const house = createHouse([slow, other], [account('slow', 'a'), account('other', 'b')]);
    const only = { candidates: targetsOf(slow) };
    await house.ask(only);
    const waiting = house.ask({ ...only, request: { deadline: house.time.now() + PATIENT } });
    await house.time.settle();
    const served = house.ask();
    // At once: nobody passes through the queue who could go.
    expect(await Promise.race([served, new Promise((resolve) => void setImmediate(resolve, 'queued'))])).toMatchObject({ account: { provider: 'other' } });
    expect(await state(waiting, house)).toBe('waiting');
  });

  test('a small request of another lane leaves a large one the room it waits for', async () => {
    const tokens = [provider('t', [model('m', { windows: [window(100), window(1000, 60, { unit: 'tokens' })] })]), provider('u', [model('m', { windows: [window(1, 600)] })])];
    const house = createHouse(tokens, [account('t', 'a'), account('u', 'b')]);
    await house.ask({ candidates: targetsOf(...tokens).slice(1) });
    // Answered: what goes beyond a third of a limit never proven waits for that.
    (await house.ask({ request: { promptTokens: 500, maxOutput: 1 } })).learn([]);
    const patient = { deadline: house.time.now() + PATIENT };
    const large = house.ask({ request: { promptTokens: 800, maxOutput: 1, ...patient } });
    await house.time.settle();
    const small = house.ask({ request: { promptTokens: 100, maxOutput: 1, ...patient }, candidates: targetsOf(...tokens).slice(0, 1) });
    expect(await state(small, house)).toBe('waiting');
    await house.time.advance(60_150);
    expect(await state(large, house)).toBe('served');
    (await large).learn([]);
    expect(await state(small, house)).toBe('served');
  });

  test('before a calendar turns, small requests may have what a large one cannot use', async () => {
    const minute = provider('t', [model('m', { windows: [window(100), window(1000, 60, { unit: 'tokens', kind: 'calendar' })] })]);
    const house = createHouse([minute], [account('t', 'a')]);
    house.time.skip(20_000);
    (await house.ask({ request: { promptTokens: 500, maxOutput: 1 } })).learn([]);
    const patient = { deadline: house.time.now() + PATIENT };
    const large = house.ask({ request: { promptTokens: 800, maxOutput: 1, ...patient } });
    await house.time.settle();
    const small = house.ask({ request: { promptTokens: 100, maxOutput: 1, ...patient } });
    expect([await state(large, house), await state(small, house)]).toEqual(['waiting', 'served']);
    const greedy = house.ask({ request: { promptTokens: 900, maxOutput: 1, ...patient } });
    await house.time.advance(40_200);
    expect([await state(large, house), await state(greedy, house)]).toEqual(['served', 'waiting']);
  });

  test('another lane never takes what a waiter of this one waits for', async () => {
    const other = provider('other', [model('m', { windows: [window(1, 300)] })]);
    const house = createHouse([slow, other], [account('slow', 'a'), account('other', 'b')]);
    await house.ask();
    await house.ask();
    const { order, enter } = watch(house);
    void enter('both');
    await house.time.settle();
    house.time.skip(10_150);
    // It wants only what the first one waits for.
    void enter('one', {}, { candidates: targetsOf(slow) });
    await house.time.advance(1);
    expect(order).toEqual(['both']);
  });

  test('what frees sooner than expected is taken', async () => {
    const tokens = provider('t', [model('m', { windows: [window(1000, 60, { unit: 'tokens' })] })]);
    const house = createHouse([tokens], [account('t', 'a')]);
    const first = await house.ask({ request: { promptTokens: 500, maxOutput: 400 } });
    const waiting = house.ask({ request: { promptTokens: 500, maxOutput: 100, deadline: house.time.now() + PATIENT } });
    expect(await state(waiting, house)).toBe('waiting');
    first.settle({ input: 200, output: 10 });
    expect(await state(waiting, house)).toBe('served');
  });

  test('nobody waits for a turn that leaves no time for an answer', async () => {
    const house = await fullHouse();
    const deadline = house.time.now() + 10_300;
    const ask = (needs: number): Ask => ({ request: { deadline }, lastTurnAt: () => deadline - needs });
    expect(await house.refusal(ask(400))).toMatchObject({ kind: 'exhausted', retryAt: house.time.now() + 10_000 });
    const waiting = house.ask(ask(200));
    await house.time.advance(10_050);
    expect(await state(waiting, house)).toBe('served');
    // Nobody stands between it and a free turn, however late it is.
    house.time.skip(10_150);
    await house.ask(ask(60_000));
  });

  test('nobody waits in vain: a turn that comes too late is refused at once, with its time', async () => {
    const house = await fullHouse();
    const { enter } = watch(house);
    void enter('a');
    void enter('b');
    await house.time.settle();
    // The third turn from now comes after 30 s.
    const refusal = await house.refusal({ request: { deadline: house.time.now() + 29_900 } });
    expect(refusal).toMatchObject({ kind: 'exhausted' });
    expect(refusal).toHaveProperty('retryAt', expect.closeTo(house.time.now() + 30_000, -3));
  });

  test('a deadline in the line ends with the reasons', async () => {
    const house = createHouse([provider('c', [model('m', { windows: [], concurrent: 1 })])], [account('c', 'a')]);
    await house.ask();
    const waiting = house.refusal();
    await house.time.advance(30_000);
    expect(await waiting).toMatchObject({ kind: 'exhausted', attempts: [{ outcome: 'concurrent', sent: false }] });
    expect(house.accounts.waiting()).toBe(0);
  });
});

test('places that waiters leave behind do not fill the queue, however long the line lasts', async () => {
  const { settle } = createTime();
  const refused: string[] = [];
  const lane = createLane<Ranked & { readonly name: string }>({ bound: 1, arrived: () => undefined, refused: ({ name }) => refused.push(name) });
  // Nobody at the front ever goes.
  for (let number = 0; number < 8; number += 1) lane.join({ name: `front ${number}`, order: number, level: () => 0 });
  for (let number = 0; number < 600; number += 1) {
    const waiting = { level: 9 };
    const waiter = { name: `${number}`, order: 10 + number, level: () => waiting.level };
    lane.join(waiter);
    waiting.level = 5;
    lane.age();
    if (number % 10 === 0) await settle();
    lane.leave(waiter);
  }
  await settle();
  expect(refused).toEqual([]);
  expect(lane.size).toBe(8);
});
