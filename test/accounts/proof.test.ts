import { describe, expect, test } from '@jest/globals';
import { type Ask, START, account, createHouse, type House, model, provider, targetsOf, window } from './harness.ts';

const under = (limit: number): House => createHouse([provider('p', [model('m', { windows: [window(limit)] })])], [account('p', 'a')]);

/** How many that upstream has not answered yet may go now. */
const atOnce = async (house: House): Promise<number> => {
  let served = 0;
  const now = { request: { deadline: house.time.now() } };
  for (;;) {
    if ((await house.ask(now).catch(() => undefined)) === undefined) return served;
    served += 1;
  }
};

describe('a configured limit', () => {
  test('is believed by a third at once; beyond that the next goes when upstream has admitted the last', async () => {
    const house = under(30);
    expect(await atOnce(house)).toBe(10);
    expect(await house.refusal({ request: { deadline: START } })).toMatchObject({ kind: 'exhausted', retryAt: START + 500 });
    house.time.skip(500);
    const last = await house.ask();
    expect(await atOnce(house)).toBe(0);
    last.learn([]);
    expect(await atOnce(house)).toBe(0);
    house.time.skip(500);
    expect(await atOnce(house)).toBe(1);
  });

  test.each([
    ['of a day', window(30, 86_400, { kind: 'calendar' })],
    ['of an hour', window(30, 3600)],
    ['of tokens', window(30 * 200, 60, { unit: 'tokens' })],
    ['of seconds of sound', window(30 * 60, 3600, { unit: 'audio_seconds' })],
  ])('%s is as little believed', async (_which, limit) => {
    const house = createHouse([provider('p', [model('m', { windows: [limit, window(600)] })])], [account('p', 'a')]);
    const small = { promptTokens: 100, maxOutput: 100, audioSeconds: 60 };
    const now = (): Ask => ({ request: { ...small, deadline: house.time.now() } });
    for (let call = 0; call < 10; call += 1) await house.ask(now());
    expect(await house.refusal(now())).toMatchObject({ kind: 'exhausted', retryAt: START + 500 });
    house.time.skip(500);
    await house.ask(now());
    expect(await house.refusal(now())).toMatchObject({ kind: 'exhausted' });
  });

  test('of more requests than anybody keeps to himself is believed at once', async () => {
    expect(await atOnce(under(600))).toBe(600);
    const house = createHouse([provider('p', [model('m', { windows: [window(6000, 86_400), window(600)] })])], [account('p', 'a')]);
    expect(await atOnce(house)).toBe(600);
  });

  test('of few requests is believed at once', async () => {
    expect(await atOnce(under(5))).toBe(5);
  });

  test('is believed up to what upstream has admitted before', async () => {
    const house = under(30);
    for (let call = 0; call < 20; call += 1) (await house.ask()).settle(undefined);
    house.time.skip(61_000);
    expect(await atOnce(house)).toBe(20);
  });

  test('is not proven by calls that upstream has not answered', async () => {
    const house = under(30);
    expect(await atOnce(house)).toBe(10);
    house.time.skip(500);
    (await house.ask()).settle(undefined);
    house.time.skip(61_000);
    expect(await atOnce(house)).toBe(10);
  });

  test('that upstream names itself is believed', async () => {
    const house = under(30);
    const lease = await house.ask();
    lease.learn([{ unit: 'requests', seconds: 60, limit: 30, remaining: 29, source: 'header' }]);
    lease.settle(undefined);
    expect(await atOnce(house)).toBe(29);
  });

  test('of a pool is proven by all its models together', async () => {
    const house = createHouse([provider('p', [model('m'), model('n')], { limits: { windows: [window(30)] } })], [account('p', 'a')]);
    for (let call = 0; call < 20; call += 1) (await house.ask({ candidates: targetsOf(...house.providers).slice(call % 2, 1 + call % 2) })).settle(undefined);
    house.time.skip(61_000);
    expect(await atOnce(house)).toBe(20);
  });
});
