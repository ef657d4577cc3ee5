/** What the daemon and the record's thread say to each other. */
import type { Rows, RowsQuery } from './rows.ts';
import type { Stats, StatsQuery } from './stats.ts';
import type { Retention } from './store.ts';

/** What the thread is started with. */
export interface WorkerData {
  readonly directory: string;
  readonly retention: Retention;
  /** Shared: one other than 0 is heard at once, where a message would wait for whatever the thread is at. */
  readonly ending: Int32Array;
}

/** Answered with {@link Stats}, and with {@link Rows}. */
export type Question = { readonly kind: 'stats'; readonly query: StatsQuery } | { readonly kind: 'rows'; readonly query: RowsQuery };

export type ToWorker =
  /** There are lines to read, or it is time to look what is too old. */
  | { readonly type: 'wake'; readonly now: number }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question; readonly now: number }
  /** Take in what there is time for, and end. */
  | { readonly type: 'close'; readonly now: number };

export type FromWorker =
  | { readonly type: 'answer'; readonly id: number; readonly answer: Stats | Rows }
  | { readonly type: 'no-answer'; readonly id: number; readonly problem: string }
  /** The database takes nothing; the thread goes on trying. */
  | { readonly type: 'trouble'; readonly problem: string }
  /** It takes everything: said at first, and after a trouble. */
  | { readonly type: 'well' }
  /** There is nothing to do. */
  | { readonly type: 'idle' }
  | { readonly type: 'told'; readonly message: string };
