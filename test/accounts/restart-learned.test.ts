/** What upstream showed of how it counts, and a restart must not forget. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WindowLimit } from '../../src/types.ts';
import { createJournal } from '../../src/usage/journal.ts';
import { type House, START, type Time, account, createHouse, createTime, model, provider, targetsOf, window, request } from './harness.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollfree-quota-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What may be written a little later has been. */
const turnOver = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const tokens = (house: House): number | undefined => house.accounts.view()[0]?.windows.find(({ unit }) => unit === 'tokens')?.used;

const answered = async (house: House): Promise<void> => (await house.ask()).settle(undefined);
const left = async (house: House): Promise<void> => (await house.ask()).cancel();
const refused = async (house: House): Promise<void> => (await house.ask()).fail({ kind: 'rate-minute', message: 'no', retryAt: house.time.now() + 1000 });
const told = async (house: House): Promise<void> => {
  const lease = await house.ask();
  lease.learn([{ unit: 'requests', seconds: 3600, limit: 2, remaining: 1, resetAt: START + 3_600_000, source: 'header' }]);
  lease.settle(undefined);
};
const toldTokens = async (house: House, remaining: number): Promise<void> => {
  const lease = await house.ask({ request: { promptTokens: 100, maxOutput: 200 } });
  lease.learn([{ unit: 'tokens', seconds: 60, limit: 10_000, remaining, source: 'header' }]);
  lease.settle({ input: 100, output: 50 });
};

describe.each([['a snapshot', true], ['the lines of the journal', false]])('after a restart from %s', (_name, snapshot) => {
  const reopened = async (time: Time, windows: readonly WindowLimit[], before?: House): Promise<House> => {
    if (snapshot) before?.accounts.save();
    await turnOver();
    return createHouse([provider('groq', [model('m', { windows })])], [account('groq', 'a')], { time, journal: createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined }) });
  };

  test('it is known that upstream never tells its tokens: the next call reserves what is usual', async () => {
    const time = createTime();
    const windows = [window(10_000, 60, { unit: 'tokens' })];
    const before = await reopened(time, windows);
    (await before.ask({ request: { promptTokens: 100, maxOutput: 200 } })).settle({ input: 100, output: 50 });
    const after = await reopened(time, windows, before);
    await after.ask({ request: { promptTokens: 100, maxOutput: 8000 } });
    expect(tokens(after)).toBeLessThan(2000);
  });

  test('it is known that upstream gives back what an answer did not use', async () => {
    const time = createTime();
    const windows = [window(10_000, 60, { unit: 'tokens' })];
    const before = await reopened(time, windows);
    for (const remaining of [9700, 9550, 9400, 9250, 9100]) await toldTokens(before, remaining);
    const after = await reopened(time, windows, before);
    const known = tokens(after) ?? 0;
    await toldTokens(after, 10_000 - known - 300);
    expect(tokens(after)).toBe(known + 150);
  });

  test('it is known who was fast of late, who fails, and how long answers are', async () => {
    const time = createTime();
    const providers = ['slow', 'fast'].map((name) => provider(name, [model('m', { windows: [window(100_000, 60, { unit: 'tokens' })] })]));
    const open = (): House => createHouse(providers, ['slow', 'fast'].map((name) => account(name, 'a')), { time, random: () => 0.9, journal: createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined }) });
    const before = open();
    for (const [index, ms] of [800, 100].entries()) {
      const lease = await before.ask({ candidates: targetsOf(...providers).slice(index, index + 1) });
      time.skip(ms);
      lease.learn([]);
      lease.settle({ input: 100, output: 20 });
    }
    if (snapshot) before.accounts.save();
    await turnOver();
    time.skip(120_000);
    const after = open();
    const next = await after.ask({ strategy: 'fastest', request: { promptTokens: 100 } });
    expect(next.account.provider).toBe('fast');
    // 20 and three times their first spread, not the 800 of a model nobody knows.
    const used = after.accounts.view().find(({ account: { provider: name } }) => name === 'fast')?.windows.find(({ unit }) => unit === 'tokens')?.used;
    expect(used).toBeLessThan(200);
    next.fail({ kind: 'policy', message: 'no' });
    (await after.ask({ strategy: 'reliable' })).fail({ kind: 'overloaded', message: '503' });
    if (snapshot) after.accounts.save();
    await turnOver();
    time.skip(120_000);
    expect((await open().ask({ strategy: 'reliable' })).account.provider).toBe('fast');
  });

  test('a configured limit is as well proven as before', async () => {
    const time = createTime();
    const windows = [window(30)];
    const before = await reopened(time, windows);
    for (let call = 0; call < 20; call += 1) await answered(before);
    const after = await reopened(time, windows, before);
    time.skip(120_000);
    const now = { request: { deadline: time.now() } };
    for (let call = 0; call < 20; call += 1) await after.ask(now);
    expect(after.accounts.outlook(targetsOf(...after.providers), request(time.now()))).toMatchObject([{ reason: 'unproven', freeAt: time.now() + 500 }]);
  });

  test.each([
    ['nothing before its first', [[answered, answered]], 'exhausted'],
    ['an answer after it', [[answered, answered], [answered, left]], 'served'],
    ['a refusal after it shows nothing', [[answered, answered], [refused, left]], 'exhausted'],
    ['a header that names it', [[told, left]], 'served'],
  ])('a calendar’s turn is as well known as before: %s', async (_how, hours, next) => {
    const time = createTime(START + 2000);
    const windows = [window(2, 3600, { kind: 'calendar' })];
    const before = await reopened(time, windows);
    for (const calls of hours) {
      for (const call of calls) {
        await call(before);
        time.skip(2000);
      }
      time.skip(3_600_000);
    }
    const after = await reopened(time, windows, before);
    const now = { request: { deadline: time.now() } };
    await after.ask(now);
    expect(await after.ask(now).then(() => 'served', () => 'exhausted')).toBe(next);
  });
});
