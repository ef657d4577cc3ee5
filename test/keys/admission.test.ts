import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { array, assert, asyncProperty, boolean, constantFrom, integer, record } from 'fast-check';
import type { Grant } from '../../src/keys/admission.ts';
import { createJournal, recoverJournal } from '../../src/keys/journal.ts';
import type { VirtualKey } from '../../src/keys/virtual-key.ts';
import type { Caller, Usage } from '../../src/types.ts';
import { createWorld, DAY, MINUTE, NOON, refusalOf, type World } from './support.ts';

const callerOf = ({ id, name, project }: VirtualKey): Caller => ({ id, key: name, project });
const usage = (input: number, output: number): Usage => ({ input, output });

let world: World;
beforeEach(() => void (world = createWorld()));
afterEach(() => world.remove());

async function keyWith(terms: Readonly<Record<string, unknown>>) {
  const keys = await world.openKeys();
  const { key } = await keys.create({ name: 'ci', ...terms });
  const admission = world.openAdmission(keys);
  return { keys, key, admission, caller: callerOf(key) };
}

describe('limits', () => {
  test('a thousand at once against a budget of ten: ten, whatever they later turn out to use', async () => {
    const { admission, caller, key } = await keyWith({ limits: { usd_per_day: 1 } });
    const asked = await Promise.allSettled(Array.from({ length: 1_000 }, async () => {
      await turn();
      const grant = admission.admit(caller, { tokens: 100, usd: 0.1 });
      await turn();
      grant.settle(usage(50, 50), 0.1);
    }));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(admission.usedBy(key)).toMatchObject({ usd_per_day: 1, requests_per_day: 10, tokens_per_day: 1_000 });
    admission.close();
  });

  test.each([
    ['requests_per_minute', 'key-rate', MINUTE + 1_000],
    ['tokens_per_minute', 'key-rate', MINUTE + 1_000],
    ['requests_per_day', 'over-budget', DAY / 2],
    ['tokens_per_week', 'over-budget', 2.5 * DAY],
    ['usd_per_month', 'over-budget', 10.5 * DAY],
    ['tokens_total', 'over-budget', undefined],
  ])('%s refuses with %s and the earliest true time', async (name, kind, wait) => {
    const { admission, caller } = await keyWith({ limits: { [name]: 1 } });
    admission.admit(caller, { tokens: 1, usd: 1 });
    const refused = refusalOf(() => admission.admit(caller, { tokens: 1, usd: 1 }));
    expect(refused).toMatchObject({ kind });
    expect(refused).toHaveProperty('message', expect.stringMatching(/^the key "ci" has used .*1.* of /));
    if (wait === undefined) {
      expect(refused).not.toHaveProperty('retryAt');
    } else {
      expect(refused).toHaveProperty('retryAt', NOON + wait);
      world.clock.now = NOON + wait - 1;
      expect(refusalOf(() => admission.admit(caller, { tokens: 1, usd: 1 }))).toMatchObject({ kind });
      world.clock.now = NOON + wait;
      admission.admit(caller, { tokens: 1, usd: 1 });
    }
    admission.close();
  });

  test('what could never fit says so and names no time', async () => {
    const { admission, caller } = await keyWith({ limits: { tokens_per_day: 1_000 } });
    const refused = refusalOf(() => admission.admit(caller, { tokens: 1_001, usd: 0 }));
    expect(refused).toEqual({ kind: 'over-budget', message: 'this request may take 1001 tokens, and the key "ci" has 1000 tokens a day; lower max_tokens, send less, or ask the operator for more' });
    admission.close();
  });

  test('who is refused by one scope has taken nothing of the others', async () => {
    const { keys, admission, caller, key } = await keyWith({ project: 'web', limits: { requests_per_day: 5 } });
    await keys.changeShared({ projects: { web: { requests_per_day: 1 } } });
    admission.admit(caller, { tokens: 1, usd: 0 });
    expect(refusalOf(() => admission.admit(caller, { tokens: 1, usd: 0 }))).toMatchObject({ message: expect.stringContaining('the project "web" has used 1 of 1 request a day') });
    expect(admission.usedBy(key)).toHaveProperty('requests_per_day', 1);
    admission.close();
  });

  test('projects and everybody together have limits of their own, without a key too', async () => {
    const { keys, admission, caller } = await keyWith({});
    await keys.changeShared({ all: { tokens_per_minute: 10 }, projects: { local: { requests_per_minute: 1 } } });
    const local: Caller = { key: 'local', project: 'local' };
    admission.admit(local, { tokens: 4, usd: 0 });
    expect(refusalOf(() => admission.admit(local, { tokens: 1, usd: 0 }))).toMatchObject({ message: expect.stringContaining('the project "local"') });
    admission.admit(caller, { tokens: 6, usd: 0 });
    expect(refusalOf(() => admission.admit(caller, { tokens: 1, usd: 0 }))).toMatchObject({ message: expect.stringContaining('everybody together') });
    await keys.changeShared({ all: null });
    admission.admit(caller, { tokens: 1, usd: 0 });
    admission.close();
  });

  test('each user of a key has its own, those without a name share one, and inventing names does not help for ever', async () => {
    const { admission, caller } = await keyWith({ user_limits: { requests_per_day: 1 } });
    const ask = (user?: string): unknown => refusalOf(() => admission.admit(caller, { tokens: 1, usd: 0, ...(user !== undefined && { user }) }));
    expect([ask('ann@example.org'), ask('bob@example.org'), ask()]).toEqual([undefined, undefined, undefined]);
    for (const user of ['ann@example.org', 'bob@example.org', undefined]) expect(ask(user)).toMatchObject({ kind: 'over-budget', message: expect.stringContaining('this user of the key "ci"') });
    const invented = Array.from({ length: 10_100 }, (_, number) => ask(`invented ${number}`));
    expect(invented.filter((refused) => refused === undefined)).toHaveLength(10_000 - 3 + 1);
    admission.close();
    expect(/example|invented/.test(readFileSync(world.usagePath, 'utf8'))).toBe(false);
  });

  test('a smaller or larger limit counts at once', async () => {
    const { keys, key, admission, caller } = await keyWith({ limits: { requests_per_day: 1 } });
    admission.admit(caller, { tokens: 1, usd: 0 });
    await keys.change(key.id, { limits: { requests_per_day: 2 } });
    admission.admit(caller, { tokens: 1, usd: 0 });
    expect(refusalOf(() => admission.admit(caller, { tokens: 1, usd: 0 }))).toMatchObject({ kind: 'over-budget' });
    admission.close();
  });
});

describe('settling', () => {
  test('what was used replaces what was taken, once; more than that is debt', async () => {
    const { admission, caller, key } = await keyWith({ limits: { tokens_per_day: 1_000 } });
    const grant = admission.admit(caller, { tokens: 1_000, usd: 0.5 });
    grant.settle(usage(100, 50), 0.000_000_5);
    grant.settle(usage(1, 1), 0);
    grant.cancel();
    expect(admission.usedBy(key)).toMatchObject({ requests_per_day: 1, tokens_per_day: 150, usd_per_day: 0.000_000_5 });
    admission.admit(caller, { tokens: 1, usd: 0 }).settle(usage(900, 100), 0);
    expect(refusalOf(() => admission.admit(caller, { tokens: 1, usd: 0 }))).toMatchObject({ message: expect.stringContaining('has used 1150 of 1000 tokens a day') });
    admission.close();
  });

  test('what is given back leaves the day it was taken in, what is owed counts today', async () => {
    const { admission, caller, key } = await keyWith({});
    world.clock.now = NOON + DAY / 2 - 1;
    const [less, more] = [admission.admit(caller, { tokens: 100, usd: 0 }), admission.admit(caller, { tokens: 100, usd: 0 })];
    world.clock.now = NOON + DAY / 2;
    admission.admit(caller, { tokens: 7, usd: 0 });
    less.settle(usage(10, 10), 0);
    expect(admission.usedBy(key)).toMatchObject({ tokens_per_day: 7, tokens_total: 127 });
    more.settle(usage(100, 20), 0);
    expect(admission.usedBy(key)).toMatchObject({ tokens_per_day: 27, requests_per_day: 1, tokens_total: 147 });
    admission.close();
  });

  test('unknown is never zero: it stays as it was taken; what was not delivered costs nothing', async () => {
    const { admission, caller, key } = await keyWith({});
    admission.admit(caller, { tokens: 30, usd: 0.25 }).settle(undefined, undefined);
    expect(admission.usedBy(key)).toMatchObject({ requests_total: 1, tokens_total: 30, usd_total: 0.25 });
    admission.admit(caller, { tokens: 30, usd: 0.25 }).cancel();
    expect(admission.usedBy(key)).toMatchObject({ requests_total: 1, tokens_total: 30, usd_total: 0.25 });
    admission.close();
  });

  test('held against a recount of everything that happened, over any order and any restart', async () => {
    const step = record({ wait: constantFrom(0, 900, 20_000, MINUTE, DAY / 4), tokens: integer({ min: 1, max: 40 }), used: integer({ min: 0, max: 60 }), end: constantFrom('settle', 'cancel', 'unknown', 'open'), restart: boolean() });
    await assert(asyncProperty(array(step, { maxLength: 40 }), async (steps) => {
      const place = createWorld();
      const keys = await place.openKeys();
      const { key } = await keys.create({ name: 'ci', limits: { tokens_per_day: 200, requests_total: 25 } });
      let admission = place.openAdmission(keys);
      const granted: { readonly at: number; tokens: number }[] = [];
      const today = () => granted.filter(({ at }) => Math.floor(at / DAY) === Math.floor(place.clock.now / DAY)).reduce((total, { tokens }) => total + tokens, 0);
      for (const { wait, tokens, used, end, restart } of steps) {
        place.clock.now += wait;
        const fits = today() + tokens <= 200 && granted.length < 25;
        let grant: Grant | undefined;
        expect(refusalOf(() => (grant = admission.admit(callerOf(key), { tokens, usd: 0 })))).toEqual(fits ? undefined : expect.objectContaining({ kind: 'over-budget' }));
        if (grant !== undefined && end === 'cancel') grant.cancel();
        else if (grant !== undefined) {
          granted.push({ at: place.clock.now, tokens: end === 'settle' ? used : tokens });
          if (end === 'settle') grant.settle(usage(used, 0), 0);
          if (end === 'unknown') grant.settle(undefined, undefined);
        }
        if (restart) {
          admission.close();
          admission = place.openAdmission(keys);
        }
        expect(admission.usedBy(key)).toMatchObject({ tokens_per_day: today(), tokens_total: granted.reduce((total, { tokens }) => total + tokens, 0), requests_total: granted.length });
      }
      admission.close();
      place.remove();
    }), { numRuns: 25 });
  });
});

describe('the journal', () => {
  test('a process that was killed loses nothing it admitted before the last turn; what was in flight stays taken', async () => {
    const { keys, key, admission, caller } = await keyWith({});
    admission.admit(caller, { tokens: 10, usd: 0.1 }).settle(usage(3, 4), 0.02);
    admission.admit(caller, { tokens: 10, usd: 0.1 });
    await turn();
    const next = world.openAdmission(keys);
    expect(next.usedBy(key)).toMatchObject({ requests_per_minute: 2, tokens_per_minute: 17, usd_total: 0.12 });
    next.close();
    admission.close();
  });

  test('is for its owner alone', async () => {
    const { admission } = await keyWith({});
    expect(statSync(world.usagePath).mode & 0o777).toBe(0o600);
    admission.close();
  });

  test('a line cut by a crash is no damage; a bad one in the middle is told, and the file kept', async () => {
    const { keys, key, admission, caller } = await keyWith({});
    admission.admit(caller, { tokens: 10, usd: 0 });
    admission.close();
    appendFileSync(world.usagePath, '[17637');
    const second = world.openAdmission(keys);
    expect(world.notices).toEqual([]);
    second.admit(caller, { tokens: 5, usd: 0 });
    second.close();
    const [head = '', line = ''] = readFileSync(world.usagePath, 'utf8').split('\n');
    writeFileSync(world.usagePath, `${head}\n[1,2\n${line}\n`);
    const third = world.openAdmission(keys);
    expect(third.usedBy(key)).toHaveProperty('tokens_total', 15);
    expect(world.notices).toEqual([expect.stringMatching(/key-usage\.jsonl: 1 lines could not be read.* kept as .*\.bad-/)]);
    third.close();
  });

  test('refuses to count over the file of a newer program', async () => {
    const { keys, admission } = await keyWith({});
    admission.close();
    writeFileSync(world.usagePath, '{"format":"tollfree-key-usage","version":2}\n');
    expect(() => world.openAdmission(keys)).toThrow('newer tollfree');
    expect(readFileSync(world.usagePath, 'utf8')).toContain('"version":2');
  });

  test('a disk that refuses is told once, counting goes on, and all of it is written when it heals', async () => {
    const told: (string | undefined)[] = [];
    const clock = { now: NOON };
    const counts = { entries: 0 };
    const path = world.usagePath;
    const journal = createJournal({ path, now: () => clock.now, tallies: () => ({ all: { total: [0, counts.entries, 0, 0] } }), onTrouble: (problem) => told.push(problem) });
    const count = async (scope: string): Promise<void> => {
      counts.entries += 1;
      journal.append({ at: clock.now, amounts: { requests: 1, tokens: 0, nanoUsd: 0 }, scopes: [scope] });
      await turn();
    };
    await count('x'.repeat(9 * 2 ** 20));
    mkdirSync(`${path}.tmp`);
    await count('all');
    await count('all');
    clock.now += MINUTE;
    await count('all');
    expect(told).toEqual([expect.stringContaining('EISDIR')]);
    rmdirSync(`${path}.tmp`);
    clock.now += MINUTE;
    await count('all');
    expect(told).toEqual([expect.anything(), undefined]);
    journal.close();
    expect(recoverJournal(path, clock.now)).toEqual({ tallies: { all: { total: [0, 5, 0, 0] } }, entries: [] });
  });

  test('begins anew before it grows without bound, and counts go on', async () => {
    const counts = { entries: 0 };
    const path = world.usagePath;
    const journal = createJournal({ path, now: () => NOON, tallies: () => ({ all: { total: [0, counts.entries, 0, 0] } }), onTrouble: () => undefined });
    const scopes = ['all', `key:${'x'.repeat(9_000)}`];
    for (; counts.entries < 1_000; ) {
      counts.entries += 1;
      journal.append({ at: NOON, amounts: { requests: 1, tokens: 0, nanoUsd: 0 }, scopes });
      await turn();
    }
    journal.close();
    expect(statSync(path).size).toBeLessThan(8.1 * 2 ** 20);
    const { tallies, entries } = recoverJournal(path, NOON);
    expect(entries.length).toBeLessThan(500);
    expect((tallies['all']?.total?.[1] ?? 0) + entries.length).toBe(1_000);
  });
});

describe('revoking', () => {
  test('ends what is open and refuses what comes, and no other key notices', async () => {
    const { keys, key, admission, caller } = await keyWith({});
    const other = await keys.create({ name: 'other' });
    const [mine, theirs, done] = [admission.admit(caller, { tokens: 1, usd: 0 }), admission.admit(callerOf(other.key), { tokens: 1, usd: 0 }), admission.admit(caller, { tokens: 1, usd: 0 })];
    done.settle(usage(1, 1), 0);
    await keys.revoke(key.id);
    expect([mine, theirs, done].map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
    expect(mine.signal.reason).toMatchObject({ failure: { kind: 'unauthorized' } });
    expect(refusalOf(() => admission.admit(caller, { tokens: 1, usd: 0 }))).toMatchObject({ kind: 'unauthorized' });
    admission.close();
  });
});
