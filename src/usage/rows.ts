/** The rows themselves, newest first: found by their number, so that a page costs the same among ten and among a million. */
import type { Database } from './database.ts';
import { numberIn, rowFrom } from './database.ts';
import { attemptColumns, requestColumns } from './entry.ts';
import type { Cells } from './entry.ts';

export interface RowsQuery {
  /** Only older ones than the one with this number. */
  readonly before?: number;
  readonly limit: number;
}

export interface RecordedRequest {
  readonly number: number;
  /** In the order of their columns. */
  readonly request: Cells;
  readonly attempts: readonly Cells[];
}

export interface Rows {
  readonly rows: readonly RecordedRequest[];
  /** There are older ones. */
  readonly more: boolean;
}

function cellsIn(row: unknown, names: readonly string[]): Cells {
  const cells = rowFrom(row);
  return names.map((name) => cells[name] as Cells[number]);
}

const requestNames = Object.keys(requestColumns);
const attemptNames = Object.keys(attemptColumns);

export function createRowReader(database: Database): (query: RowsQuery) => Rows {
  const requests = database.prepare(`select id as number, ${requestNames.join(', ')} from requests where id < ? order by id desc limit ?`);
  const attempts = database.prepare(`select ${attemptNames.join(', ')} from attempts where request = ? order by number`);
  return ({ before = Number.MAX_SAFE_INTEGER, limit }) => {
    const found: readonly unknown[] = requests.all(before, limit + 1);
    const rows = found.slice(0, limit).map((row): RecordedRequest => {
      const number = numberIn(rowFrom(row), 'number');
      const tried: readonly unknown[] = attempts.all(number);
      return { number, request: cellsIn(row, requestNames), attempts: tried.map((attempt) => cellsIn(attempt, attemptNames)) };
    });
    return { rows, more: found.length > limit };
  };
}
