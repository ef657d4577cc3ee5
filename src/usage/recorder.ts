/** The daemon's side of the record's thread: starts it when it is needed, and again when it died. */
import { Worker } from 'node:worker_threads';
import { FailureError } from '../failure.ts';
import type { Clock } from '../types.ts';
import type { FromWorker, Question, ToWorker, WorkerData } from './messages.ts';
import type { Rows, RowsQuery } from './rows.ts';
import type { Stats, StatsQuery } from './stats.ts';

export interface RecorderOptions extends Omit<WorkerData, 'ending'> {
  readonly now: Clock;
  /** Called with the problem when the database takes nothing, and with nothing when it does. */
  readonly onTrouble: (problem: string | undefined) => void;
  readonly onTold: (message: string) => void;
}

export interface Recorder {
  /** There is something to take in. */
  readonly wake: () => void;
  readonly stats: (query: StatsQuery) => Promise<Stats>;
  readonly rows: (query: RowsQuery) => Promise<Rows>;
  readonly close: () => Promise<void>;
}

/** A thread that cannot live costs 40 ms of a core each time. */
const RESTART_MS = 5_000;

/** Node 20 runs no TypeScript: from the sources, tests run the thread that was built. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? '../../dist/usage/worker.js' : './worker.js', import.meta.url);

interface Asked {
  readonly resolve: (answer: Stats | Rows) => void;
  readonly reject: (error: Error) => void;
}

export function createRecorder({ directory, retention, now, onTrouble, onTold }: RecorderOptions): Recorder {
  const questions = new Map<number, Asked>();
  const ending = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const state: { worker: Worker | undefined; asked: number; dead: boolean; closing: boolean } = { worker: undefined, asked: 0, dead: false, closing: false };

  function started(): Worker {
    if (state.worker !== undefined) return state.worker;
    // The environment may hold a passphrase: the thread needs no copy of it.
    const worker = new Worker(PROGRAM, { workerData: { directory, retention, ending } satisfies WorkerData, env: {} });
    worker.on('message', hear);
    worker.on('error', (error: Error) => onTrouble(error.message));
    worker.on('exit', bury);
    // Only a question, or the end, is a reason to keep a process alive.
    worker.unref();
    return (state.worker = worker);
  }

  function hear(message: FromWorker): void {
    switch (message.type) {
      case 'answer':
        answered(message.id)?.resolve(message.answer);
        return;
      case 'no-answer':
        answered(message.id)?.reject(unreadable(message.problem));
        return;
      case 'trouble':
        onTrouble(message.problem);
        return;
      case 'well':
        onTrouble(undefined);
        return;
      case 'told':
        onTold(message.message);
        return;
      default:
        message satisfies never;
    }
  }

  function bury(): void {
    state.worker = undefined;
    state.dead = true;
    turnAway();
    if (state.closing) return;
    setTimeout(() => {
      state.dead = false;
      wake();
    }, RESTART_MS).unref();
  }

  function turnAway(): void {
    for (const { reject } of questions.values()) reject(unreadable(ENDED));
    questions.clear();
  }

  function answered(id: number): Asked | undefined {
    const question = questions.get(id);
    questions.delete(id);
    if (questions.size === 0 && !state.closing) state.worker?.unref();
    return question;
  }

  function say(message: ToWorker): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin; the rule means windows
    started().postMessage(message);
  }

  function wake(): void {
    if (!state.closing && !state.dead) say({ type: 'wake', now: now() });
  }

  const ask = (question: Question): Promise<Stats | Rows> => new Promise((resolve, reject) => {
    if (state.closing || state.dead) {
      reject(unreadable(ENDED));
      return;
    }
    const id = (state.asked += 1);
    questions.set(id, { resolve, reject });
    say({ type: 'ask', id, question, now: now() });
    state.worker?.ref();
  });

  return {
    wake,
    stats: async (query) => (await ask({ kind: 'stats', query })) as Stats,
    rows: async (query) => (await ask({ kind: 'rows', query })) as Rows,
    async close() {
      state.closing = true;
      turnAway();
      Atomics.store(ending, 0, 1);
      const { worker } = state;
      if (worker === undefined) return;
      worker.ref();
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      say({ type: 'close', now: now() });
      // It ends by itself: a thread that is ended in the middle of a call into SQLite takes the process with it.
      await ended;
    },
  };
}

const ENDED = 'its thread has ended';

const unreadable = (problem: string): FailureError => new FailureError({ kind: 'unavailable', message: `the record cannot be read now: ${problem}`, attempts: [] });
