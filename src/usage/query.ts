/** Statistics, read from the days' sums alone: what it costs grows with days and combinations, not with requests. */
import type { Database, Row } from './database.ts';
import { numberIn, rowFrom } from './database.ts';
import { percentile } from './latency.ts';
import { latencyColumns, SUMS } from './rollup.ts';
import type { Group, Stats, StatsQuery, StatsRow, Sums } from './stats.ts';

/** How each group is told, and by what it is grouped where that differs: a renamed key stays one, a label belongs to its provider. */
const groups: Readonly<Record<Group, { readonly told: string; readonly by?: string }>> = {
  day: { told: 'day' },
  week: { told: "strftime('%G-W%V', day)" },
  month: { told: 'substr(day, 1, 7)' },
  // SQLite takes a bare column from the row with the maximum: the name the key had last.
  key: { told: 'key', by: "case key_id when '' then 'name ' || key else key_id end" },
  project: { told: 'project' },
  provider: { told: 'provider' },
  model: { told: "case provider when '' then '' else provider || '/' || model end" },
  account: { told: "case provider when '' then '' else provider || '/' || account end" },
};

const TIMES: ReadonlySet<Group> = new Set(['day', 'week', 'month']);

export function readStats(database: Database, query: StatsQuery): Stats {
  const { by, limit, offset } = query;
  const { where, values } = conditions(query);
  const sums = SUMS.map((name) => `sum(${name}) as ${name}`).join(', ');
  const total = rowFrom(database.prepare(`select ${sums} from days where ${where}`).get(...values));
  if (by.length === 0) return { rows: [], more: false, total: sumsOf(total) };

  const told = by.map((group) => `${groups[group].told} as told_${group}`).join(', ');
  const grouped = by.map((group) => groups[group].by ?? groups[group].told).join(', ');
  const order = [...by.filter((group) => TIMES.has(group)).map((group) => `told_${group}`), 'requests desc', 'attempts desc', ...by.map((group) => `told_${group}`)].join(', ');
  const rows: readonly unknown[] = database
    .prepare(`select ${told}, max(day), ${sums} from days where ${where} group by ${grouped} order by ${order} limit ? offset ?`)
    .all(...values, limit + 1, offset);
  return { rows: rows.slice(0, limit).map((row) => rowOf(by, rowFrom(row))), more: rows.length > limit, total: sumsOf(total) };
}

function conditions({ from, to, only }: StatsQuery): { readonly where: string; readonly values: readonly string[] } {
  const parts = [{ sql: 'day >= ?', value: from }];
  if (to !== undefined) parts.push({ sql: 'day < ?', value: to });
  if (only !== undefined) parts.push('id' in only ? { sql: 'key_id = ?', value: only.id } : { sql: "key_id = '' and key = ?", value: only.name });
  return { where: parts.map(({ sql }) => sql).join(' and '), values: parts.map(({ value }) => value) };
}

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
