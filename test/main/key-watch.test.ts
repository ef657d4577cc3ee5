/** Accounts asked after at rest, in virtual time and with the real accounts behind it. */
import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FailureError } from '../../src/failure.ts';
import { createKeyWatch, type KeyWatch } from '../../src/main/key-watch.ts';
import type { KeyCheck } from '../../src/providers/inquire.ts';
import type { Account, GatewayEvent, Provider } from '../../src/types.ts';
import { createJournal } from '../../src/usage/journal.ts';
import { account, createHouse, model, provider, state as outcomeOf, window, type House } from '../accounts/harness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const GOOD: KeyCheck = { ok: true, facts: [], message: 'good' };
const BAD: KeyCheck = { ok: false, facts: [], message: 'bad' };

interface Ward {
  readonly house: House;
  readonly watch: KeyWatch;
  readonly asked: { readonly label: string; readonly at: number }[];
  readonly events: GatewayEvent[];
  answer: KeyCheck | Error;
  unlocked: boolean;
}

function createWard(providers: readonly Provider[], accounts: readonly Account[], random = (): number => 0.5): Ward {
  const asked: Ward['asked'] = [];
  const events: GatewayEvent[] = [];
  const known: { watch?: KeyWatch } = {};
  const emit = (event: GatewayEvent): void => {
    events.push(event);
    known.watch?.observe(event);
  };
  const house = createHouse(providers, accounts, { emit });
  const { time } = house;
  const ward: Ward = { house, asked, events, answer: GOOD, unlocked: true, watch: undefined as never };
  const watch = createKeyWatch({
    accounts: house.accounts,
    catalogue: () => ({ providers: new Map(providers.map((one) => [one.name, one])) }),
    inquiry: {
      checkKey: (_provider, credential) => {
        asked.push({ label: credential, at: time.now() });
        return ward.answer instanceof Error ? Promise.reject(ward.answer) : Promise.resolve(ward.answer);
      },
    },
    credentialOf: ({ label }) => label,
    unlocked: () => ward.unlocked,
    now: time.now,
    after: time.after,
    random,
    emit,
  });
  known.watch = watch;
  return Object.assign(ward, { watch });
}

const checkable = (name: string, rest: Partial<Provider> = {}): Provider => provider(name, [model('m')], { keyCheckPath: '/key', ...rest });
const stateOf = ({ house }: Ward): string | undefined => house.accounts.view()[0]?.state;

async function die(ward: Ward): Promise<void> {
  for (const wait of [0, 6_000]) {
    ward.house.time.skip(wait);
    (await ward.house.ask()).fail({ kind: 'credential', message: 'no' });
  }
}

describe('at rest', () => {
  test('an account nobody uses is asked after every six hours or so, not all at once', async () => {
    const random = { next: 0 };
    const ward = createWard([checkable('p')], Array.from({ length: 20 }, (_, number) => account('p', `l${number}`)), () => (random.next = (random.next + 0.37) % 1));
    await ward.house.time.advance(24 * HOUR);
    expect(ward.asked.length).toBeGreaterThan(20 * 2.5);
    expect(ward.asked.length).toBeLessThan(20 * 6);
    const perMinute = new Map<number, number>();
    for (const { at } of ward.asked) perMinute.set(Math.floor(at / MINUTE), (perMinute.get(Math.floor(at / MINUTE)) ?? 0) + 1);
    expect(Math.max(...perMinute.values())).toBeLessThanOrEqual(4);
  });

  test('soon after a start or an unlocking what is left of today is asked once, one account after the other, and not by a daemon in a crash loop', async () => {
    const ward = createWard([checkable('p')], ['a', 'b', 'c', 'd', 'e', 'f'].map((label) => account('p', label)));
    const started = ward.house.time.now();
    await ward.house.time.advance(29_000);
    expect(ward.asked).toEqual([]);
    await ward.house.time.advance(2 * MINUTE);
    expect(ward.asked.map(({ label, at }) => [label, (at - started) / MINUTE])).toEqual([['a', 1], ['b', 1], ['c', 1], ['d', 2], ['e', 2], ['f', 2]]);
    await ward.house.time.advance(2 * HOUR);
    expect(ward.asked).toHaveLength(6);
  });

  test('traffic says enough after that: nobody asks after an account that answers', async () => {
    const ward = createWard([checkable('p')], [account('p', 'a')]);
    const answered = (): void => ward.watch.observe({ type: 'attempt-finished', request: { id: 'r' } as never, attempt: { provider: 'p', account: 'a', model: 'm', outcome: 'ok', sent: true, startedAt: 0, endedAt: 1 } });
    answered();
    await ward.house.time.advance(2 * MINUTE);
    expect(ward.asked).toHaveLength(1);
    for (let hour = 0; hour < 24; hour += 1) {
      await ward.house.time.advance(HOUR);
      answered();
    }
    expect(ward.asked).toHaveLength(1);
  });

  test('a refused key is asked after once more, and then suspends its account', async () => {
    const ward = createWard([checkable('p')], [account('p', 'a')]);
    await ward.house.time.advance(2 * HOUR);
    ward.answer = BAD;
    while (ward.asked.length === 1) await ward.house.time.advance(MINUTE);
    expect(stateOf(ward)).toBe('active');
    await ward.house.time.advance(2 * MINUTE);
    expect(ward.asked).toHaveLength(3);
    expect(stateOf(ward)).toBe('suspended');
    expect(ward.events.filter(({ type }) => type === 'account-changed')).toMatchObject([{ state: 'suspended', account: { label: 'a' } }]);
  });

  test('a refusal that was a hiccup costs nothing', async () => {
    const ward = createWard([checkable('p')], [account('p', 'a')]);
    ward.answer = BAD;
    while (ward.asked.length === 0) await ward.house.time.advance(MINUTE);
    ward.answer = GOOD;
    await ward.house.time.advance(24 * HOUR);
    expect(stateOf(ward)).toBe('active');
    expect(ward.events.filter(({ type }) => type === 'account-changed')).toEqual([]);
  });

  test('an outage says nothing of a key', async () => {
    const ward = createWard([checkable('p')], [account('p', 'a')]);
    ward.answer = new FailureError({ kind: 'overloaded', message: 'down' });
    await ward.house.time.advance(48 * HOUR);
    expect(stateOf(ward)).toBe('active');
    expect(ward.asked.length).toBeLessThan(60);
  });

  test('nobody is asked while the vault is locked, nor where asking costs quota or the account is disabled', async () => {
    const ward = createWard([checkable('p'), provider('q', [model('m')])], [account('p', 'a'), account('q', 'b'), account('p', 'c', { enabled: false })]);
    ward.unlocked = false;
    await ward.house.time.advance(24 * HOUR);
    expect(ward.asked).toEqual([]);
    ward.unlocked = true;
    await ward.house.time.advance(2 * MINUTE);
    expect(new Set(ward.asked.map(({ label }) => label))).toEqual(new Set(['a']));
  });

  test('what the key’s own endpoint tells feeds the windows', async () => {
    const ward = createWard([checkable('p', { models: [model('m', { windows: [window(50, 86_400)] })] })], [account('p', 'a')]);
    ward.answer = { ...GOOD, facts: [{ unit: 'requests', seconds: 86_400, scope: 'pool', limit: 1000, remaining: 400, resetAt: ward.house.time.now() + 24 * HOUR, source: 'endpoint' }] };
    await ward.house.time.advance(10 * HOUR);
    expect(ward.house.accounts.view()[0]?.windows).toContainEqual(expect.objectContaining({ limit: 1000, used: 600, source: 'endpoint' }));
  });
});

describe('suspended', () => {
  test('is asked after, ever less often, and works again as soon as its key is good', async () => {
    const ward = createWard([checkable('p')], [account('p', 'a')]);
    await die(ward);
    expect(stateOf(ward)).toBe('suspended');
    ward.answer = BAD;
    await ward.house.time.advance(24 * HOUR);
    expect(ward.asked.length).toBeGreaterThanOrEqual(4);
    expect(ward.asked.length).toBeLessThanOrEqual(9);
    expect(stateOf(ward)).toBe('suspended');
    ward.answer = GOOD;
    await ward.house.time.advance(10 * HOUR);
    expect(stateOf(ward)).toBe('active');
    expect(ward.events.findLast(({ type }) => type === 'account-changed')).toMatchObject({ state: 'active', reason: 'suspended' });
    (await ward.house.ask()).settle({ input: 1, output: 1 });
  });
});

test('a good key ends what a bad one brought about, and not the rest of a day that is spent', async () => {
  const ward = createWard([checkable('p')], [account('p', 'a')]);
  (await ward.house.ask()).fail({ kind: 'rate-day', message: 'spent', scope: 'pool', retryAt: ward.house.time.now() + 40 * HOUR });
  ward.house.accounts.judge('p-a', false);
  expect(stateOf(ward)).toBe('suspended');
  await ward.house.time.advance(HOUR);
  expect(stateOf(ward)).toBe('resting');
  expect(await ward.house.refusal()).toMatchObject({ kind: 'exhausted' });
});

describe('suspended, where nothing free tells a good key from a bad one', () => {
  test('one request a day finds out, and no more than one', async () => {
    const ward = createWard([provider('p', [model('m')])], [account('p', 'a')]);
    await die(ward);
    const tries: number[] = [];
    for (let minute = 0; minute < 3 * 24 * 60; minute += 5) {
      await ward.house.time.advance(5 * MINUTE);
      const lease = await ward.house.ask().catch(() => undefined);
      if (lease === undefined) continue;
      tries.push(minute);
      const leaving = new AbortController();
      expect(await outcomeOf(ward.house.ask({ signal: leaving.signal }), ward.house)).not.toBe('served');
      leaving.abort();
      lease.fail({ kind: 'credential', message: 'no' });
      expect(stateOf(ward)).toBe('suspended');
    }
    expect(tries.length).toBeGreaterThanOrEqual(3);
    expect(tries.length).toBeLessThanOrEqual(4);
    for (let day = 0; day < 2 && stateOf(ward) === 'suspended'; day += 1) await ward.house.time.advance(24 * HOUR);
    (await ward.house.ask()).settle({ input: 1, output: 1 });
    expect(stateOf(ward)).toBe('active');
    expect(ward.asked).toEqual([]);
  });
});

describe('over a restart', () => {
  test.each([['a clean stop', true], ['a crash', false]])('a suspended account stays suspended, after %s, and one that recovered stays well', async (_name, clean) => {
    const directory = mkdtempSync(join(tmpdir(), 'tollfree-watch-'));
    try {
      const open = (time?: House['time']): House => {
        const journal = createJournal({ path: join(directory, 'quota.journal'), now: Date.now, emit: () => undefined });
        return createHouse([checkable('p')], [account('p', 'a')], { journal, ...(time && { time }) });
      };
      const first = open();
      first.accounts.judge('p-a', false);
      if (clean) first.accounts.save();
      const second = open(first.time);
      expect(second.accounts.view()[0]?.state).toBe('suspended');
      expect(await second.refusal()).toMatchObject({ kind: 'unavailable' });
      second.accounts.judge('p-a', true);
      if (clean) second.accounts.save();
      expect(open(first.time).accounts.view()[0]?.state).toBe('active');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('spent and trial', () => {
  test('the day that is over is told once, with when it comes back', async () => {
    const ward = createWard([checkable('p', { models: [model('m', { windows: [window(2, 86_400)] })] })], [account('p', 'a')]);
    for (let call = 0; call < 2; call += 1) (await ward.house.ask()).settle({ input: 1, output: 1 });
    await ward.house.time.advance(3 * HOUR);
    const told = ward.events.filter(({ type }) => type === 'account-changed');
    expect(told).toMatchObject([{ state: 'resting', reason: 'day-spent', until: expect.any(Number) as unknown }]);
  });

  test('where every model has a day of its own, one that is over is not the account’s', async () => {
    const limits = { windows: [window(1, 86_400)] };
    const ward = createWard([checkable('p', { models: [model('m', limits), model('n', limits)] })], [account('p', 'a')]);
    (await ward.house.ask()).settle({ input: 1, output: 1 });
    await ward.house.time.advance(MINUTE);
    expect(ward.events.filter(({ type }) => type === 'account-changed')).toEqual([]);
    (await ward.house.ask()).settle({ input: 1, output: 1 });
    await ward.house.time.advance(MINUTE);
    expect(ward.events.filter(({ type }) => type === 'account-changed')).toMatchObject([{ reason: 'day-spent' }]);
  });

  test('a trial is told once, and seen beside the state', async () => {
    const ward = createWard([checkable('p', { status: 'trial', notes: 'Thirty days.' })], [account('p', 'a')]);
    await ward.house.time.advance(10 * MINUTE);
    expect(ward.events).toMatchObject([{ type: 'notice', message: 'p/a is on a trial of p, which expires. Thirty days.' }]);
    expect(ward.house.accounts.view()[0]).toMatchObject({ state: 'active', trial: true });
  });
});
