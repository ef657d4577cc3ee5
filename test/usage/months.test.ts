/** A simulated month, counted by the record and, in another way, by the test. */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/usage/database.ts';
import type { Database } from '../../src/usage/database.ts';
import { entryOf, lineOf, readEntry } from '../../src/usage/entry.ts';
import type { Entry } from '../../src/usage/entry.ts';
import { createReader } from '../../src/usage/query.ts';
import { createStore } from '../../src/usage/store.ts';
import type { Group, Stats, StatsQuery, Sums } from '../../src/usage/stats.ts';
import { attempt, finished } from './finished.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 7, 1);

const made: { readonly directory: string; readonly database: Database }[] = [];
afterEach(() => made.splice(0).forEach(({ directory, database }) => {
  database.close();
  rmSync(directory, { recursive: true });
}));

function filled(events: readonly ReturnType<typeof finished>[], batch: number): Database {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-month-'));
  const database = openDatabase(join(directory, 'record.db'));
  made.push({ directory, database });
  const store = createStore(database);
  const entries = events.map(({ request, summary }) => readEntry(lineOf(entryOf(request, summary)))).filter((entry): entry is Entry => entry !== undefined);
  for (let start = 0; start < entries.length; start += batch) store.apply(entries.slice(start, start + batch), { segment: 1, offset: start });
  return database;
}

const read = (database: Database, query: StatsQuery): Stats => createReader(database, () => true)(query);

const usage = fc.record({ input: fc.nat(100_000), output: fc.nat(20_000) });
const price = fc.option(fc.integer({ min: 0, max: 5_000_000 }).map((nano) => nano / 1e9), { nil: undefined });
const event = fc.record({
  at: fc.integer({ min: START, max: START + 31 * DAY - 1 }),
  key: fc.constantFrom('ci', 'web', 'böse"; drop'),
  provider: fc.constantFrom('groq', 'openrouter'),
  model: fc.constantFrom('a/b', 'c'),
  account: fc.constantFrom('one', 'two'),
  usage,
  cost: price,
  saved: price,
  failure: fc.option(fc.constantFrom('exhausted', 'broken-answer'), { nil: undefined }),
  broken: fc.boolean(),
  refusals: fc.nat(2),
  totalMs: fc.integer({ min: 1, max: 700_000 }),
}).map(({ at, key, provider, model, account, usage: used, cost, saved, failure, broken, refusals, totalMs }) => {
  const tries = [...Array.from({ length: refusals }, () => attempt({ provider: 'openrouter', account: 'one', outcome: 'rate-minute' })), ...(failure === undefined ? [attempt({ provider, model, account })] : [])];
  return finished({
    at, key, keyId: `vk_${key.length}`, project: key.slice(0, 1), attempts: tries, totalMs,
    // An answer that broke off has used what it used.
    ...(failure === undefined || broken ? { provider, model, account, usage: used, ...(cost !== undefined && { costUsd: cost }), ...(saved !== undefined && { savedUsd: saved }) } : {}),
    ...(failure !== undefined && { failure, status: 503 }),
  });
});

type Event = ReturnType<typeof finished>;

const GROUPS_BY_HAND = ['day', 'month', 'key', 'project', 'provider', 'model', 'account'] as const satisfies readonly Group[];

const groupOf: Readonly<Record<(typeof GROUPS_BY_HAND)[number], (event: Event) => string>> = {
  day: ({ request }) => new Date(request.receivedAt).toISOString().slice(0, 10),
  month: ({ request }) => new Date(request.receivedAt).toISOString().slice(0, 7),
  key: ({ request }) => request.caller.key,
  project: ({ request }) => request.caller.project,
  provider: ({ summary }) => summary.provider ?? '',
  model: ({ summary }) => (summary.provider === undefined ? '' : `${summary.provider}/${summary.model ?? ''}`),
  account: ({ summary }) => (summary.provider === undefined ? '' : `${summary.provider}/${summary.account ?? ''}`),
};

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

function grouped(events: readonly Event[], groupFor: (event: Event) => string): ReadonlyMap<string, readonly Event[]> {
  const groups = new Map<string, Event[]>();
  for (const each of events) groups.set(groupFor(each), [...(groups.get(groupFor(each)) ?? []), each]);
  return groups;
}

/** Prices are whole nano-dollars: what floating point adds to that is none of the sum. */
const inNanos = (usd: number): number => Math.round(usd * 1e9);

/** In floating point and by hand: nothing of the record's own arithmetic. */
function summed(events: readonly Event[]) {
  const answered = events.filter(({ summary }) => summary.failure === undefined);
  const used = events.filter(({ summary }) => summary.failure === undefined || summary.usage !== undefined);
  const sum = (amount: (event: Event) => number | undefined) => used.reduce((all, each) => all + (amount(each) ?? 0), 0);
  const unknown = (money: 'costUsd' | 'savedUsd') => used.filter(({ summary }) => summary[money] === undefined).length;
  const told = (money: 'costUsd' | 'savedUsd') => (used.length > 0 && unknown(money) === used.length ? 'unknown' : inNanos(sum(({ summary }) => summary[money])));
  return {
    requests: events.length,
    failures: events.length - answered.length,
    tokens: [sum(({ summary }) => summary.usage?.input), sum(({ summary }) => summary.usage?.output)],
    cost: told('costUsd'),
    saved: told('savedUsd'),
    unknown: [unknown('costUsd'), unknown('savedUsd')],
    meanMs: answered.length === 0 ? undefined : Math.round(answered.reduce((all, { summary }) => all + summary.totalMs, 0) / answered.length),
  };
}

const reported = ({ requests, failures, tokensIn, tokensOut, costUsd, savedUsd, unpriced, unvalued, meanMs }: Sums): ReturnType<typeof summed> => ({
  requests,
  failures,
  tokens: [tokensIn, tokensOut],
  cost: costUsd === undefined ? 'unknown' : inNanos(costUsd),
  saved: savedUsd === undefined ? 'unknown' : inNanos(savedUsd),
  unknown: [unpriced, unvalued],
  meanMs,
});

describe('a month of requests', () => {
  test('every report adds up to an independent sum', () => {
    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 30 }), fc.nat(30), fc.integer({ min: 1, max: 31 }), (events, batch, first, days) => {
      const database = filled(events, batch);
      const [from, to] = [START + first * DAY, START + (first + days) * DAY];
      const counted = events.filter(({ request }) => request.receivedAt >= from && request.receivedAt < to);
      const tries = counted.flatMap(({ summary }) => summary.attempts);
      for (const group of GROUPS_BY_HAND) {
        const { rows, total } = read(database, { by: [group], from: dayOf(from), to: dayOf(to), limit: 1_000, offset: 0 });
        const asked = rows.filter(({ requests }) => requests > 0);
        const expected = [...grouped(counted, groupOf[group])].map(([name, members]) => [name, summed(members)] as const);
        expect(new Map(asked.map((row) => [row.group[group], reported(row)]))).toEqual(new Map(expected));
        expect(reported(total)).toEqual(summed(counted));
        expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(tries.length);
        expect(rows.reduce((sum, { failedAttempts }) => sum + failedAttempts, 0)).toBe(tries.filter(({ outcome }) => outcome !== 'ok').length);
      }
    }), { numRuns: 40 });
  });

  test('pages together are the whole, in order and without overlap', () => {
    const events = Array.from({ length: 25 }, (_, day) => finished({ at: START + day * DAY }));
    const database = filled(events, 10);
    const pages = [0, 10, 20].map((offset) => read(database, { by: ['day'], from: '2026-08-01', limit: 10, offset }));
    expect(pages.map(({ more }) => more)).toEqual([true, true, false]);
    expect(pages.flatMap(({ rows }) => rows.map(({ group }) => group.day))).toEqual(events.map(({ request }) => dayOf(request.receivedAt)));
    expect(pages.every(({ total }) => total.requests === 25)).toBe(true);
  });

  test('weeks are ISO weeks, also around New Year', () => {
    const database = filled(['2026-12-28', '2026-12-31', '2027-01-03', '2027-01-04'].map((day) => finished({ at: Date.parse(`${day}T23:59:59Z`) })), 4);
    const { rows } = read(database, { by: ['week'], from: '2026-12-01', limit: 10, offset: 0 });
    expect(rows.map(({ group, requests }) => [group.week, requests])).toEqual([['2026-W53', 3], ['2027-W01', 1]]);
  });

  test('a renamed key stays one, under its last name; a new key of an old name is another', () => {
    const database = filled([
      finished({ at: START, key: 'old', keyId: 'vk_1' }), finished({ at: START + DAY, key: 'new', keyId: 'vk_1' }),
      finished({ at: START + DAY, key: 'old', keyId: 'vk_2' }), finished({ at: START, key: 'local', keyId: undefined }),
    ], 10);
    const query = { by: ['key' as const], from: '2026-08-01', limit: 10, offset: 0 };
    expect(read(database, query).rows.map(({ group, requests }) => [group.key, requests])).toEqual([['new', 2], ['local', 1], ['old', 1]]);
    expect(read(database, { ...query, only: { id: 'vk_2' } }).total.requests).toBe(1);
    expect(read(database, { ...query, only: { name: 'local' } }).total.requests).toBe(1);
    expect(read(database, { ...query, only: { name: 'old' } }).total.requests).toBe(0);
  });

  test('percentiles are within their bucket of the true ones', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 60, max: 500_000 }), { minLength: 1, maxLength: 200 }), (durations) => {
      const database = filled(durations.map((totalMs) => finished({ at: START, totalMs })), 200);
      const { total } = read(database, { by: [], from: '2026-08-01', limit: 1, offset: 0 });
      const sorted = durations.toSorted((one, other) => one - other);
      for (const [share, told] of [[0.5, total.p50Ms], [0.95, total.p95Ms]] as const) {
        const truth = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        expect((told ?? 0) / truth).toBeGreaterThan(1 / 1.51);
        expect((told ?? 0) / truth).toBeLessThan(1.51);
      }
    }), { numRuns: 40 });
  });
});
