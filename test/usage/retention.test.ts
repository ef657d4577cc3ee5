/** What is kept, for how long, and what the keeper does about it. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberIn, openDatabase, rowFrom } from '../../src/usage/database.ts';
import { entryOf, lineOf } from '../../src/usage/entry.ts';
import { createKeeper } from '../../src/usage/keeper.ts';
import { rollups } from '../../src/usage/rollup.ts';
import { createSpool } from '../../src/usage/spool.ts';
import { AT, attempt, finished } from './finished.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const made: string[] = [];
afterEach(() => made.splice(0).forEach((directory) => rmSync(directory, { recursive: true, force: true })));

/** A record of one request an hour for `hours` hours up to now, each with two attempts. */
function hourly(hours: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-retention-'));
  made.push(directory);
  const spool = createSpool({ directory, now: () => AT, onTrouble: () => undefined });
  for (let ago = hours; ago > 0; ago -= 1) {
    const { request, summary } = finished({ id: `req_${ago}`, at: AT - ago * HOUR, attempts: [attempt({ outcome: 'rate-minute' }), attempt()] });
    spool.append(lineOf(entryOf(request, summary)));
  }
  spool.close();
  return directory;
}

function held(directory: string) {
  const database = openDatabase(join(directory, 'record.db'));
  const one = (sql: string) => numberIn(rowFrom(database.prepare(sql).get()), 'value');
  /** Each rollup has the same. */
  const inEach = (sql: string) => {
    const found = new Set(rollups.map((rollup) => one(`${sql} ${rollup}`)));
    return found.size === 1 ? [...found][0] : [...found];
  };
  const counts = {
    requests: one('select count(*) as value from requests'),
    oldest: one('select min(received_at) as value from requests'),
    attempts: one('select count(*) as value from attempts'),
    orphans: one('select count(*) as value from attempts where request not in (select id from requests)'),
    days: inEach('select count(distinct day) as value from'),
    counted: inEach('select sum(requests) as value from'),
  };
  database.close();
  return counts;
}

function keep(directory: string, retention: Parameters<typeof createKeeper>[0]['retention'], times: readonly number[]): void {
  const keeper = createKeeper({ directory, retention, tell: () => undefined });
  for (const now of times) while (keeper.take(now) || keeper.tidy(now));
  keeper.close();
}

describe('retention', () => {
  test('rows go when they are too old, their attempts with them; the sums of their days stay', () => {
    const directory = hourly(100 * 24);
    keep(directory, { requestsMs: 10 * DAY, mostRequests: 1_000_000, totalsMs: 400 * DAY }, [AT]);
    expect(held(directory)).toEqual({ requests: 240, oldest: AT - 10 * DAY, attempts: 480, orphans: 0, days: 101, counted: 2_400 });
  });

  test('sums go when they are too old', () => {
    const directory = hourly(100 * 24);
    keep(directory, { requestsMs: 10 * DAY, mostRequests: 1_000_000, totalsMs: 30 * DAY }, [AT]);
    expect(held(directory)).toMatchObject({ requests: 240, days: 31 });
  });

  test('no more rows than the most, however young', () => {
    const directory = hourly(5_000);
    keep(directory, { requestsMs: 1_000 * DAY, mostRequests: 1_500, totalsMs: 1_000 * DAY }, [AT]);
    expect(held(directory)).toMatchObject({ requests: 1_500, oldest: AT - 1_500 * HOUR, attempts: 3_000, orphans: 0, counted: 5_000 });
  });

  test('everything may be too old, and what comes next is counted as before', () => {
    const directory = hourly(48);
    keep(directory, { requestsMs: 10 * DAY, mostRequests: 1_000, totalsMs: 10 * DAY }, [AT + 100 * DAY]);
    expect(held(directory)).toMatchObject({ requests: 0, attempts: 0, days: 0 });
    const spool = createSpool({ directory, now: () => AT + 1, onTrouble: () => undefined });
    const { request, summary } = finished();
    spool.append(lineOf(entryOf(request, summary)));
    spool.close();
    keep(directory, { requestsMs: 10 * DAY, mostRequests: 1_000, totalsMs: 10 * DAY }, [AT]);
    expect(held(directory)).toMatchObject({ requests: 1, attempts: 1, counted: 1 });
  });

  test('is looked after once an hour while the daemon runs', () => {
    const directory = hourly(48);
    const retention = { requestsMs: 24 * HOUR, mostRequests: 1_000, totalsMs: 10 * DAY };
    keep(directory, retention, [AT, AT + HOUR / 2]);
    expect(held(directory).requests).toBe(24);
    keep(directory, retention, [AT, AT + HOUR / 2, AT + 10 * HOUR]);
    expect(held(directory).requests).toBe(14);
  });

  test('segments that were taken in are removed once a later one has begun', () => {
    const directory = hourly(48);
    const retention = { requestsMs: 10 * DAY, mostRequests: 1_000, totalsMs: 10 * DAY };
    keep(directory, retention, [AT]);
    const spool = createSpool({ directory, now: () => AT + 1, onTrouble: () => undefined });
    const { request, summary } = finished();
    spool.append(lineOf(entryOf(request, summary)));
    const segments = () => readdirSync(directory).filter((name) => name.startsWith('spool-'));
    expect(segments()).toHaveLength(2);
    keep(directory, retention, [AT]);
    expect(segments()).toHaveLength(1);
    expect(held(directory).requests).toBe(49);
    spool.close();
  });
});
