/** The SQLite file: its shape, and how it is opened. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from '@photostructure/sqlite';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { attemptColumns, requestColumns } from './entry.ts';
import { ROLLUPS, SUMS } from './rollup.ts';
import type { Rollup } from './rollup.ts';

export type Database = DatabaseSyncInstance;

const typed = (columns: Readonly<Record<string, string>>): string => Object.entries(columns).map(([name, kind]) => `${name} ${kind}`).join(', ');

const created = (rollup: Rollup): string => `
  create table ${rollup} (${ROLLUPS[rollup].map((name) => `${name} text not null`).join(', ')}, ${SUMS.map((name) => `${name} integer not null default 0`).join(', ')},
    primary key (${ROLLUPS[rollup].join(', ')})) strict, without rowid;
`;

const filled = (rollup: Rollup): string => {
  const kept = ROLLUPS[rollup].join(', ');
  return `insert into ${rollup} (${kept}, ${SUMS.join(', ')}) select ${kept}, ${SUMS.map((name) => `sum(${name})`).join(', ')} from days group by ${kept};`;
};

/** What makes a file of each version one of the next. Files in use were made by the earlier ones: what changes goes to the end. */
const STEPS = [
  `create table requests (id integer primary key, ${typed(requestColumns)}) strict;
   create table attempts (request integer not null, number integer not null, ${typed(attemptColumns)}, primary key (request, number)) strict, without rowid;
   ${created('days')}
   create table position (only integer primary key check (only = 1), segment integer not null, offset integer not null) strict;
   insert into position values (1, 0, 0);`,
  [created('days_by_key'), filled('days_by_key'), created('days_by_account'), filled('days_by_account')].join('\n'),
] as const;
const VERSION = STEPS.length;

/** Throws where the disk refuses, where the file is damaged ({@link isDamage}), and where a newer program wrote it. */
export function openDatabase(path: string): Database {
  // SQLite gives its files the mode of the first one.
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path);
  try {
    // In WAL mode `normal` loses no consistency, and at a power cut no more than the last lines, which the spool still has.
    database.exec('pragma journal_mode = wal; pragma synchronous = normal');
    // What a statistic sorts is 12 MB for a month of 36,000 sums: spilled, it would need room on a disk that may be full.
    database.exec('pragma temp_store = memory');
    const version = numberIn(rowFrom(database.prepare('pragma user_version').get()), 'user_version');
    if (version > VERSION) throw new Error(`${path} was written by a newer tollfree; update tollfree`);
    if (version < VERSION) transaction(database, () => database.exec(`${STEPS.slice(version).join('\n')}; pragma user_version = ${VERSION}`));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Leaves everything in the one file: closing alone does so only once the last statement was collected as garbage. */
export function closeDatabase(database: Database): void {
  try {
    checkpoint(database);
  } catch {
    // Then it stays in the log, where the next start finds it.
  }
  database.close();
}

/** Forces what the log holds into the file and both to the disk. */
export function checkpoint(database: Database): void {
  database.exec('pragma wal_checkpoint(truncate)');
}

/** All of it or nothing. */
export function transaction<T>(database: Database, run: () => T): T {
  database.exec('begin immediate');
  try {
    const result = run();
    database.exec('commit');
    return result;
  } catch (error) {
    // Some errors have rolled back already.
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB: trying again will not help. */
export const isDamage = (error: unknown): boolean => typeof error === 'object' && error !== null && 'errcode' in error && (error.errcode === 11 || error.errcode === 26);

/** What a query answered; the library types it as anything. */
export type Row = Readonly<Record<string, unknown>>;

export function rowFrom(answered: unknown): Row {
  return typeof answered === 'object' && answered !== null ? (answered as Row) : {};
}

export function numberIn(row: Row, name: string): number {
  const value = row[name];
  return typeof value === 'number' ? value : 0;
}
