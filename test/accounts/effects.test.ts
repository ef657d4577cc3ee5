import { describe, expect, test } from '@jest/globals';
import type { UpstreamFailure } from '../../src/failure.ts';
import type { ChatRequest, Limits, Usage } from '../../src/types.ts';
import { START, account, createHouse, type House, model, provider, state, targetsOf, window } from './harness.ts';

/** Known and ample, so that nothing but the refusals decides. */
const ample = { windows: [window(1000)] };
const one = provider('one', [model('m', ample), model('n', ample)]);
const two = provider('two', [model('m', ample)]);

const houseOf = (...labels: string[]): House => createHouse([one, two], [...labels.map((label) => account('one', label)), account('two', 'z')]);

const failing = (kind: 'overloaded' | 'broken-answer' | 'rate-minute' | 'rate-day' | 'balance' | 'credential' | 'model-access' | 'model-gone', rest: Partial<UpstreamFailure> = {}): UpstreamFailure =>
  ({ kind, message: kind, ...rest }) as UpstreamFailure;

/** Who serves next, by `provider/account model`. */
async function next(house: House, rest: Parameters<House['ask']>[0] = {}): Promise<string> {
  const lease = await house.ask(rest);
  lease.cancel();
  return `${lease.account.provider}/${lease.account.label} ${lease.target.model.name}`;
}

/** Broken for so long that it rests for the longest time there is. */
async function longBroken(limits: Limits): Promise<House> {
  const house = createHouse([provider('two', [model('m', limits)])], [account('two', 'z')], { lineBound: 1 });
  for (let failure = 0; failure < 12; failure += 1) {
    (await house.ask({ request: { deadline: house.time.now() } })).fail(failing('overloaded'));
    house.time.skip(300_000);
  }
  (await house.ask()).fail(failing('overloaded'));
  return house;
}

describe('a refusal', () => {
  test('for a minute rests the model in the pool exactly as long as upstream said', async () => {
    const house = houseOf('a');
    (await house.ask()).fail(failing('rate-minute', { retryAt: house.time.now() + 2000 }));
    expect(await next(house)).toBe('one/a n');
    house.time.skip(1999);
    expect(await next(house)).toBe('one/a n');
    house.time.skip(1);
    expect(await next(house)).toBe('one/a m');
  });

  test('of one key never rests another pool, of an organisation all its keys', async () => {
    const shared = provider('one', one.models, { quotaScope: 'organization' });
    const house = createHouse([shared], [account('one', 'a', { organization: 'acme' }), account('one', 'b', { organization: 'acme' }), account('one', 'c', { organization: 'else' })]);
    const only = { candidates: targetsOf(shared).slice(0, 1) };
    (await house.ask(only)).fail(failing('rate-minute', { retryAt: house.time.now() + 20_000 }));
    expect([await next(house, only), await next(house, only)]).toEqual(['one/c m', 'one/c m']);
  });

  test('without a time rests a while, then a single probe goes first', async () => {
    const house = houseOf('a');
    const only = { candidates: targetsOf(one).slice(0, 1) };
    (await house.ask(only)).fail(failing('rate-day'));
    house.time.skip(3_600_000);
    const probe = await house.ask(only);
    const second = house.ask(only);
    expect(await state(second, house)).toBe('waiting');
    probe.settle(undefined);
    expect(await state(second, house)).toBe('served');
    expect(house.accounts.view()[0]?.rests).toEqual([]);
  });

  test('a failed probe rests again; one that was given up lets the next try', async () => {
    const house = houseOf('a');
    const only = { candidates: targetsOf(one).slice(0, 1) };
    (await house.ask(only)).fail(failing('rate-day'));
    house.time.skip(3_600_000);
    (await house.ask(only)).cancel();
    (await house.ask(only)).fail(failing('rate-day'));
    expect(await house.refusal(only)).toMatchObject({ kind: 'exhausted', retryAt: house.time.now() + 3_600_000 });
  });

  test('an absurd time ends after a month at the latest', async () => {
    const house = houseOf('a');
    const only = { candidates: targetsOf(one).slice(0, 1) };
    (await house.ask(only)).fail(failing('rate-day', { retryAt: 1e15 }));
    expect(await house.refusal(only)).toMatchObject({ retryAt: house.time.now() + 31 * 86_400_000 });
  });

  test('of one model leaves the others of the account alone', async () => {
    const house = houseOf('a');
    (await house.ask()).fail(failing('model-access'));
    expect(await next(house)).toBe('one/a n');
  });

  test('of a model that is gone retires it for every account', async () => {
    const house = houseOf('a', 'b');
    (await house.ask()).fail(failing('model-gone'));
    expect([await next(house), await next(house)]).toEqual(['one/a n', 'one/b n']);
  });

  test('for money rests the whole account for hours', async () => {
    const house = houseOf('a');
    (await house.ask()).fail(failing('balance'));
    expect(await next(house)).toBe('two/z m');
    house.time.skip(6 * 3_600_000);
    expect(await next(house)).toBe('one/a m');
  });
});

describe('a bad key', () => {
  test('is asked once more, then suspended until a human acts', async () => {
    const house = houseOf('a');
    (await house.ask()).fail(failing('credential'));
    expect(await next(house)).toBe('two/z m');
    house.time.skip(5000);
    (await house.ask()).fail(failing('credential'));
    house.time.skip(30 * 86_400_000);
    expect(await next(house)).toBe('two/z m');
    expect(house.accounts.view()[0]).toMatchObject({ state: 'suspended', rests: [{ scope: 'account', reason: 'suspended' }] });
    expect(house.events.filter(({ type }) => type === 'account-changed')).toMatchObject([{ state: 'resting', reason: 'credential' }, { state: 'suspended' }]);
    expect(house.accounts.clearRests('one-a')).toBe(1);
    expect(await next(house)).toBe('one/a m');
  });

  test('calls that were out at the same time do not confirm it', async () => {
    const house = houseOf('a');
    const leases = [await house.ask(), await house.ask(), await house.ask()];
    for (const lease of leases) lease.fail(failing('credential'));
    house.time.skip(5000);
    (await house.ask()).settle(undefined);
    expect(house.accounts.view()[0]).toMatchObject({ state: 'active', rests: [] });
  });

  test('where nobody else is left says so, and that no waiting helps', async () => {
    const house = createHouse([two], [account('two', 'z')]);
    (await house.ask()).fail(failing('credential'));
    house.time.skip(5000);
    (await house.ask()).fail(failing('credential'));
    const refusal = await house.refusal();
    expect(refusal).toMatchObject({ kind: 'unavailable', attempts: [{ outcome: 'suspended', sent: false }] });
    expect(refusal).not.toHaveProperty('retryAt');
  });
});

describe('what is broken', () => {
  test('rests after three failures in a row, longer every time, until a probe succeeds', async () => {
    const house = houseOf('a');
    for (let failure = 0; failure < 3; failure += 1) {
      expect(await next(house)).toBe('one/a m');
      (await house.ask()).fail(failing('overloaded'));
    }
    expect(await next(house)).toBe('one/a n');
    house.time.skip(5000);
    (await house.ask()).fail(failing('overloaded'));
    house.time.skip(9999);
    expect(await next(house)).toBe('one/a n');
    house.time.skip(1);
    (await house.ask()).settle(undefined);
    expect([await next(house), await next(house)]).toEqual(['one/a m', 'one/a m']);
  });

  test('calls that were out when it broke say nothing new', async () => {
    const house = houseOf('a');
    const leases = await Promise.all(Array.from({ length: 8 }, () => house.ask()));
    for (const lease of leases) lease.fail(failing('overloaded'));
    house.time.skip(5000);
    expect(await next(house)).toBe('one/a m');
  });

  test('is asked all the same when nobody else is left', async () => {
    const house = createHouse([two], [account('two', 'z')]);
    for (let failure = 0; failure < 3; failure += 1) (await house.ask()).fail(failing('overloaded'));
    expect(await next(house, { request: { deadline: house.time.now() + 1000 } })).toBe('two/z m');
  });

  test('is no quota that is spent, and nobody is told to stay away for longer than a moment: the next who comes is served if it is over', async () => {
    const house = await longBroken({ windows: [] });
    const { rests } = house.accounts.view()[0] ?? { rests: [] };
    expect(rests).toMatchObject([{ scope: 'target', until: house.time.now() + 300_000 }]);
    const refusal = await house.refusal({ excluded: () => true });
    expect(refusal).toMatchObject({ kind: 'unavailable', retryAt: house.time.now() + 5_000 });
    (await house.ask()).settle(undefined);
  });

  test('is an outage, though the calls that found it out were the last of a minute; the next is told of the minute', async () => {
    const house = createHouse([provider('two', [model('m', { windows: [window(1, 60)] })])], [account('two', 'z')]);
    (await house.ask()).fail(failing('overloaded'));
    const told = { retryAt: expect.closeTo(house.time.now() + 60_000, -3) as unknown };
    expect(await house.refusal({ excluded: () => true })).toMatchObject({ kind: 'unavailable', ...told });
    expect(await house.refusal()).toMatchObject({ kind: 'exhausted', ...told });
  });

  test('is an outage for those, too, for whom there is no room in the line', async () => {
    const house = await longBroken({ windows: [], concurrent: 1 });
    await house.ask();
    void house.refusal();
    await house.time.settle();
    expect(house.accounts.waiting()).toBe(1);
    expect(await house.refusal()).toMatchObject({ kind: 'unavailable', retryAt: house.time.now() + 5_000 });
  });

  test('and out of quota besides is told the quota’s time', async () => {
    const house = await longBroken({ windows: [window(1, 60)] });
    expect(await house.refusal({ excluded: () => true })).toHaveProperty('retryAt', expect.closeTo(house.time.now() + 60_000, -3));
  });

  test('what cannot be reached rests at once, gives back what was taken, and soon is tried again', async () => {
    const limited = provider('one', [model('m', { windows: [window(1)] })]);
    const house = createHouse([limited, two], [account('one', 'a'), account('two', 'z')]);
    (await house.ask()).fail(failing('overloaded', { scope: 'provider', unsent: true }));
    expect(await next(house)).toBe('two/z m');
    house.time.skip(1000);
    expect(await next(house)).toBe('one/a m');
  });

  test('at one account only rests that account’s way to the model, however well the others do', async () => {
    const house = houseOf('a', 'b');
    for (let count = 0; count < 6; count += 1) {
      const lease = await house.ask();
      if (lease.account.label === 'a') lease.fail(failing('overloaded'));
      else lease.settle(undefined);
    }
    expect(house.accounts.view().map(({ account: { label }, rests }) => [label, rests.map(({ scope }) => scope)])).toEqual([['a', ['account-model']], ['b', []], ['z', []]]);
    expect(house.accounts.breakers()).toEqual([
      expect.objectContaining({ scope: 'target', provider: 'one', model: 'm', state: 'closed', consecutive: 0, calls: 6, failures: 3 }),
      expect.objectContaining({ scope: 'account-model', accountId: 'one-a', state: 'open', consecutive: 3, calls: 3, failures: 3 }),
    ]);
    house.time.skip(5000);
    expect(house.accounts.breakers()[1]).toMatchObject({ state: 'half-open' });
    house.accounts.clearRests('one-a');
    expect(house.accounts.breakers()).toHaveLength(1);
  });

  test('more than half of ten within a minute is broken, too, though some are answered', async () => {
    const house = houseOf('a');
    const outcomes = [true, false, false, true, false, false, true, false, false];
    for (const answered of outcomes) {
      const lease = await house.ask();
      if (answered) lease.settle(undefined);
      else lease.fail(failing('overloaded'));
    }
    expect(await next(house)).toBe('one/a m');
    (await house.ask()).fail(failing('overloaded'));
    expect(await next(house)).not.toBe('one/a m');
  });

  test('a mistake of the caller changes nothing', async () => {
    const house = houseOf('a');
    for (let failure = 0; failure < 10; failure += 1) {
      const lease = await house.ask();
      expect(lease.target.model.name).toBe('m');
      lease.fail({ kind: 'caller', message: 'no' });
    }
  });
});

const used = ({ accounts }: House): Record<string, number> =>
  Object.fromEntries(accounts.view().flatMap(({ windows }) => windows.map(({ unit, used: count }) => [unit, count])));

describe('what was used', () => {
  const limited = provider('one', [model('m', { windows: [window(10), window(1000, 60, { unit: 'tokens' })] })]);
  const house = (): House => createHouse([limited], [account('one', 'a')]);
  const ask = { request: { promptTokens: 100, maxOutput: 200 } };

  test.each<[string, UpstreamFailure | 'whole' | 'left', Usage | undefined, { requests: number; tokens: number }]>([
    ['an answer counts as reported', 'whole', { input: 90, output: 30 }, { requests: 1, tokens: 120 }],
    ['what was longer than reserved is owed', 'whole', { input: 90, output: 900 }, { requests: 1, tokens: 990 }],
    ['an answer without a report counts as reserved', 'whole', undefined, { requests: 1, tokens: 300 }],
    ['an estimate frees nothing', 'whole', { input: 90, output: 30, estimated: true }, { requests: 1, tokens: 300 }],
    ['what is estimated longer than reserved is owed', 'whole', { input: 90, output: 900, estimated: true }, { requests: 1, tokens: 990 }],
    ['a broken stream is never refunded', failing('broken-answer'), { input: 90, output: 30 }, { requests: 1, tokens: 300 }],
    ['a client that left is not refunded either', 'left', { input: 90, output: 30 }, { requests: 1, tokens: 300 }],
    ['a refusal counts the request but read no tokens', failing('balance'), undefined, { requests: 1, tokens: 0 }],
    ['a rate refusal without facts counts the request', failing('rate-minute'), undefined, { requests: 1, tokens: 0 }],
    ['a call that never reached upstream counts nothing', failing('overloaded', { unsent: true }), undefined, { requests: 0, tokens: 0 }],
    ['a refusal that says what is used is believed', failing('rate-minute', { facts: [{ unit: 'requests', seconds: 60, limit: 10, remaining: 3, source: 'refusal' }] }), undefined, { requests: 7, tokens: 0 }],
  ])('%s', async (_name, ending, usage, expected) => {
    const one = house();
    const lease = await one.ask(ask);
    if (ending === 'whole') lease.settle(usage);
    else if (ending === 'left') lease.cancel(usage);
    else lease.fail(ending, usage);
    expect(used(one)).toEqual(expected);
  });

  test('a second ending counts nothing', async () => {
    const one = house();
    const lease = await one.ask(ask);
    lease.settle({ input: 10, output: 10 });
    lease.fail(failing('balance'));
    lease.cancel({ input: 500, output: 0 });
    expect(used(one)).toEqual({ requests: 1, tokens: 20 });
    expect(await state(one.ask(ask), one)).toBe('served');
  });

  test('the guess of an answer learns from what was used', async () => {
    const one = house();
    const short = { request: { promptTokens: 100, maxOutput: 900 } };
    (await one.ask(short)).settle({ input: 100, output: 10 });
    for (let call = 0; call < 5; call += 1) {
      one.time.skip(61_000);
      (await one.ask(short)).settle({ input: 100, output: 10 });
    }
    one.time.skip(61_000);
    // Reserving all that is allowed would let one at a time through.
    await Promise.all([one.ask(short), one.ask(short), one.ask(short)]);
  });

  test('the guess of an answer learns nothing from another guess', async () => {
    const one = house();
    (await one.ask(ask)).settle({ input: 9_000, output: 1, estimated: true });
    expect(one.accounts.estimateErrors().size).toBe(0);
  });
});

const recording = (audioSeconds: number): { readonly request: Partial<ChatRequest> } => ({ request: { surface: 'audio', promptTokens: 0, audioSeconds } });

describe('seconds of sound', () => {
  const hourly = provider('one', [model('whisper', { windows: [window(10), window(1000, 3600, { unit: 'audio_seconds' })] })]);
  const house = (): House => createHouse([hourly], [account('one', 'a')]);

  test.each<[string, UpstreamFailure | 'whole' | 'left', Usage | undefined, number]>([
    ['a report takes the place of the recording\'s length', 'whole', { input: 0, output: 0, audioSeconds: 540 }, 540],
    ['what was longer than the container said is owed', 'whole', { input: 0, output: 0, audioSeconds: 700 }, 700],
    ['a report of tokens alone leaves them as reserved', 'whole', { input: 3, output: 4 }, 600],
    ['without any report they stay as reserved', 'whole', undefined, 600],
    ['a broken answer is never refunded', failing('broken-answer'), undefined, 600],
    ['a client that left is not refunded either', 'left', undefined, 600],
    ['a refusal listened to nothing', failing('balance'), undefined, 0],
    ['a call that never reached upstream counts nothing', failing('overloaded', { unsent: true }), undefined, 0],
  ])('are reserved when the call is sent; %s', async (_name, ending, usage, expected) => {
    const one = house();
    const lease = await one.ask(recording(600));
    expect(used(one)).toEqual({ requests: 1, audio_seconds: 600 });
    if (ending === 'whole') lease.settle(usage);
    else if (ending === 'left') lease.cancel(usage);
    else lease.fail(ending, usage);
    expect(used(one)['audio_seconds']).toBe(expected);
  });

  test('that are not left keep a long recording waiting, and not a short one', async () => {
    const one = house();
    (await one.ask(recording(600))).settle(undefined);
    expect(await one.refusal(recording(600))).toMatchObject({ kind: 'exhausted', retryAt: START + 3_600_000 });
    (await one.ask(recording(400))).settle(undefined);
    expect(await one.refusal(recording(1001))).toMatchObject({ kind: 'too-large' });
  });
});

describe('a limit nobody names', () => {
  test('is not taken for higher by the call that was refused', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    for (let call = 0; call < 3; call += 1) (await house.ask()).settle(undefined);
    (await house.ask()).fail(failing('rate-minute', { retryAt: house.time.now() + 60_000 }));
    house.time.skip(61_000);
    const now = { request: { deadline: house.time.now() } };
    await Promise.all([house.ask(now), house.ask(now), house.ask(now)]);
    expect(await house.refusal(now)).toMatchObject({ kind: 'exhausted' });
    house.time.skip(500);
    await house.ask({ request: { deadline: house.time.now() } });
  });
});

describe('use by others', () => {
  test('is told once a window', async () => {
    const limited = provider('one', [model('m', { windows: [window(30)] })]);
    const house = createHouse([limited], [account('one', 'a')]);
    for (const remaining of [20, 15, 10]) {
      const lease = await house.ask();
      lease.learn([{ unit: 'requests', seconds: 60, limit: 30, remaining, source: 'header' }]);
      lease.settle(undefined);
      house.time.skip(1000);
    }
    expect(house.events.filter(({ type }) => type === 'notice')).toMatchObject([{ level: 'info', fields: { provider: 'one', account: 'a', foreign: 9 } }]);
  });

  test('3 left, told while 2 more are in flight, leaves room for 1', async () => {
    const limited = provider('one', [model('m', { windows: [window(30)] })]);
    const house = createHouse([limited], [account('one', 'a')]);
    const first = await house.ask();
    await house.ask();
    await house.ask();
    first.learn([{ unit: 'requests', seconds: 60, limit: 30, remaining: 3, source: 'header' }]);
    const now = { request: { deadline: house.time.now() } };
    await house.ask(now);
    expect(await house.refusal(now)).toMatchObject({ kind: 'exhausted' });
  });
});
