/**
 * What was counted, on disk: a line a change, after a first line with all that came before.
 *
 * Lines are handed to the system once a turn of the event loop, so a killed process loses no more than what it was just
 * admitting. They are not forced to the disk: a power cut may lose the last seconds of counts, where forcing would
 * cost every request milliseconds.
 */
import { closeSync, constants, copyFileSync, existsSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs';
import { writeWhole } from '../files.ts';
import type { Entry, Tallies } from './ledger.ts';

export interface JournalOptions {
  readonly path: string;
  readonly now: () => number;
  /** What the counts are now: written when the file is begun anew. */
  readonly tallies: () => Tallies;
  /** Called when writing fails (once, until it works again), and when it does again. */
  readonly onTrouble: (problem: string | undefined) => void;
}

export interface Journal {
  append(entry: Entry): void;
  /** Writes what is pending, and closes. */
  close(): void;
}

export interface Recovered {
  readonly tallies: Tallies;
  readonly entries: readonly Entry[];
  /** Set where lines could not be read: how many, and where the file was kept. */
  readonly damage?: { readonly lines: number; readonly copy: string };
}

const FORMAT = 'tollfree-key-usage';
const VERSION = 1;

/** About 40,000 requests; beginning anew then costs one write of a few kilobytes a key. */
const LONGEST_BYTES = 8 * 2 ** 20;
/** After a failed write the next try waits so long: a full disk is not made better by asking a thousand times a second. */
const RETRY_MS = 1_000;

/** Reads what an earlier process wrote; nothing where there is none. Throws where the file is a newer program's. */
export function recoverJournal(path: string, now: number): Recovered {
  if (!existsSync(path)) return { tallies: {}, entries: [] };
  const lines = readFileSync(path, 'utf8').split('\n');
  // A line without its end was being written when the process died: nobody was told that it counts.
  lines.pop();
  const [head, ...rest] = lines.map(parse);
  const tallies = head === undefined ? undefined : talliesOf(head, path);
  const entries = rest.map(entryOf);
  const good = entries.filter((entry) => entry !== undefined);
  const lost = entries.length - good.length + (tallies === undefined ? 1 : 0);
  if (lost === 0) return { tallies: tallies ?? {}, entries: good };
  const copy = `${path}.bad-${new Date(now).toISOString().replaceAll(':', '')}`;
  copyFileSync(path, copy);
  return { tallies: tallies ?? {}, entries: good, damage: { lines: lost, copy } };
}

/** Begins the file anew with the counts as they are. Throws where the disk refuses. */
export function createJournal({ path, now, tallies, onTrouble }: JournalOptions): Journal {
  const file = { descriptor: begin(path, tallies()), bytes: 0, closed: false };
  const pending: string[] = [];
  /** Set after a failed write, whose half line only a new beginning clears away. */
  const trouble: { since: number | undefined } = { since: undefined };

  function beginAnew(): void {
    const fresh = begin(path, tallies());
    closeSync(file.descriptor);
    file.descriptor = fresh;
    file.bytes = 0;
  }

  function append(lines: Buffer): void {
    writeWhole(file.descriptor, lines);
    file.bytes += lines.length;
  }

  function flush(): void {
    const text = pending.splice(0).join('');
    if (text === '' || file.closed || (trouble.since !== undefined && now() - trouble.since < RETRY_MS)) return;
    try {
      if (trouble.since !== undefined || file.bytes > LONGEST_BYTES) beginAnew();
      else append(Buffer.from(text));
      if (trouble.since !== undefined) onTrouble(undefined);
      trouble.since = undefined;
    } catch (error) {
      if (trouble.since === undefined) onTrouble(error instanceof Error ? error.message : String(error));
      trouble.since = now();
    }
  }

  return {
    append({ at, amounts, scopes }) {
      if (pending.length === 0) setImmediate(flush);
      pending.push(`${JSON.stringify([at, amounts.requests, amounts.tokens, amounts.nanoUsd, ...scopes])}\n`);
    },
    close() {
      trouble.since &&= Number.NEGATIVE_INFINITY;
      flush();
      // The system gives the number of a closed file to the next one opened: nothing may be written to it any more.
      file.closed = true;
      closeSync(file.descriptor);
    },
  };
}

/** The counts first, beside and whole, then in place: whoever dies meanwhile leaves the old file. */
function begin(path: string, tallies: Tallies): number {
  const temporary = `${path}.tmp`;
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants;
  const descriptor = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    writeWhole(descriptor, Buffer.from(`${JSON.stringify({ format: FORMAT, version: VERSION, tallies })}\n`));
    fsyncSync(descriptor);
    renameSync(temporary, path);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const areNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => Number.isFinite(item));
const areTexts = (value: readonly unknown[]): value is string[] => value.every((item) => typeof item === 'string');

function talliesOf(head: unknown, path: string): Tallies | undefined {
  if (!isRecord(head) || head['format'] !== FORMAT) return undefined;
  if (head['version'] !== VERSION) throw new Error(`${path} was written by a newer tollfree; update tollfree`);
  const tallies = head['tallies'];
  const whole = isRecord(tallies) && Object.values(tallies).every((periods) => isRecord(periods) && Object.values(periods).every(areNumbers));
  return whole ? (tallies as Tallies) : undefined;
}

function entryOf(line: unknown): Entry | undefined {
  if (!Array.isArray(line)) return undefined;
  const [at, requests, tokens, nanoUsd, ...scopes] = line as readonly unknown[];
  if (!areNumbers([at, requests, tokens, nanoUsd]) || !areTexts(scopes)) return undefined;
  return { at: Number(at), amounts: { requests: Number(requests), tokens: Number(tokens), nanoUsd: Number(nanoUsd) }, scopes };
}
