/** The daemon's side of the record's thread: starts it when it is needed, ends it when it long was not, and starts it again when it died. */
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
  /** How long a thread with nothing to do is kept, milliseconds. */
  readonly idleMs?: number;
}

export interface Recorder {
  /** There is something to take in. */
  readonly wake: () => void;
  readonly stats: (query: StatsQuery) => Promise<Stats>;
  readonly rows: (query: RowsQuery) => Promise<Rows>;
  readonly close: () => Promise<void>;
}

/** It holds 10 MB; to start it again takes 40 ms of a core, which nobody waits for. */
const IDLE_MS = 20_000;

/** A thread that cannot live costs 40 ms of a core each time. */
const RESTART_MS = 5_000;

/** Node 20 runs no TypeScript: from the sources, tests run the thread that was built. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? '../../dist/usage/worker.js' : './worker.js', import.meta.url);

interface Asked {
  readonly resolve: (answer: Stats | Rows) => void;
  readonly reject: (error: Error) => void;
}

export function createRecorder({ directory, retention, now, onTrouble, onTold, idleMs = IDLE_MS }: RecorderOptions): Recorder {
  const questions = new Map<number, Asked>();
  const ending = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const state: { worker: Worker | undefined; asked: number; dead: boolean; closing: boolean; idle?: NodeJS.Timeout; unheard?: ToWorker[] | undefined } = { worker: undefined, asked: 0, dead: false, closing: false };

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
      case 'idle':
        clearTimeout(state.idle);
        state.idle = setTimeout(retire, idleMs).unref();
        return;
      default:
        message satisfies never;
    }
  }

  /** What is said until it has ended is for the next one: two at a time would lock each other out of the database. */
  function retire(): void {
    if (state.closing || questions.size > 0) return;
    say({ type: 'close', now: now() });
    state.unheard = [];
  }

  function bury(): void {
    state.worker = undefined;
    clearTimeout(state.idle);
    const { unheard } = state;
    state.unheard = undefined;
    if (unheard !== undefined) {
      unheard.forEach(say);
      return;
    }
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
    clearTimeout(state.idle);
    if (state.unheard !== undefined) state.unheard.push(message);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin; the rule means windows
    else started().postMessage(message);
    if (questions.size > 0) state.worker?.ref();
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
  });

  return {
    wake,
    stats: async (query) => (await ask({ kind: 'stats', query })) as Stats,
    rows: async (query) => (await ask({ kind: 'rows', query })) as Rows,
    async close() {
      state.closing = true;
      turnAway();
      // What the next one was to hear, it hears before it ends.
      if (state.unheard !== undefined) await ended(state.worker);
      Atomics.store(ending, 0, 1);
      if (state.worker === undefined) return;
      say({ type: 'close', now: now() });
      await ended(state.worker);
    },
  };
}

/** It ends by itself: a thread that is ended in the middle of a call into SQLite takes the process with it. */
async function ended(worker: Worker | undefined): Promise<void> {
  if (worker === undefined) return;
  worker.ref();
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()));
}

const ENDED = 'its thread has ended';

const unreadable = (problem: string): FailureError => new FailureError({ kind: 'unavailable', message: `the record cannot be read now: ${problem}`, attempts: [] });
