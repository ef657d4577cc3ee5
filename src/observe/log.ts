/**
 * The log: one JSON line a request for machines, one short readable line on a terminal.
 *
 * winston is handed lines in batches: a pass through it costs 40 µs, and a line is formatted in five.
 */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLogger, format, transports } from 'winston';
import type { Logger } from 'winston';
import type { GatewayEvent, WrittenPart } from '../types.ts';
import { entryOf } from './log-entry.ts';
import type { LogEntry } from './log-entry.ts';
import { createLogFile } from './log-file.ts';
import type { LogFile } from './log-file.ts';

const FILE_NAME = 'tollfree.log';
/** Later than this nobody notices; a line lost with the process is no more than this old. */
const BATCH_MS = 100;

export interface LogOptions {
  readonly level: LogEntry['level'];
  /** Also what was asked, redacted. */
  readonly bodies: boolean;
  /** Where lines are shown besides the file, usually standard output. */
  readonly stream?: NodeJS.WritableStream;
  readonly style: 'json' | 'pretty';
  /** Where `tollfree.log` is kept and rotated. Absent: no file. */
  readonly directory?: string;
  readonly maxSizeBytes: number;
  readonly maxFiles: number;
  /** Called with the problem when lines can no longer be written, and when they can again with how many were lost meanwhile. */
  readonly onTrouble: (sink: SinkName, problem: string | undefined, lost: number) => void;
}

export type SinkName = Extract<WrittenPart, 'log file' | 'standard output'>;

export interface Log {
  readonly observe: (event: GatewayEvent) => void;
  /** Resolves when every line is with the operating system. */
  readonly close: () => Promise<void>;
}

const LEVELS: readonly LogEntry['level'][] = ['error', 'warn', 'info', 'debug'];

export function createLog({ level, bodies, stream, style, directory, maxSizeBytes, maxFiles, onTrouble }: LogOptions): Log {
  const file = directory === undefined ? undefined : createLogFile({ path: join(directory, FILE_NAME), maxSizeBytes, maxFiles });
  const forMachines = file === undefined ? [] : [createSink(createTarget('log file', intoFile(file), onTrouble))];
  const forPeople: Sink[] = [];
  if (stream !== undefined) (style === 'json' ? forMachines : forPeople).push(createSink(createTarget('standard output', ontoStream(stream), onTrouble)));
  return {
    observe(event) {
      const entry = entryOf(event, { verbose: level === 'debug', bodies });
      if (entry === undefined || LEVELS.indexOf(entry.level) > LEVELS.indexOf(level)) return;
      // Put into words once, however many read them.
      if (forMachines.length > 0) writeTo(forMachines, asJson(entry, new Date()));
      if (forPeople.length > 0) writeTo(forPeople, asLine(entry));
    },
    async close() {
      await Promise.all([...forMachines, ...forPeople].map((sink) => sink.close()));
      file?.close();
    },
  };
}

interface Sink {
  readonly write: (line: string) => void;
  readonly close: () => Promise<void>;
}

function writeTo(sinks: readonly Sink[], line: string): void {
  for (const sink of sinks) sink.write(line);
}

function createSink(target: Writable): Sink {
  const logger = createLogger({ format: format.printf(({ message }) => String(message)), transports: [new transports.Stream({ stream: target, eol: '\n' })] });
  const state: { lines: string[]; timer?: NodeJS.Timeout; closed?: true } = { lines: [] };
  const flush = (): void => {
    clearTimeout(state.timer);
    delete state.timer;
    if (state.lines.length > 0) logger.info(state.lines.splice(0).join('\n'));
  };
  return {
    write(line) {
      if (state.closed) return;
      state.lines.push(line);
      state.timer ??= setTimeout(flush, BATCH_MS);
    },
    async close() {
      // That the last lines cannot be written is told, and must not be written here.
      state.closed = true;
      flush();
      await ended(logger);
    },
  };
}

/** Writes a text, then says what came of it. */
type Write = (text: string, done: (problem?: Error | null) => void) => void;

const intoFile = ({ write }: LogFile): Write => (text, done) => {
  const state: { problem?: Error } = {};
  try {
    write(text);
  } catch (error) {
    state.problem = error as Error;
  }
  done(state.problem);
};

/** A stream that fails tells it by an event, too, which ends a process where nobody listens. */
function ontoStream(stream: NodeJS.WritableStream): Write {
  stream.on('error', () => undefined);
  return (text, done) => void stream.write(text, done);
}

/** Takes everything: what cannot be written is told, and lost. */
function createTarget(sink: SinkName, write: Write, onTrouble: LogOptions['onTrouble']): Writable {
  const lost = { lines: 0 };
  const heed = (text: string, problem: Error | null | undefined): void => {
    const before = lost.lines;
    lost.lines = problem ? before + text.split('\n').length - 1 : 0;
    if (problem ? before === 0 : before > 0) onTrouble(sink, problem?.message, before);
  };
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      write(text, (problem) => {
        heed(text, problem);
        done();
      });
    },
  });
}

function ended(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    logger.once('finish', resolve);
    logger.end();
  });
}

/** Two objects side by side, not one made of both: copying twenty fields first costs more than writing them. */
function asJson({ level, message, fields }: LogEntry, at: Date): string {
  const head = JSON.stringify({ time: at.toISOString(), level, message });
  const rest = JSON.stringify(fields);
  return rest === '{}' ? head : `${head.slice(0, -1)},${rest.slice(1)}`;
}

const asLine = ({ level, line }: LogEntry): string => (level === 'info' ? line() : `${level}: ${line()}`);
