/** Carries what the spool holds into the database, and answers from there. Whatever fails is tried again on a fresh connection. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkpoint, closeDatabase, isDamage, openDatabase } from './database.ts';
import type { Database } from './database.ts';
import { readEntry } from './entry.ts';
import { createReader, Interrupted } from './query.ts';
import { createRowReader } from './rows.ts';
import type { Rows, RowsQuery } from './rows.ts';
import { listSegments, readLines, removeSegment } from './segments.ts';
import type { Stats, StatsQuery } from './stats.ts';
import { createStore } from './store.ts';
import type { Retention, Store } from './store.ts';

export interface KeeperOptions {
  /** Where the spool's segments are, and `record.db`. */
  readonly directory: string;
  readonly retention: Retention;
  /** Something was lost or put aside, in words for the operator. */
  readonly tell: (message: string) => void;
  /** False: somebody waits for the end, and statistics are broken off. Absent: there is always time. */
  readonly goesOn?: () => boolean;
}

export interface Keeper {
  /** Takes in the next lines. True: there may be more. Throws where the disk refuses. */
  readonly take: (now: number) => boolean;
  /** Removes some of what is too old, where it is time to look. True: there is more. Throws where the disk refuses. */
  readonly tidy: (now: number) => boolean;
  /** Throws {@link Interrupted}, too. */
  readonly stats: (query: StatsQuery, now: number) => Stats;
  readonly rows: (query: RowsQuery, now: number) => Rows;
  readonly close: () => void;
}

interface Open {
  readonly database: Database;
  readonly store: Store;
  readonly read: (query: StatsQuery) => Stats;
  readonly readRows: (query: RowsQuery) => Rows;
}

/** Retention is counted in days: looking once an hour is early enough. */
const PRUNE_EVERY_MS = 3_600_000;

export function createKeeper({ directory, retention, tell, goesOn = () => true }: KeeperOptions): Keeper {
  const path = join(directory, 'record.db');
  const state: { open: Open | undefined; prunedAt: number } = { open: undefined, prunedAt: Number.NEGATIVE_INFINITY };

  function opened(): Open {
    if (state.open !== undefined) return state.open;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const database = openDatabase(path);
    return (state.open = { database, store: createStore(database), read: createReader(database, goesOn), readRows: createRowReader(database) });
  }

  /** After any failure the next try begins anew; where the file is damaged, with a new one. */
  function guarded<T>(now: number, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      state.open?.database.close();
      state.open = undefined;
      if (isDamage(error)) putAside(now);
      throw error;
    }
  }

  function putAside(now: number): void {
    const aside = `${path}.bad-${new Date(now).toISOString().replaceAll(':', '')}`;
    renameSync(path, aside);
    for (const companion of ['-wal', '-shm']) rmSync(`${path}${companion}`, { force: true });
    tell(`record.db is damaged: it was put aside as ${aside}, and a new one begun`);
  }

  /** Takes in the next lines. True: there were some, or a segment was done with. */
  function ingest({ database, store }: Open): boolean {
    const position = store.position();
    const segments = listSegments(directory).filter((number) => number >= position.segment);
    const [current, later] = segments;
    if (current === undefined) return false;
    const read = readLines(directory, { segment: current, offset: current === position.segment ? position.offset : 0 });
    if (read.lines.length > 0) {
      const entries = read.lines.map(readEntry);
      const good = entries.filter((entry) => entry !== undefined);
      store.apply(good, { segment: current, offset: read.offset });
      if (good.length < entries.length) tell(`${entries.length - good.length} lines of the record's spool could not be read and are left out`);
      return true;
    }
    if (later === undefined) return false;
    store.apply([], { segment: later, offset: 0 });
    // What the database has only promised to the disk, a power cut may take back: then the segment is still needed.
    checkpoint(database);
    for (const number of listSegments(directory)) if (number < later) removeSegment(directory, number);
    return true;
  }

  function prune({ store }: Open, now: number): boolean {
    if (now - state.prunedAt < PRUNE_EVERY_MS) return false;
    const more = store.prune(now, retention);
    if (!more) state.prunedAt = now;
    return more;
  }

  return {
    take: (now) => guarded(now, () => ingest(opened())),
    tidy: (now) => guarded(now, () => prune(opened(), now)),
    stats: (query, now) => guarded(now, () => opened().read(query)),
    rows: (query, now) => guarded(now, () => opened().readRows(query)),
    close() {
      if (state.open !== undefined) closeDatabase(state.open.database);
      state.open = undefined;
    },
  };
}
