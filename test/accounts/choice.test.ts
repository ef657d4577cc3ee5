import { describe, expect, test } from '@jest/globals';
import { type House, START, account, createHouse, createTime, model, provider, request, targetsOf, window } from './harness.ts';

const day = (limit: number, kind: 'calendar' | 'refill' = 'calendar') => window(limit, 86_400, { kind });

async function served(house: House, times: number, ask: Parameters<House['ask']>[0] = {}): Promise<string[]> {
  const names: string[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const lease = await house.ask(ask);
    names.push(`${lease.account.provider}/${lease.account.label}`);
    lease.settle(undefined);
  }
  return names;
}

const talk = (turn: string) => ({ request: { promptTokens: 5000, text: { last: turn, earlier: ['how it began'], system: 'be kind' } } });

describe('rotation', () => {
  test('goes on where it was when an account comes back: no burst to catch up', async () => {
    const house = createHouse([provider('p', [model('m')])], ['a', 'b', 'c'].map((label) => account('p', label)));
    await served(house, 3);
    (await house.ask()).fail({ kind: 'balance', message: 'empty', retryAt: house.time.now() + 10_000 });
    expect(await served(house, 4)).toEqual(['p/b', 'p/c', 'p/b', 'p/c']);
    house.time.skip(10_000);
    expect(await served(house, 4)).toEqual(['p/a', 'p/b', 'p/c', 'p/a']);
  });

  test('three providers of three accounts: even to one call, none beyond its limit', async () => {
    const providers = ['x', 'y', 'z'].map((name) => provider(name, [model('m', { windows: [window(5)] })]));
    const house = createHouse(providers, providers.flatMap(({ name }) => ['a', 'b', 'c'].map((label) => account(name, label))));
    const names = await served(house, 45);
    const counts = new Map<string, number>();
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    expect([...counts.values()]).toEqual(Array.from({ length: 9 }, () => 5));
    expect(await house.refusal({ request: { deadline: START } })).toMatchObject({ kind: 'exhausted', retryAt: START + 60_000 });
  });

  test('of a thousand accounts 990 that are spent today cost nothing to pass over, and come back with the day', async () => {
    const today = { limits: { windows: [day(1)] } };
    const house = createHouse([provider('p', [model('m')])], Array.from({ length: 1000 }, (_, index) => account('p', `${index}`, index % 100 === 50 ? {} : today)));
    const looks = { count: 0 };
    const excluded = (): boolean => {
      looks.count += 1;
      return false;
    };
    const asked = async (times: number): Promise<readonly string[]> => {
      looks.count = 0;
      return served(house, times, { excluded });
    };
    expect(new Set(await asked(1000)).size).toBe(1000);
    // Once each, to find out.
    expect(new Set(await asked(11)).size).toBe(10);
    expect(looks.count).toBe(1000 + 1);
    const rest = await asked(50);
    expect(looks.count).toBe(50);
    expect(rest.slice(10)).toEqual(rest.slice(0, -10));
    // Cleared by what upstream says, without waiting for anything.
    house.accounts.learn('p-7', [{ unit: 'requests', seconds: 86_400, scope: 'pool', limit: 1, remaining: 1, source: 'header' }]);
    expect(await asked(1)).toEqual(['p/7']);
    house.time.skip(13 * 3_600_000);
    expect(new Set(await asked(1000)).size).toBe(1000);
  });

  test('an account left out for the day serves again once its rest is cleared, and is among the reasons until then', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a'), account('p', 'b')]);
    const tomorrow = START + 12 * 3_600_000;
    (await house.ask()).fail({ kind: 'rate-day', message: 'enough', scope: 'pool', retryAt: tomorrow });
    expect(await served(house, 2)).toEqual(['p/b', 'p/b']);
    (await house.ask()).fail({ kind: 'rate-day', message: 'enough', scope: 'pool', retryAt: tomorrow + 1 });
    for (let time = 0; time < 2; time += 1) {
      expect(await house.refusal()).toMatchObject({ kind: 'exhausted', retryAt: tomorrow, attempts: [{ account: 'a', outcome: 'rate-day' }, { account: 'b', outcome: 'rate-day' }] });
    }
    house.accounts.clearRests('p-a');
    expect(await served(house, 2)).toEqual(['p/a', 'p/a']);
  });

  test('a long conversation keeps its account while it can', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(2)] })])], [account('p', 'a'), account('p', 'b')]);
    expect(await served(house, 1, talk('one'))).toEqual(['p/a']);
    expect(await served(house, 1, talk('two'))).toEqual(['p/a']);
    expect(await served(house, 1, talk('three'))).toEqual(['p/b']);
    expect(await served(house, 1, { request: { promptTokens: 5000, text: { last: 'another', earlier: [], system: '' } } })).toEqual(['p/b']);
  });
});

describe('strategies', () => {
  const soon = provider('soon', [model('m', { windows: [day(1000)] })]);
  const later = provider('later', [model('m', { windows: [day(1000)] })]);
  const filling = provider('filling', [model('m', { windows: [day(1000, 'refill')] })]);

  test('spend_expiring spends what would expire first', async () => {
    // Two hours before midnight UTC; half of `later` is gone.
    const house = createHouse([filling, later, soon], ['filling', 'later', 'soon'].map((name) => account(name, 'a')), { time: createTime(START + 10 * 3_600_000) });
    for (let call = 0; call < 960; call += 1) (await house.ask({ candidates: targetsOf(later) })).settle(undefined);
    expect(await served(house, 2, { strategy: 'spend_expiring' })).toEqual(['soon/a', 'soon/a']);
    expect(await served(house, 1)).toEqual(['filling/a']);
  });

  test('spend_expiring keeps a scarce day for those who need it', async () => {
    const house = createHouse([later, filling], ['filling', 'later'].map((name) => account(name, 'a')));
    for (let call = 0; call < 900; call += 1) (await house.ask({ candidates: targetsOf(later) })).settle(undefined);
    expect(await served(house, 1, { strategy: 'spend_expiring' })).toEqual(['filling/a']);
    expect(await served(house, 1, { strategy: 'spend_expiring', candidates: targetsOf(later) })).toEqual(['later/a']);
  });

  test('spend_expiring spends many accounts evenly, asks nobody in vain, and sees at once who comes back', async () => {
    const house = createHouse([soon], ['a', 'b', 'c'].map((label) => account('soon', label)));
    const expiring = { strategy: 'spend_expiring' as const };
    expect(await served(house, 6, expiring)).toEqual(['soon/a', 'soon/b', 'soon/c', 'soon/a', 'soon/b', 'soon/c']);
    (await house.ask(expiring)).fail({ kind: 'balance', message: 'empty', retryAt: house.time.now() + 3_600_000 });
    expect(await served(house, 4, expiring)).toEqual(['soon/b', 'soon/c', 'soon/b', 'soon/c']);
    house.accounts.clearRests();
    expect(await served(house, 3, expiring)).toEqual(['soon/a', 'soon/b', 'soon/c']);
  });

  test('spend_expiring keeps a conversation’s account while no other is more urgent', async () => {
    const house = createHouse([filling], [account('filling', 'a'), account('filling', 'b')]);
    const talking = { strategy: 'spend_expiring' as const, ...talk('one') };
    expect(await served(house, 2, talking)).toEqual(['filling/a', 'filling/a']);
    const daily = createHouse([soon], [account('soon', 'a'), account('soon', 'b')]);
    expect(await served(daily, 2, talking)).toEqual(['soon/a', 'soon/b']);
  });

  test('fastest asks whoever answers first, and now and then somebody else', async () => {
    // Which to try, and whether to: the second draw of the last request says yes.
    const dice = [0.9, 0.9, 0.9, 0.04];
    const house = createHouse([soon, later], ['soon', 'later'].map((name) => account(name, 'a')), { random: () => dice.shift() ?? 0.9 });
    for (const [one, ms] of [[soon, 900], [later, 200]] as const) {
      const lease = await house.ask({ candidates: targetsOf(one) });
      house.time.skip(ms);
      lease.learn([]);
      lease.settle(undefined);
    }
    expect(await served(house, 2, { strategy: 'fastest' })).toEqual(['later/a', 'soon/a']);
  });

  test('reliable leaves whoever fails often for last', async () => {
    const house = createHouse([soon, later], ['soon', 'later'].map((name) => account(name, 'a')), { random: () => 0.9 });
    (await house.ask()).fail({ kind: 'overloaded', message: '503' });
    expect(await served(house, 2, { strategy: 'reliable' })).toEqual(['later/a', 'later/a']);
  });
});

describe('nobody can serve', () => {
  test('the earliest true time is the least over all, of the most over their windows', async () => {
    const a = provider('a', [model('m', { windows: [window(1), window(1, 3600)] })]);
    const b = provider('b', [model('m', { windows: [window(1, 600)] })]);
    const house = createHouse([a, b], [account('a', 'x'), account('b', 'y')]);
    await served(house, 2);
    const refusal = await house.refusal();
    expect(refusal).toMatchObject({
      kind: 'exhausted', retryAt: START + 600_000, message: 'no account can answer before 2026-03-10T12:10:00Z',
      attempts: [{ provider: 'a', outcome: 'rate-minute', retryAt: START + 3_600_000 }, { provider: 'b', outcome: 'rate-minute', retryAt: START + 600_000 }],
    });
    house.time.skip(599_999);
    expect(await house.refusal({ request: { deadline: house.time.now() } })).toMatchObject({ kind: 'exhausted' });
    house.time.skip(1);
    expect(await served(house, 1)).toEqual(['b/y']);
  });

  test('no account at all', async () => {
    expect(await createHouse([provider('p', [model('m')])], []).refusal()).toMatchObject({ kind: 'unavailable', message: 'no account for p; add one with: tollfree accounts add', attempts: [] });
  });

  test('a prompt larger than any window is told so, not made to wait', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(1000, 60, { unit: 'tokens' })] })])], [account('p', 'a')]);
    expect(await house.refusal({ request: { promptTokens: 2000 } })).toMatchObject({ kind: 'too-large' });
    // A long answer is only a guess and never shuts a prompt out that fits.
    expect(await served(house, 1, { request: { promptTokens: 900, maxOutput: 8000 } })).toEqual(['p/a']);
  });

  test('what the request rules out itself still tells the truth about when', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(1)] })])], [account('p', 'a')]);
    await served(house, 1);
    expect(await house.refusal({ excluded: () => true })).toMatchObject({ kind: 'unavailable', retryAt: START + 60_000, attempts: [] });
  });

  test('a disabled account is no candidate', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a', { enabled: false })]);
    expect(await house.refusal()).toMatchObject({ kind: 'unavailable', attempts: [{ outcome: 'disabled' }] });
    house.accounts.update([account('p', 'a')]);
    expect(await served(house, 1)).toEqual(['p/a']);
  });

  test('an account that is enabled again is tried again', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    (await house.ask()).fail({ kind: 'balance', message: 'empty' });
    house.accounts.update([account('p', 'a', { enabled: false })]);
    house.accounts.update([account('p', 'a')]);
    expect(await served(house, 1)).toEqual(['p/a']);
  });

  test('a client that has left gets no turn', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(1)] })])], [account('p', 'a')]);
    expect(await house.refusal({ signal: AbortSignal.abort() })).toMatchObject({ kind: 'cancelled' });
    expect(await served(house, 1)).toEqual(['p/a']);
  });
});

describe('limits', () => {
  test('of the operator bind where the provider keeps such a window, and no header lifts them', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(30)] })])], [account('p', 'a', { limits: { windows: [window(2)] } })]);
    const lease = await house.ask();
    lease.learn([{ unit: 'requests', seconds: 60, limit: 30, remaining: 29, source: 'header' }]);
    await served(house, 1);
    expect(await house.refusal({ request: { deadline: START } })).toMatchObject({ kind: 'exhausted' });
  });

  test('of a pool hold over all its models together', async () => {
    const house = createHouse([provider('p', [model('m'), model('n')], { limits: { windows: [window(3)] } })], [account('p', 'a')]);
    await served(house, 2);
    await served(house, 1, { candidates: targetsOf(...house.providers).slice(1) });
    expect(await house.refusal({ request: { deadline: START } })).toMatchObject({ kind: 'exhausted' });
  });

  test('by address are one pool for everybody there', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(2)] })], { quotaScope: 'provider' })], [account('p', 'a'), account('p', 'b')]);
    expect(await served(house, 2)).toEqual(['p/a', 'p/b']);
    expect(await house.refusal({ request: { deadline: START } })).toMatchObject({ kind: 'exhausted' });
    expect(house.accounts.view().map(({ pool }) => pool)).toEqual(['p', 'p']);
  });

  test('nobody told us are learned from the first answer, and seen with their source', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    const lease = await house.ask();
    lease.learn([{ unit: 'requests', seconds: 86_400, limit: 50, remaining: 49, resetAt: Date.UTC(2026, 2, 11), scope: 'pool', source: 'header' }]);
    lease.settle(undefined);
    expect(house.accounts.view()[0]?.windows).toEqual([{ unit: 'requests', seconds: 86_400, limit: 50, used: 1, resetsAt: Date.UTC(2026, 2, 11) + 1000, source: 'header' }]);
  });

  test('an hour that turns is known from an answer that was long on its way, and turns for everybody at once', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    const turn = START + 3_600_000;
    const lease = await house.ask();
    house.time.skip(1600);
    // Upstream said "3600 s" when the call reached it.
    lease.learn([{ unit: 'requests', seconds: 3600, limit: 3, remaining: 2, resetAt: house.time.now() + 3_600_000, source: 'header' }]);
    lease.settle(undefined);
    await served(house, 2);
    const now = () => ({ request: { deadline: house.time.now() } });
    expect(await house.refusal(now())).toMatchObject({ kind: 'exhausted', retryAt: turn + 1000 });
    house.time.skip(turn + 1000 - house.time.now());
    await Promise.all([house.ask(now()), house.ask(now()), house.ask(now())]);
  });

  test('a key endpoint that names a higher limit ends the rest of the old one', async () => {
    const house = createHouse([provider('p', [model('m')], { limits: { windows: [day(50)] } })], [account('p', 'a')]);
    (await house.ask()).fail({ kind: 'rate-day', message: 'enough', scope: 'pool', retryAt: START + 10 * 3_600_000, facts: [{ unit: 'requests', seconds: 86_400, scope: 'pool', limit: 50, remaining: 0, source: 'refusal' }] });
    expect(await house.refusal()).toMatchObject({ kind: 'exhausted' });
    house.accounts.learn('p-a', [{ unit: 'requests', seconds: 86_400, scope: 'pool', limit: 50, remaining: 3, source: 'endpoint' }]);
    expect(await house.refusal()).toMatchObject({ kind: 'exhausted' });
    house.accounts.learn('p-a', [{ unit: 'requests', seconds: 86_400, scope: 'pool', limit: 1000, remaining: 950, source: 'endpoint' }]);
    expect(await served(house, 1)).toEqual(['p/a']);
  });

  test('a bucket shows by its resets, in a header and in a refusal', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    const lease = await house.ask();
    lease.learn([{ unit: 'tokens', seconds: 60, limit: 8000, remaining: 7600, resetAt: START + 3000, source: 'header' }]);
    await served(house, 9, { request: { maxOutput: 10 } });
    house.time.skip(1000);
    (await house.ask()).fail({ kind: 'rate-minute', message: 'no', retryAt: START + 7000, facts: [{ unit: 'requests', seconds: 60, limit: 10, remaining: 0, resetAt: START + 7000, source: 'refusal' }] });
    house.time.skip(30_000);
    // Half of it is back, though no call is a minute old.
    const windows = house.accounts.view()[0]?.windows ?? [];
    expect(windows.find(({ unit }) => unit === 'requests')?.used).toBeLessThan(6);
    expect(windows.find(({ unit }) => unit === 'tokens')?.used).toBeLessThan(8000);
  });

  test('a refusal without a number shows one; it is forgotten after an hour', async () => {
    const house = createHouse([provider('p', [model('m')])], [account('p', 'a')]);
    await served(house, 4);
    (await house.ask()).fail({ kind: 'rate-minute', message: 'no', retryAt: START + 1000, facts: [{ unit: 'requests', seconds: 60, remaining: 0, source: 'refusal' }] });
    expect(house.accounts.view()[0]?.windows).toMatchObject([{ unit: 'requests', seconds: 60, limit: 4, used: 4, source: 'refusal' }]);
    house.time.skip(3_600_000);
    await served(house, 6);
  });

  test('a day that would be used up in weeks, by a little more than comes back, is not foreseen to end', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [day(1_000, 'refill')] })])], [account('p', 'a')]);
    for (let call = 0; call < 44; call += 1) {
      await served(house, 1);
      house.time.skip(3_600_000 / 44);
    }
    expect(house.accounts.view()[0]?.windows[0]).toMatchObject({ seconds: 86_400, limit: 1_000 });
    expect(house.accounts.view()[0]?.windows[0]).not.toHaveProperty('emptyAt');
  });

  test('a day that will not last is foreseen', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [day(200)] })])], [account('p', 'a')]);
    for (let call = 0; call < 60; call += 1) {
      await served(house, 1);
      house.time.skip(60_000);
    }
    const [seen] = house.accounts.view()[0]?.windows ?? [];
    // 60 calls an hour, 140 left: two hours and twenty minutes.
    expect((seen?.emptyAt ?? 0) - house.time.now()).toBeGreaterThan(2 * 3_600_000);
    expect((seen?.emptyAt ?? 0) - house.time.now()).toBeLessThan(2.8 * 3_600_000);
  });
});

describe('outlook', () => {
  test('tells when each could serve, and takes nothing', async () => {
    const house = createHouse([provider('p', [model('m', { windows: [window(1)] })])], [account('p', 'a'), account('p', 'b')]);
    await served(house, 1);
    const look = () => house.accounts.outlook(targetsOf(...house.providers), request(START)).map(({ account: { label }, freeAt, reason }) => ({ label, freeAt, reason }));
    expect(look()).toEqual([{ label: 'b', freeAt: START, reason: 'free' }, { label: 'a', freeAt: START + 60_000, reason: 'rate-minute' }]);
    expect(look()).toEqual(look());
  });
});
