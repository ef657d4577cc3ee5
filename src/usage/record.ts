/**
 * The record: every finished request and its attempts, what they used, cost and saved.
 *
 * A request is in the spool before its client has the last byte (see spool.ts), and from there a thread of its own
 * carries it into SQLite, a batch in a transaction. Nothing waits for it but the shutdown, and whoever asks for statistics.
 */
import { join } from 'node:path';
import type { Clock, Emit, GatewayEvent } from '../types.ts';
import { entryOf, lineOf } from './entry.ts';
import { createRecorder } from './recorder.ts';
import type { Rows, RowsQuery } from './rows.ts';
import { createSpool } from './spool.ts';
import type { Stats, StatsQuery } from './stats.ts';
import type { Retention } from './store.ts';

export interface RecordOptions {
  /** The data directory; the record is in `record/` there. */
  readonly dataDirectory: string;
  readonly retention: Retention;
  readonly now: Clock;
  readonly emit: Emit;
}

export interface RecordHealth {
  /** What keeps requests from being written down; empty when all is well. */
  readonly problems: readonly string[];
  /** Requests held in memory meanwhile, and those that found no room there. */
  readonly pending: number;
  readonly lost: number;
}

export interface UsageRecord {
  /** Listens for finished requests. */
  readonly observe: (event: GatewayEvent) => void;
  /** Everything finished before the question is counted. Rejects where the database cannot be read. */
  readonly stats: (query: StatsQuery) => Promise<Stats>;
  /** The requests themselves, newest first. As {@link UsageRecord.stats}. */
  readonly rows: (query: RowsQuery) => Promise<Rows>;
  readonly health: () => RecordHealth;
  /** Resolves when all is in the database, or after two seconds: what is not then, is at the next start. */
  readonly close: () => Promise<void>;
}

/** From the first line of a batch to its transaction. */
const BATCH_MS = 100;
/** How often a spool in trouble is tried again. */
const RETRY_MS = 1_000;
/** How often the thread looks for what is too old, where no request wakes it. */
const PRUNE_MS = 3_600_000;

export function createRecord({ dataDirectory, retention, now, emit }: RecordOptions): UsageRecord {
  const directory = join(dataDirectory, 'record');
  const problems = new Map<'spool' | 'database', string>();

  function trouble(part: 'spool' | 'database', problem: string | undefined, fields: Readonly<Record<string, number>> = {}): void {
    if (problem === undefined) {
      if (problems.delete(part)) emit({ type: 'notice', level: 'info', part: `record ${part}`, message: `the record's ${part} can be written again`, fields });
      return;
    }
    problems.set(part, problem);
    emit({ type: 'notice', level: 'error', part: `record ${part}`, message: `the record's ${part} cannot be written: ${problem}. requests go on and are kept until it can, as far as there is room; look at the disk`, fields });
  }

  const timers: { batch: NodeJS.Timeout | undefined; retry: NodeJS.Timeout | undefined } = { batch: undefined, retry: undefined };

  const recorder = createRecorder({
    directory,
    retention,
    now,
    onTrouble: (problem) => trouble('database', problem),
    onTold: (message) => emit({ type: 'notice', level: 'warn', message }),
  });
  const spool = createSpool({
    directory,
    now,
    onTrouble(error, lost) {
      trouble('spool', error?.message, error === undefined ? { lost_requests: lost } : {});
      if (error !== undefined) timers.retry ??= setInterval(spool.retry, RETRY_MS).unref();
      else {
        clearInterval(timers.retry);
        timers.retry = undefined;
        wakeSoon();
      }
    },
  });

  function wakeSoon(): void {
    timers.batch ??= setTimeout(() => {
      timers.batch = undefined;
      recorder.wake();
    }, BATCH_MS).unref();
  }

  const pruning = setInterval(recorder.wake, PRUNE_MS).unref();
  // What an earlier process left is taken in at once.
  wakeSoon();

  return {
    observe(event) {
      if (event.type !== 'request-finished') return;
      spool.append(lineOf(entryOf(event.request, event.summary)));
      wakeSoon();
    },
    stats: recorder.stats,
    rows: recorder.rows,
    health: () => ({ problems: [...problems.values()], ...spool.held() }),
    async close() {
      clearInterval(pruning);
      clearInterval(timers.retry);
      clearTimeout(timers.batch);
      spool.close();
      // There may be no thread, and something for it to take in.
      if (timers.batch !== undefined) recorder.wake();
      const { pending, lost } = spool.held();
      if (pending + lost > 0) emit({ type: 'notice', level: 'error', message: 'the record could not be written to the end', fields: { lost_requests: pending + lost } });
      await recorder.close();
    },
  };
}
