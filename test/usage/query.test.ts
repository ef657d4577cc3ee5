/** How statistics are read: from the smallest sums that will do, and not a moment longer than somebody waits. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberIn, openDatabase, rowFrom } from '../../src/usage/database.ts';
import type { Database } from '../../src/usage/database.ts';
import { entryOf } from '../../src/usage/entry.ts';
import { createReader, Interrupted } from '../../src/usage/query.ts';
import { createRowReader } from '../../src/usage/rows.ts';
import { rollups } from '../../src/usage/rollup.ts';
import { GROUPS } from '../../src/usage/stats.ts';
import type { Group, StatsQuery } from '../../src/usage/stats.ts';
import { createStore } from '../../src/usage/store.ts';
import { AT, attempt, finished } from './finished.ts';

const DAY = 86_400_000;
const DAYS = 9;
/** Keys, and models of one provider. */
const EACH = 8;

const made: { readonly directory: string; readonly database: Database }[] = [];
afterEach(() => {
  for (const { directory, database } of made.splice(0)) {
    database.close();
    rmSync(directory, { recursive: true });
  }
});

/** Every key asked every model once a day; each answer took two attempts, one of them elsewhere. */
function filled(): { readonly path: string; readonly database: Database } {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-query-'));
  const path = join(directory, 'record.db');
  const database = openDatabase(path);
  made.push({ directory, database });
  const each = Array.from({ length: EACH }, (_, number) => number);
  const days = Array.from({ length: DAYS }, (_, ago) => AT - ago * DAY);
  const entries = days.flatMap((at) => each.flatMap((key) => each.map((number) => {
    const model = `model-${number}`;
    const { request, summary } = finished({ at, key: `key-${key}`, keyId: `key_${key}`, project: `project-${key % 2}`, model, usage: { input: 10 ** key, output: number }, attempts: [attempt({ provider: 'other', outcome: 'rate-minute' }), attempt({ model })] });
    return entryOf(request, summary);
  })));
  createStore(database).apply(entries, { segment: 1, offset: 1 });
  return { path, database };
}

const ways: readonly (readonly Group[])[] = [[], ...GROUPS.map((group) => [group]), ['key', 'model'], ['day', 'project', 'account']];
const asked = (by: readonly Group[], more: Partial<StatsQuery> = {}): StatsQuery => ({ by, from: '2026-01-01', limit: 500, offset: 0, ...more });
const always = (): boolean => true;

/** What stands in a question's plan, and how many rows of which rollup it can come by. */
function plansOf(database: Database, query: StatsQuery): { readonly scans: readonly string[]; readonly rows: number } {
  const plans: string[] = [];
  const noting = new Proxy(database, {
    get: (real, name) => name === 'prepare'
      ? (sql: string) => {
          plans.push(...real.prepare(`explain query plan ${sql.replaceAll('?', "'x'")}`).all().map((row: { detail: string }) => row.detail));
          return real.prepare(sql);
        }
      : (Reflect.get(real, name, real) as (...rest: readonly unknown[]) => unknown).bind(real),
  });
  createReader(noting, always)(query);
  const read = rollups.filter((rollup) => plans.some((detail) => detail.startsWith(`SEARCH ${rollup} `)));
  return {
    scans: plans.filter((detail) => detail.startsWith('SCAN ') && rollups.some((rollup) => detail.includes(rollup))),
    rows: read.reduce((sum, rollup) => sum + numberIn(rowFrom(database.prepare(`select count(*) as count from ${rollup}`).get()), 'count'), 0),
  };
}

describe('a statistic', () => {
  test.each(ways.map((by) => [by.join(', ') || 'nothing', by] as const))('by %s scans nothing, whoever it is for', (_, by) => {
    const { database } = filled();
    expect(plansOf(database, asked(by)).scans).toEqual([]);
    expect(plansOf(database, asked(by, { only: { id: 'key_1' } })).scans).toEqual([]);
  });

  test('by keys alone, or by accounts alone, reads nothing of the other', () => {
    const { database } = filled();
    for (const by of [['key'], ['project', 'day']] as const) expect(plansOf(database, asked(by)).rows).toBeLessThanOrEqual(DAYS * (EACH + EACH + 1));
    for (const by of [['provider'], ['model', 'week'], ['account']] as const) expect(plansOf(database, asked(by)).rows).toBeLessThanOrEqual(DAYS * (EACH + 1));
    expect(plansOf(database, asked(['key', 'model'])).rows).toBeGreaterThan(DAYS * EACH * EACH);
  });

  test('sums the same whichever sums it reads', () => {
    const read = createReader(filled().database, always);
    const { rows } = read(asked(['key', 'model', 'provider']));
    for (const by of ways.filter((way) => way.length === 1)) {
      const answer = read(asked(by));
      for (const figure of ['requests', 'attempts', 'failedAttempts', 'tokensIn', 'tokensOut', 'unpriced'] as const) {
        const sum = (all: readonly { readonly [name in typeof figure]: number }[]): number => all.reduce((total, row) => total + row[figure], 0);
        expect([by, figure, sum(answer.rows), answer.total[figure]]).toEqual([by, figure, sum(rows), sum(rows)]);
      }
    }
    expect(read(asked(['model'], { only: { id: 'key_3' } })).total).toMatchObject({ requests: DAYS * EACH, tokensIn: DAYS * EACH * 1000, attempts: 2 * DAYS * EACH });
    expect(read(asked(['day'], { from: '2026-08-01', to: '2026-08-03' })).rows.map(({ group, requests }) => [group.day, requests])).toEqual([['2026-08-01', EACH * EACH], ['2026-08-02', EACH * EACH]]);
  });

  test('and a page of requests is found by its number', () => {
    const { database } = filled();
    const noted: string[] = [];
    const noting = new Proxy(database, { get: (real, name) => (name === 'prepare' ? (sql: string) => (noted.push(sql), real.prepare(sql)) : (Reflect.get(real, name, real) as unknown)) });
    expect(createRowReader(noting)({ limit: 3 })).toMatchObject({ more: true, rows: [{ number: DAYS * EACH * EACH, attempts: { length: 2 } }, {}, {}] });
    const plans = noted.flatMap((sql) => database.prepare(`explain query plan ${sql.replaceAll('?', '7')}`).all().map((row: { detail: string }) => row.detail));
    expect(plans).toEqual(['SEARCH requests USING INTEGER PRIMARY KEY (rowid<?)', 'SEARCH attempts USING PRIMARY KEY (request=?)']);
  });

  test('is broken off at the next day once nobody waits', () => {
    const { database } = filled();
    const patience = { left: 3, asked: 0 };
    const read = createReader(database, () => (patience.asked += 1) <= patience.left);
    expect(() => read(asked(['key', 'model']))).toThrow(Interrupted);
    patience.left = Number.POSITIVE_INFINITY;
    patience.asked = 0;
    expect(read(asked(['key', 'model'])).rows).toHaveLength(EACH * (EACH + 1));
    expect(patience.asked).toBe(2 * DAYS + 2);
  });
});

describe('a record of before', () => {
  test('is given the sums it lacks, and answers as it did', () => {
    const { database, path } = filled();
    const before = ways.map((by) => createReader(database, always)(asked(by)));
    database.exec('drop table days_by_key; drop table days_by_account; pragma user_version = 1');
    const again = openDatabase(path);
    expect(ways.map((by) => createReader(again, always)(asked(by)))).toEqual(before);
    again.close();
  });
});
