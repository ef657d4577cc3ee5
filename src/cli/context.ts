/**
 * What a command may touch of the world outside. Commands take it as an argument, so that tests run them in-process.
 */
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours a text where colour is wanted, and leaves it alone elsewhere. */
export type Paint = (format: Format, text: string) => string;

/** One of the two outgoing streams. */
export interface Sink {
  readonly stream: Stream;
  /** A person is looking. */
  readonly terminal: boolean;
  readonly colour: boolean;
  /** Columns and rows, read anew each time because windows are resized. Infinity where nobody looks. */
  readonly width: () => number;
  readonly height: () => number;
  readonly paint: Paint;
  readonly write: (text: string) => void;
}

export interface Context {
  readonly environment: NodeJS.ProcessEnv;
  /** What relative paths start from. */
  readonly directory: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Data: what a script would read. */
  readonly out: Sink;
  /** Words: errors, hints, progress. */
  readonly words: Sink;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * From the first call on, Ctrl-C, SIGTERM and a reader that left abort the signal instead of ending the process; a second
   * one ends it.
   */
  readonly stopped: (...also: readonly NodeJS.Signals[]) => AbortSignal;
}

/** A stream that may be a terminal. */
export type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** no-color.org: set and not empty means no colour. A dumb terminal shows escape codes as they are. */
const colourless = (environment: NodeJS.ProcessEnv): boolean => (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';

/** Terminals that do not know their size are taken for the classic one. */
const CLASSIC = { columns: 80, rows: 24 };

export function createSink(stream: Stream, environment: NodeJS.ProcessEnv): Sink {
  const terminal = stream.isTTY === true;
  const colour = terminal && !colourless(environment);
  const size = (side: 'columns' | 'rows') => (): number => (terminal ? (stream[side] ?? 0) || CLASSIC[side] : Infinity);
  return {
    stream,
    terminal,
    colour,
    width: size('columns'),
    height: size('rows'),
    paint: (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text),
    write: (text) => {
      stream.write(text);
    },
  };
}

export function processContext(): Context {
  const { env: environment, stdin, stdout, stderr } = process;
  const stop = createStop();
  // Node would open its debugger, and with it everything in memory, to whoever asks on this machine.
  process.on('SIGUSR1', () => undefined);
  // A reader that left (`tollfree models | head`) is no failure of ours; a daemon listens itself, and goes on without it.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (stdout.listenerCount('error') === 1) stop.readerLeft(error);
  });
  // Nobody is left to be told.
  stderr.on('error', () => undefined);
  return {
    environment,
    directory: process.cwd(),
    stdin,
    out: createSink(stdout, environment),
    words: createSink(stderr, environment),
    now: Date.now,
    stopped: stop.listen,
  };
}

interface Stop {
  readonly listen: Context['stopped'];
  readonly readerLeft: (error: NodeJS.ErrnoException) => void;
}

function createStop(): Stop {
  const controller = new AbortController();
  const listening = new Set<NodeJS.Signals>();
  const stop = (): void => {
    for (const name of listening) process.off(name, stop);
    controller.abort();
  };
  return {
    listen: (...also) => {
      for (const name of ['SIGINT', 'SIGTERM', ...also] as const) {
        if (!listening.has(name)) process.once(name, stop);
        listening.add(name);
      }
      return controller.signal;
    },
    // EIO: the terminal itself is gone.
    readerLeft: (error) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      if (listening.size === 0) process.exit(0);
      stop();
    },
  };
}
