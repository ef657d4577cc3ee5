/** The record's thread: SQLite may wait for the disk here, where nobody waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { createKeeper } from './keeper.ts';
import type { FromWorker, Question, ToWorker, WorkerData } from './messages.ts';
import type { Rows } from './rows.ts';
import type { Stats } from './stats.ts';

/** After a failure. A full disk is not made better by asking more often. */
const RETRY_MS = 1_000;
/** Whoever stops a daemon waits no longer for a long spool: what is left is taken in at the next start. */
const CLOSE_MS = 2_000;

function keep({ directory, retention, ending }: WorkerData, port: NonNullable<typeof parentPort>): void {
  const say = (message: FromWorker): void => port.postMessage(message);
  const goesOn = (): boolean => Atomics.load(ending, 0) === 0;
  const keeper = createKeeper({ directory, retention, goesOn, tell: (message) => say({ type: 'told', message }) });
  const state: { well: boolean | undefined; scheduled: boolean; closed: boolean; now: number } = { well: undefined, scheduled: false, closed: false, now: 0 };

  /** True: there is more to do at once. */
  function tried(step: (now: number) => boolean): boolean {
    try {
      const more = step(state.now);
      if (state.well !== true) say({ type: 'well' });
      state.well = true;
      return more;
    } catch (error) {
      if (state.well !== false) say({ type: 'trouble', problem: wordsOf(error) });
      state.well = false;
      return false;
    }
  }

  function schedule(milliseconds: number): void {
    if (state.scheduled) return;
    state.scheduled = true;
    setTimeout(() => {
      state.scheduled = false;
      // Nobody would close the database that is opened now.
      if (state.closed) return;
      // One step a turn, so that questions are heard in between.
      if (tried(keeper.take) || (state.well === true && tried(keeper.tidy))) schedule(0);
      else if (state.well === false) schedule(RETRY_MS);
      else say({ type: 'idle' });
    }, milliseconds);
  }

  const everything = (): void => {
    while (goesOn() && tried(keeper.take));
  };

  const answerTo = (question: Question, now: number): Stats | Rows => (question.kind === 'stats' ? keeper.stats(question.query, now) : keeper.rows(question.query, now));

  port.on('message', (message: ToWorker) => {
    state.now = message.now;
    switch (message.type) {
      case 'wake':
        schedule(0);
        return;
      case 'ask':
        everything();
        schedule(0);
        // Nobody waits for it any more.
        if (!goesOn()) return;
        try {
          say({ type: 'answer', id: message.id, answer: answerTo(message.question, message.now) });
        } catch (error) {
          say({ type: 'no-answer', id: message.id, problem: wordsOf(error) });
        }
        return;
      case 'close':
        for (const until = performance.now() + CLOSE_MS; performance.now() < until && tried(keeper.take););
        keeper.close();
        state.closed = true;
        port.close();
        return;
      default:
        message satisfies never;
    }
  });
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

if (parentPort !== null) keep(workerData as WorkerData, parentPort);
