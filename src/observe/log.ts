/**
 * The log: one JSON line a request for machines, one short readable line on a terminal.
 *
 * winston keeps levels, files and rotation. It is handed lines in batches: a pass through it costs 40 µs, and a line is
 * formatted in five.
 */
import { createLogger, format, transports } from 'winston';
import type { Logger, transport } from 'winston';
import type { GatewayEvent } from '../types.ts';
import { entryOf } from './log-entry.ts';
import type { LogEntry } from './log-entry.ts';

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
}

export interface Log {
  readonly observe: (event: GatewayEvent) => void;
  /** Resolves when every line is with the operating system. */
  readonly close: () => Promise<void>;
}

const LEVELS: readonly LogEntry['level'][] = ['error', 'warn', 'info', 'debug'];

export function createLog({ level, bodies, stream, style, directory, maxSizeBytes, maxFiles }: LogOptions): Log {
  const sinks = [
    ...(directory === undefined ? [] : [createSink(asJson, new transports.File({ dirname: directory, filename: FILE_NAME, maxsize: maxSizeBytes, maxFiles, tailable: true, options: { flags: 'a', mode: 0o600 } }))]),
    ...(stream === undefined ? [] : [createSink(style === 'json' ? asJson : asLine, new transports.Stream({ stream }))]),
  ];
  return {
    observe(event) {
      const entry = entryOf(event, { verbose: level === 'debug', bodies });
      if (entry === undefined || LEVELS.indexOf(entry.level) > LEVELS.indexOf(level)) return;
      const at = new Date();
      for (const sink of sinks) sink.write(entry, at);
    },
    close: async () => void (await Promise.all(sinks.map((sink) => sink.close()))),
  };
}

interface Sink {
  readonly write: (entry: LogEntry, at: Date) => void;
  readonly close: () => Promise<void>;
}

function createSink(render: (entry: LogEntry, at: Date) => string, target: transport): Sink {
  const logger = createLogger({ format: format.printf(({ message }) => String(message)), transports: [target] });
  const state: { lines: string[]; timer?: NodeJS.Timeout } = { lines: [] };
  const flush = (): void => {
    clearTimeout(state.timer);
    delete state.timer;
    if (state.lines.length > 0) logger.info(state.lines.splice(0).join('\n'));
  };
  return {
    write(entry, at) {
      state.lines.push(render(entry, at));
      state.timer ??= setTimeout(flush, BATCH_MS);
    },
    async close() {
      flush();
      await ended(logger);
    },
  };
}

function ended(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    logger.once('finish', resolve);
    logger.end();
  });
}

const asJson = ({ level, message, fields }: LogEntry, at: Date): string => JSON.stringify({ time: at.toISOString(), level, message, ...fields });
const asLine = ({ level, line }: LogEntry): string => (level === 'info' ? line() : `${level}: ${line()}`);
