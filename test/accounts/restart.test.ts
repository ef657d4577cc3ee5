import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { array, assert, asyncProperty, constantFrom, integer, oneof, record } from 'fast-check';
import { spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WindowLimit } from '../../src/types.ts';
import { createJournal } from '../../src/usage/journal.ts';
import { type House, START, type Time, account, createHouse, createTime, model, provider, window } from './harness.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollfree-quota-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const groq = provider('groq', [
  model('m', { windows: [window(10), window(1000, 60, { unit: 'tokens', kind: 'refill' }), window(40, 86_400, { kind: 'calendar', timeZone: 'America/Los_Angeles' })] }),
]);
const accounts = [account('groq', 'a'), account('groq', 'b')];

/** A start on the same files; what ran before was simply abandoned, as a kill does. */
function start(time: Time, maxBytes?: number): House {
  const journal = createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined, ...(maxBytes !== undefined && { maxBytes }) });
  return createHouse([groq], accounts, { time, journal });
}

/** What may be written a little later has been. */
const turnOver = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A start on what a kill at this very moment leaves behind. */
function crashed(time: Time): House {
  const copy = join(directory, 'crashed.journal');
  copyFileSync(join(directory, 'quota.journal'), copy);
  return createHouse([groq], accounts, { time, journal: createJournal({ path: copy, now: time.now, emit: () => undefined }) });
}

interface Count {
  readonly account: string;
  readonly windows: readonly { readonly unit: string; readonly seconds: number; readonly used: number; readonly limit: number; readonly source: string }[];
}

const counts = (house: House): Count[] =>
  house.accounts.view().map(({ account: { label }, windows }) => ({
    account: label,
    windows: windows.filter(({ unit }) => unit !== 'concurrent').map(({ unit, seconds, used, limit, source }) => ({ unit, seconds, used: Math.round(used * 1000) / 1000, limit, source })),
  }));

function expectAtLeast(after: readonly Count[], before: readonly Count[]): void {
  for (const { account: label, windows } of before) {
    const found = after.find((other) => other.account === label)?.windows ?? [];
    for (const { unit, seconds, used } of windows) expect(found.find((other) => other.unit === unit && other.seconds === seconds)?.used).toBeGreaterThanOrEqual(used);
  }
}

describe('a restart', () => {
  test('keeps windows, rests, learned limits and whose turn it is', async () => {
    const time = createTime();
    const before = start(time);
    const first = await before.ask({ request: { promptTokens: 50, maxOutput: 100 } });
    first.learn([{ unit: 'requests', seconds: 60, limit: 25, remaining: 20, source: 'header' }]);
    first.settle({ input: 40, output: 30 });
    const second = await before.ask();
    second.fail({ kind: 'rate-day', message: 'enough', retryAt: time.now() + 3_600_000 });
    const third = await before.ask();
    third.settle({ input: 5, output: 5 });

    await turnOver();
    const after = start(time);
    expect(counts(after)).toEqual(counts(before));
    expect(after.accounts.view().map(({ rests }) => rests)).toEqual(before.accounts.view().map(({ rests }) => rests));
    expect(counts(after)[0]?.windows[0]).toMatchObject({ limit: 25, source: 'header' });
    time.skip(3_600_000);
    expect((await after.ask()).account.label).toBe('b');
  });

  test.each([['with a snapshot', true], ['without one', false]])('keeps how much the network jitters, %s', async (_name, snapshot) => {
    const time = createTime();
    const one = provider('groq', [model('m', { windows: [window(1)] })]);
    const open = (): House => createHouse([one], [account('groq', 'a')], { time, journal: createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined }) });
    const before = open();
    (await before.ask()).settle(undefined);
    time.skip(60_000);
    (await before.ask()).fail({ kind: 'rate-minute', message: 'slow down', retryAt: time.now() + 50, facts: [{ unit: 'requests', seconds: 60, limit: 1, remaining: 0, resetAt: time.now() + 50, source: 'refusal' }] });
    time.skip(50);
    const sentAt = time.now();
    await before.ask();
    if (snapshot) before.accounts.save();
    expect(await open().refusal({ request: { deadline: time.now() } })).toMatchObject({ retryAt: sentAt + 60_000 + 3 * (150 + 50) });
  });

  test.each([['with a snapshot', true], ['without one', false]])('keeps how many requests a minute were once admitted where nobody named a limit, %s', async (_name, snapshot) => {
    const time = createTime();
    const open = (): House => createHouse([provider('groq', [model('m')])], [account('groq', 'a')], { time, journal: createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined }) });
    const before = open();
    for (let call = 0; call < 3; call += 1) (await before.ask()).settle(undefined);
    if (snapshot) before.accounts.save();
    await turnOver();
    time.skip(120_000);
    const after = open();
    const now = { request: { deadline: time.now() } };
    await Promise.all([after.ask(now), after.ask(now), after.ask(now)]);
    expect(await after.refusal(now)).toMatchObject({ kind: 'exhausted' });
  });

  test('keeps breakers: what was open stays open, what was counted is counted on', async () => {
    const time = createTime();
    const [m = model('m')] = groq.models;
    const small = { promptTokens: 10, maxOutput: 10 };
    const ask = async (house: House): Promise<void> => (await house.ask({ candidates: [{ provider: groq, model: m }], request: small })).fail({ kind: 'overloaded', message: 'no' });
    const first = start(time);
    await ask(first);
    await ask(first);
    expect(first.accounts.breakers()[0]).toMatchObject({ scope: 'target', state: 'closed', consecutive: 2, calls: 2, failures: 2 });
    const second = start(time);
    expect(second.accounts.breakers()).toEqual(first.accounts.breakers());
    await ask(second);
    const third = start(time, 1);
    expect(third.accounts.breakers()).toEqual(second.accounts.breakers());
    expect(third.accounts.breakers()[0]).toMatchObject({ state: 'open', consecutive: 3 });
    third.accounts.save();
    expect(start(time).accounts.breakers()).toEqual(third.accounts.breakers());
    time.skip(5_000);
    (await third.ask({ request: small })).settle(undefined);
    expect([third.accounts.breakers()[0]?.state, start(time).accounts.breakers()[0]?.state]).toEqual(['closed', 'closed']);
  });

  test('after any mix of calls and facts sums are what they were, with and without a snapshot', async () => {
    const step = oneof(
      record({ do: constantFrom('settle', 'break', 'refuse', 'limit', 'leave', 'open'), tokens: integer({ min: 1, max: 300 }), wait: integer({ min: 0, max: 9000 }) }),
      record({ do: constantFrom('fact', 'restart', 'crash', 'snapshot'), tokens: integer({ min: 0, max: 10 }), wait: integer({ min: 0, max: 9000 }) }),
    );
    await assert(asyncProperty(array(step, { maxLength: 30 }), async (steps) => {
      rmSync(join(directory, 'quota.journal'), { force: true });
      const time = createTime();
      let house = start(time);
      for (const { do: action, tokens, wait } of steps) {
        time.skip(wait);
        if (action === 'restart') {
          const before = counts(house);
          await turnOver();
          house = start(time);
          expect(counts(house)).toEqual(before);
          continue;
        }
        if (action === 'crash') {
          expectAtLeast(counts(crashed(time)), counts(house));
          continue;
        }
        if (action === 'snapshot') {
          house.accounts.save();
          continue;
        }
        const lease = await house.ask({ request: { deadline: time.now(), promptTokens: 60, maxOutput: 60 } }).catch(() => undefined);
        if (lease === undefined) continue;
        time.skip(tokens % 2 === 0 ? 50 : 500);
        if (tokens % 6 === 5) house.accounts.save();
        switch (action) {
          case 'fact': lease.learn([{ unit: 'requests', seconds: 60, limit: 10, remaining: tokens, source: 'header' }]); lease.settle(undefined); break;
          case 'settle': lease.settle({ input: tokens, output: 10 }); break;
          case 'break': lease.fail({ kind: 'broken-answer', message: 'cut' }, { input: tokens, output: 1 }); break;
          case 'refuse': lease.fail({ kind: 'caller', message: 'no' }); break;
          case 'limit': lease.fail({ kind: 'rate-minute', message: 'slow', retryAt: time.now() + 2000, facts: [{ unit: 'requests', seconds: tokens % 2 === 0 ? 60 : 86_400, limit: 12, remaining: 0, resetAt: time.now() + 2000, source: 'refusal' }] }); break;
          case 'leave': lease.cancel({ input: tokens, output: 1 }); break;
          case 'open': break;
        }
      }
      const before = counts(house);
      await turnOver();
      expect(counts(start(time))).toEqual(before);
    }), { numRuns: 60 });
  });

  test('counts a call once that was on its way when a snapshot was made, and what it used', async () => {
    const time = createTime();
    const one = provider('groq', [model('m', { windows: [window(1000, 60, { unit: 'tokens' })] })]);
    const open = (): House => createHouse([one], [account('groq', 'a')], { time, journal: createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined }) });
    const before = open();
    const lease = await before.ask({ request: { promptTokens: 100, maxOutput: 100 } });
    before.accounts.save();
    time.skip(50);
    lease.learn([]);
    lease.settle({ input: 80, output: 20 });
    await turnOver();
    const after = open();
    for (const ms of [0, 100, 59_000]) {
      time.skip(ms);
      expect(counts(after)[0]?.windows).toMatchObject([{ unit: 'tokens', used: 100 }]);
    }
    time.skip(1200);
    expect(counts(after)[0]?.windows).toMatchObject([{ unit: 'tokens', used: 0 }]);
  });

  test('keeps seconds of sound: as they were told, and as reserved where the call was under way', async () => {
    const whisper = provider('groq', [model('w', { windows: [window(7200, 3600, { unit: 'audio_seconds' })] })]);
    const time = createTime();
    const open = (): House => createHouse([whisper], [account('groq', 'a')], { time, journal: createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined }) });
    const before = open();
    (await before.ask({ request: { surface: 'audio', audioSeconds: 600 } })).settle({ input: 0, output: 0, audioSeconds: 540 });
    await before.ask({ request: { surface: 'audio', audioSeconds: 60 } });
    for (const snapshot of [false, true]) {
      if (snapshot) before.accounts.save();
      expect(counts(open())[0]?.windows).toMatchObject([{ unit: 'audio_seconds', used: 600, limit: 7200 }]);
    }
  });

  test('calls under way at the crash stay counted', async () => {
    const time = createTime();
    const before = start(time);
    for (let call = 0; call < 20; call += 1) (await before.ask({ request: { promptTokens: 10, maxOutput: 10 } })).learn([]);
    const after = start(time);
    expect(await after.refusal({ request: { deadline: time.now() } })).toMatchObject({ kind: 'exhausted', retryAt: START + 60_000 });
  });

  test('a clock set back frees nothing early and holds nothing longer than its window', async () => {
    const before = start(createTime(START + 86_400_000));
    for (let call = 0; call < 20; call += 1) (await before.ask({ request: { promptTokens: 10, maxOutput: 10 } })).learn([]);
    const after = start(createTime(START));
    const refusal = await after.refusal({ request: { deadline: START } });
    expect(refusal).toMatchObject({ kind: 'exhausted', retryAt: START + 60_000 });
  });

  test('an operator\'s own limit is kept, even if the accounts are known only later', async () => {
    const time = createTime();
    const bare = provider('groq', [model('m')]);
    const own = [account('groq', 'a', { limits: { windows: [window(2, 300)] } })];
    const journal = () => createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined });
    const before = createHouse([bare], own, { time, journal: journal() });
    (await before.ask()).settle(undefined);
    before.accounts.save();
    (await before.ask()).settle(undefined);
    const after = createHouse([bare], [], { time, journal: journal() });
    after.accounts.update(own);
    expect(await after.refusal({ request: { deadline: START } })).toMatchObject({ kind: 'exhausted', retryAt: START + 300_000 });
    after.accounts.update([account('groq', 'a')]);
    expect((await after.ask()).account.label).toBe('a');
  });

  test('lines of a newer version, damage and a torn end are passed over', async () => {
    const time = createTime();
    await start(time).ask();
    appendFileSync(join(directory, 'quota.journal'), '{"type":"tomorrow","at":1}\n{"type":"take","id":"x"}\n[]\n{"type":"ta');
    expect(counts(start(time))[0]?.windows[0]?.used).toBe(1);
  });

  test('a change of the configuration counts from now on; what was used stays used', async () => {
    const time = createTime();
    const before = start(time);
    for (let call = 0; call < 4; call += 1) (await before.ask()).settle({ input: 5, output: 5 });
    before.accounts.save();
    const windows: WindowLimit[] = [window(3)];
    const journal = createJournal({ path: join(directory, 'quota.journal'), now: time.now, emit: () => undefined });
    const changed = provider('groq', [model('m', { windows })]);
    const after = createHouse([changed], accounts, { time, journal });
    await after.ask();
    await after.ask();
    expect(await after.refusal({ request: { deadline: time.now() } })).toMatchObject({ kind: 'exhausted' });
  });

  test('the journal stays short: snapshots take its place', async () => {
    const time = createTime();
    const house = start(time, 4000);
    for (let call = 0; call < 300; call += 1) {
      (await house.ask({ request: { promptTokens: 1, maxOutput: 1 } })).settle({ input: 1, output: 1 });
      // Slower than the day allows.
      await time.advance(1_300_000);
    }
    expect(readFileSync(join(directory, 'quota.journal')).length).toBeLessThan(100_000);
    expect(counts(start(time))).toEqual(counts(house));
  });
});

describe('kill -9', () => {
  test('ten times a minute under full load: upstream never sees more than the limit', async () => {
    const script = join(directory, 'load.mjs');
    const dist = join(import.meta.dirname, '..', '..', 'dist');
    writeFileSync(script, LOAD);
    const run = (killAfter?: number): Promise<void> => new Promise((resolve) => {
      const child = spawn(process.execPath, [script, dist, directory], { stdio: 'inherit' });
      child.on('exit', () => resolve());
      if (killAfter !== undefined) child.on('spawn', () => setTimeout(() => child.kill('SIGKILL'), killAfter));
    });
    for (let restart = 0; restart < 10; restart += 1) await run(60 + restart * 15);
    await run();
    const sent = readFileSync(join(directory, 'upstream.log'), 'utf8').length;
    expect(sent).toBeLessThanOrEqual(400);
    // What was counted but not sent when the process was killed is the only loss.
    expect(sent).toBeGreaterThanOrEqual(390);
  });
});

/** Sends as fast as it may, notes every call where upstream would, and stops when the minute is spent. */
const LOAD = `
import { writeSync, openSync } from 'node:fs';
const [, , dist, directory] = process.argv;
const { createAccounts } = await import(dist + '/accounts/accounts.js');
const { createJournal } = await import(dist + '/usage/journal.js');
const model = { name: 'm', aliases: [], capabilities: [], limits: { windows: [{ unit: 'requests', limit: 400, seconds: 3600, kind: 'rolling' }] }, price: {} };
const provider = { name: 'p', quotaScope: 'account', limits: { windows: [] }, models: [model] };
const now = () => Date.now();
const accounts = createAccounts({
  accounts: [{ id: 'a', provider: 'p', label: 'a', enabled: true, origin: '' }],
  catalogue: () => ({ providers: new Map([['p', provider]]) }),
  scheduler: { now, after: (ms, call) => { const timer = setTimeout(call, ms); return () => clearTimeout(timer); } },
  emit() {}, lineBound: 10,
  journal: createJournal({ path: directory + '/quota.journal', now, emit() {}, maxBytes: 20_000 }),
});
const upstream = openSync(directory + '/upstream.log', 'a');
const signal = new AbortController().signal;
for (;;) {
  const request = { promptTokens: 1, maxOutput: 1, deadline: 0, priority: 5, caller: { key: 'k', project: 'p' }, text: { last: '', earlier: [], system: '' } };
  let lease;
  try {
    lease = await accounts.acquire({ request, candidates: [{ provider, model }], excluded: () => false, signal });
  } catch {
    process.exit(0);
  }
  writeSync(upstream, 'x');
  await new Promise((resolve) => setTimeout(resolve, 1));
  lease.settle({ input: 1, output: 1 });
}
`;
