/** What is written into the database, and when it is taken out again. Synchronous: it lives in a thread of its own. */
import type { Database } from './database.ts';
import { numberIn, rowFrom, transaction } from './database.ts';
import { attemptColumns, requestColumns } from './entry.ts';
import type { Entry } from './entry.ts';
import { dayOf, rolledUp, ROLLUPS, rollups, SUMS, totalsOf } from './rollup.ts';
import type { Position } from './segments.ts';

/** How long rows and sums are kept, milliseconds, and how many rows at most. */
export interface Retention {
  readonly requestsMs: number;
  readonly mostRequests: number;
  readonly totalsMs: number;
}

export interface Store {
  readonly position: () => Position;
  /** The entries and how far they were read, in one transaction: each is counted once, whoever dies when. */
  readonly apply: (entries: readonly Entry[], position: Position) => void;
  /** Removes some of what is too old. True: there is more. */
  readonly prune: (now: number, retention: Retention) => boolean;
}

/** Removed in one transaction: some milliseconds. */
const PRUNED_AT_ONCE = 2_000;

export function createStore(database: Database): Store {
  const requestNames = Object.keys(requestColumns);
  const attemptNames = ['request', 'number', ...Object.keys(attemptColumns)];
  const insertRequest = database.prepare(`insert into requests (${requestNames.join(', ')}) values (${marks(requestNames.length)})`);
  const insertAttempt = database.prepare(`insert into attempts (${attemptNames.join(', ')}) values (${marks(attemptNames.length)})`);
  const adding = rollups.map((rollup) => {
    const names = [...ROLLUPS[rollup], ...SUMS];
    const add = `insert into ${rollup} (${names.join(', ')}) values (${marks(names.length)}) on conflict do update set ${SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;
    return { rollup, addTotal: database.prepare(add) };
  });
  const move = database.prepare('update position set segment = ?, offset = ?');
  const where = database.prepare('select segment, offset from position');

  function insert({ request, attempts }: Entry): void {
    const { lastInsertRowid } = insertRequest.run(...request);
    for (const [number, attempt] of attempts.entries()) insertAttempt.run(lastInsertRowid, number, ...attempt);
  }

  return {
    position() {
      const row = rowFrom(where.get());
      return { segment: numberIn(row, 'segment'), offset: numberIn(row, 'offset') };
    },
    apply(entries, { segment, offset }) {
      transaction(database, () => {
        for (const entry of entries) insert(entry);
        const totals = totalsOf(entries);
        for (const { rollup, addTotal } of adding) for (const { dimensions, sums } of rolledUp(totals, rollup)) addTotal.run(...dimensions, ...sums);
        move.run(segment, offset);
      });
    },
    prune(now, { requestsMs, mostRequests, totalsMs }) {
      return transaction(database, () => {
        // Rows come in the order requests ended: the oldest ids are the oldest requests.
        for (const rollup of rollups) database.prepare(`delete from ${rollup} where day < ?`).run(dayOf(now - totalsMs));
        const newest = numberIn(rowFrom(database.prepare('select max(id) as id from requests').get()), 'id');
        const { changes } = database
          .prepare('delete from requests where id in (select id from requests order by id limit ?) and (received_at < ? or id <= ?)')
          .run(PRUNED_AT_ONCE, Math.floor(now - requestsMs), newest - mostRequests);
        const oldest = numberIn(rowFrom(database.prepare('select min(id) as id from requests').get()), 'id');
        database.prepare('delete from attempts where request < ?').run(oldest === 0 ? newest + 1 : oldest);
        return changes === PRUNED_AT_ONCE;
      });
    },
  };
}

const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
