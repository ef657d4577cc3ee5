/** Statistics, read from the days' sums alone: what it costs grows with days and combinations, not with requests. */
import type { Database, Row } from './database.ts';
import { numberIn, rowFrom } from './database.ts';
import { percentile } from './latency.ts';
import { latencyColumns, ROLLUPS, rollups, SUMS } from './rollup.ts';
import type { Dimension, Rollup } from './rollup.ts';
import type { Group, Stats, StatsQuery, StatsRow, Sums } from './stats.ts';

interface Grouping {
  readonly told: string;
  /** Where it is not grouped by what is told: a renamed key stays one, a label belongs to its provider. */
  readonly by?: string;
  /** What it is made of. */
  readonly of: readonly Dimension[];
}

const groups: Readonly<Record<Group, Grouping>> = {
  day: { told: 'day', of: ['day'] },
  week: { told: "strftime('%G-W%V', day)", of: ['day'] },
  month: { told: 'substr(day, 1, 7)', of: ['day'] },
  // SQLite takes a bare column from the row with the maximum: the name the key had last.
  key: { told: 'key', by: "case key_id when '' then 'name ' || key else key_id end", of: ['key_id', 'key'] },
  project: { told: 'project', of: ['project'] },
  provider: { told: 'provider', of: ['provider'] },
  model: { told: "case provider when '' then '' else provider || '/' || model end", of: ['provider', 'model'] },
  account: { told: "case provider when '' then '' else provider || '/' || account end", of: ['provider', 'account'] },
};

const TIMES: ReadonlySet<Group> = new Set(['day', 'week', 'month']);

export class Interrupted extends Error {
  constructor() {
    super('the reading was broken off');
  }
}

/** Throws {@link Interrupted} soon after `goesOn`, which is asked once for each day that is read, says no. */
export function createReader(database: Database, goesOn: () => boolean): (query: StatsQuery) => Stats {
  // The driver has no interrupt, and a thread must not be ended in the midst of SQLite.
  database.function('goes_on', { deterministic: false }, (_date: unknown) => Number(goesOn()));

  function rowsOf({ start, from, values }: Source, columns: string, rest: string, page: readonly number[]): readonly unknown[] {
    const rows: readonly unknown[] = database.prepare(`${start} select ${columns} ${from} ${rest}`).all(...values, ...page);
    if (!goesOn()) throw new Interrupted();
    return rows;
  }

  return (query) => {
    const { by, limit, offset } = query;
    const sums = SUMS.map((name) => `sum(${name}) as ${name}`).join(', ');
    const total = sumsOf(rowFrom(rowsOf(sourceOf(query, []), sums, '', [])[0]));
    if (by.length === 0) return { rows: [], more: false, total };

    const told = by.map((group) => `${groups[group].told} as told_${group}`).join(', ');
    const grouped = by.map((group) => groups[group].by ?? groups[group].told).join(', ');
    const order = [...by.filter((group) => TIMES.has(group)).map((group) => `told_${group}`), 'requests desc', 'attempts desc', ...by.map((group) => `told_${group}`)].join(', ');
    const rows = rowsOf(sourceOf(query, by), `${told}, max(day), ${sums}`, `group by ${grouped} order by ${order} limit ? offset ?`, [limit + 1, offset]);
    return { rows: rows.slice(0, limit).map((row) => rowOf(by, rowFrom(row))), more: rows.length > limit, total };
  };
}

interface Source {
  /** Before the word select. */
  readonly start: string;
  readonly from: string;
  readonly values: readonly string[];
}

/**
 * The rows of the smallest rollup that has all that is asked, one day after the other: each is a search by the primary
 * key, also where it is for one key alone, and in between the reading can be broken off.
 */
function sourceOf({ from, to = NEVER, only }: StatsQuery, by: readonly Group[]): Source {
  const needed: readonly Dimension[] = [...by.flatMap((group) => groups[group].of), ...(only === undefined ? [] : (['key_id', 'key'] as const))];
  const has = (rollup: Rollup): boolean => needed.every((name) => (ROLLUPS[rollup] as readonly Dimension[]).includes(name));
  const rollup = rollups.toReversed().find(has) ?? 'days';
  const whose = only === undefined ? undefined : 'id' in only ? { sql: 'key_id = ?', value: only.id } : { sql: "key_id = '' and key = ?", value: only.name };
  return {
    start: `with recursive dates(date) as (select min(day) from ${rollup} where day >= ? union all select (select min(day) from ${rollup} where day > date) from dates where date < ?)`,
    from: `from dates cross join ${rollup} on day = date where date < ? and goes_on(date)${whose === undefined ? '' : ` and ${whose.sql}`}`,
    values: [from, to, to, ...(whose === undefined ? [] : [whose.value])],
  };
}

/** Comes after every day. */
const NEVER = '~';

function rowOf(by: readonly Group[], row: Row): StatsRow {
  return { group: Object.fromEntries(by.map((group) => [group, textIn(row, `told_${group}`)])), ...sumsOf(row) };
}

function textIn(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : '';
}

const NANO = 1e9;

function sumsOf(row: Row): Sums {
  const of = (name: string): number => numberIn(row, name);
  const answered = of('requests') - of('failures');
  const unknown = (name: 'unpriced' | 'unvalued'): boolean => of(name) > 0 && of(name) === of('used');
  const latencies = latencyColumns.map(of);
  const percentiles = { p50Ms: percentile(latencies, 0.5), p95Ms: percentile(latencies, 0.95) };
  return {
    requests: of('requests'),
    failures: of('failures'),
    attempts: of('attempts'),
    failedAttempts: of('failed_attempts'),
    tokensIn: of('tokens_in'),
    tokensOut: of('tokens_out'),
    estimated: of('estimated'),
    // Where every price is unknown, so is the sum; where some are, it is the sum of the others.
    ...(!unknown('unpriced') && { costUsd: of('cost_nano_usd') / NANO }),
    unpriced: of('unpriced'),
    ...(!unknown('unvalued') && { savedUsd: of('saved_nano_usd') / NANO }),
    unvalued: of('unvalued'),
    ...(answered > 0 && { meanMs: Math.round(of('total_ms') / answered) }),
    ...(percentiles.p50Ms !== undefined && { p50Ms: percentiles.p50Ms }),
    ...(percentiles.p95Ms !== undefined && { p95Ms: percentiles.p95Ms }),
    ...(of('first_contents') > 0 && { firstContentMs: Math.round(of('first_content_ms') / of('first_contents')) }),
  };
}
