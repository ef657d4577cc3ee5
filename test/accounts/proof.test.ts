import { describe, expect, test } from '@jest/globals';
import { type Ask, START, account, createHouse, type House, model, provider, request, state, targetsOf, window } from './harness.ts';

const under = (limit: number): House => createHouse([provider('p', [model('m', { windows: [window(limit)] })])], [account('p', 'a')]);

/** How many that upstream has not answered yet may go now, of those who could wait: whoever cannot is not held up by caution. */
const atOnce = async (house: House, asked: Ask['request'] = {}): Promise<number> => {
  let served = 0;
  for (;;) {
    const left = new AbortController();
    const turn = house.ask({ request: { deadline: house.time.now() + 30_000, ...asked }, signal: left.signal });
    if ((await state(turn, house)) !== 'served') {
      left.abort();
      await turn.catch(() => undefined);
      return served;
    }
    served += 1;
  }
};

/** What a request is told of each candidate, and for how long. */
const told = (house: House, asked: Ask['request'] = {}): readonly (readonly [reason: string, ms: number | undefined])[] =>
  house.accounts.outlook(targetsOf(...house.providers), request(house.time.now(), asked))
    .map(({ reason, freeAt }) => [reason, freeAt === undefined ? undefined : freeAt - house.time.now()]);

const urgent = (house: House): Ask => ({ request: { deadline: house.time.now() } });

describe('a configured limit', () => {
  test('is believed by a third at once; beyond that the next goes when upstream has admitted the last', async () => {
    const house = under(30);
    expect(await atOnce(house)).toBe(10);
    expect(told(house)).toEqual([['unproven', 500]]);
    house.time.skip(500);
    expect(told(house)).toEqual([['free', 0]]);
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
    expect(await atOnce(house, small)).toBe(10);
    expect(told(house, small)).toEqual([['unproven', 500]]);
    house.time.skip(500);
    expect(await atOnce(house, small)).toBe(1);
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

describe('caution', () => {
  test('about a configured limit refuses nobody who cannot wait, and takes others half of their time at most', async () => {
    const house = under(30);
    expect(await atOnce(house)).toBe(10);
    await house.ask(urgent(house));
    const hasty = house.ask({ request: { deadline: START + 300 } });
    await house.time.advance(149);
    expect(await state(hasty, house)).toBe('waiting');
    await house.time.advance(1);
    expect(await state(hasty, house)).toBe('served');
    for (let call = 12; call < 30; call += 1) await house.ask(urgent(house));
    expect(await house.refusal(urgent(house))).toMatchObject({ kind: 'exhausted', attempts: [{ outcome: 'rate-minute' }] });
  });

  test('holds nobody who can wait for longer because others cannot, and nobody who cannot because others can', async () => {
    const house = under(30);
    expect(await atOnce(house)).toBe(10);
    const patient = Array.from({ length: 12 }, () => house.ask());
    const hasty = Array.from({ length: 3 }, (_, index) => house.ask({ request: { deadline: START + 300 + 50 * index, priority: 9 } }));
    await house.time.advance(400);
    for (const turn of hasty) expect(await state(turn, house)).toBe('served');
    for (const turn of patient) expect(await state(turn, house)).toBe('waiting');
    await house.time.advance(100);
    const states = await Promise.all(patient.map((turn) => state(turn, house)));
    expect(states.map((now) => now === 'served')).toEqual(patient.map((_, index) => index === 0));
  });

  test('gives way only where nobody else has room', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(30)] })]), provider('q', [model('m', { windows: [window(3)] })])], [account('p', 'a'), account('q', 'a')]);
    const p = { candidates: targetsOf(...house.providers).slice(0, 1) };
    for (let call = 0; call < 10; call += 1) await house.ask(p);
    const { account: first } = await house.ask(urgent(house));
    expect(first.provider).toBe('q');
  });

  test('about a limit that nobody named stays, and is told by its name', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    const first = await house.ask();
    expect(await house.refusal(urgent(house))).toMatchObject({
      kind: 'exhausted', retryAt: START + 500, attempts: [{ provider: 'p', account: 'a', outcome: 'unproven', sent: false, retryAt: START + 500 }],
      message: 'no account can answer before 2026-03-10T12:00:01Z; unproven: waits until upstream has admitted what is under way, because nobody knows yet how much it admits',
    });
    first.learn([]);
    await house.ask(urgent(house));
  });

  test('about a limit that a refusal has shown to be wrong stays', async () => {
    const house = under(30);
    for (let call = 0; call < 8; call += 1) (await house.ask()).settle(undefined);
    for (let call = 8; call < 20; call += 1) await house.ask(urgent(house));
    (await house.ask(urgent(house))).fail({ kind: 'rate-minute', message: 'enough', scope: 'pool-model', retryAt: START + 61_000, facts: [{ unit: 'requests', seconds: 60, remaining: 0, source: 'refusal' }] });
    house.time.skip(62_000);
    expect(house.accounts.view()[0]?.windows).toMatchObject([{ limit: 20, source: 'refusal' }]);
    for (let call = 0; call < 8; call += 1) await house.ask(urgent(house));
    expect(await house.refusal(urgent(house))).toMatchObject({ attempts: [{ outcome: 'unproven' }] });
  });
});
