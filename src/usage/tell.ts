/** Statistics in the words of the outside: what admin and `/v1/usage` answer, as JSON and as CSV. */
import type { Group, Stats, StatsQuery, StatsRow, Sums } from './stats.ts';

type Told = Readonly<Record<string, string | number | null>>;

/** Figures nobody knows are null. */
function tellSums(sums: Sums): Told {
  return {
    requests: sums.requests,
    failures: sums.failures,
    attempts: sums.attempts,
    failed_attempts: sums.failedAttempts,
    tokens_in: sums.tokensIn,
    tokens_out: sums.tokensOut,
    estimated_requests: sums.estimated,
    cost_usd: sums.costUsd ?? null,
    unpriced_requests: sums.unpriced,
    saved_usd: sums.savedUsd ?? null,
    unvalued_requests: sums.unvalued,
    mean_ms: sums.meanMs ?? null,
    p50_ms: sums.p50Ms ?? null,
    p95_ms: sums.p95Ms ?? null,
    first_content_ms: sums.firstContentMs ?? null,
  };
}

const tellRow = ({ group, ...sums }: StatsRow): Told => ({ ...group, ...tellSums(sums) });

export function tellStats({ rows, more, total }: Stats, { by, from, to, offset }: StatsQuery): Readonly<Record<string, unknown>> {
  return { by, since: from, until: to ?? null, rows: rows.map(tellRow), ...(more && { next: offset + rows.length }), total: tellSums(total) };
}

/** Money that nobody knows says so: an empty cell would be added up as nothing. RFC 4180. */
export function statsCsv({ rows, total }: Stats, by: readonly Group[]): string {
  const told = rows.map(tellRow);
  const columns = [...by, ...Object.keys(tellSums(total))];
  return [columns.join(','), ...told.map((row) => columns.map((column) => cell(row, column)).join(','))].map((line) => `${line}\r\n`).join('');
}

const cell = (row: Told, column: string): string => quote(String(row[column] ?? (column.endsWith('_usd') ? 'unknown' : '')));

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
