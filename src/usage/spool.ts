/**
 * Where a finished request goes before anything else happens to it: one line, handed to the system at once.
 *
 * What the system has, survives the death of the process (a power cut may take the last seconds: forcing each line to
 * the disk would cost every request milliseconds). One such write takes 2 µs; the database reads the lines in a thread
 * of its own, where an insert may take as long as the disk wants.
 */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import type { Clock } from '../types.ts';
import { writeWhole } from '../files.ts';
import { listSegments, segmentPath } from './segments.ts';

export interface SpoolOptions {
  readonly directory: string;
  readonly now: Clock;
  /** Called with the problem when lines can no longer be written, and when all of them are with how many found no room meanwhile. */
  readonly onTrouble: (problem: Error | undefined, lost: number) => void;
}

export interface Spool {
  readonly append: (line: string) => void;
  /** Tries again to write what is held in memory. */
  readonly retry: () => void;
  /** Lines held in memory, and lines that found no room there. */
  readonly held: () => { readonly pending: number; readonly lost: number };
  readonly close: () => void;
}

/** About 6,000 requests: what is read again at most, and removed at once when it was. */
const SEGMENT_BYTES = 4 * 2 ** 20;
/** 256 MiB, about 400,000 requests that the database could not take: then it is no passing trouble, and the disk is somebody else's too. */
const MOST_SEGMENTS = 64;
/** About 10 MB of memory. */
const MOST_PENDING = 10_000;
/** Written in one go after a trouble: two to three milliseconds. */
const BURST = 1_000;

interface Segment {
  readonly descriptor: number;
  bytes: number;
}

export function createSpool({ directory, now, onTrouble }: SpoolOptions): Spool {
  const pending: Buffer[] = [];
  const state: { file: Segment | undefined; troubled: boolean; lost: number } = { file: undefined, troubled: false, lost: 0 };

  /** Never goes on with another process's segment: what that one left unfinished stays so. */
  function begin(): Segment {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const segments = listSegments(directory);
    if (segments.length >= MOST_SEGMENTS) throw new Error(`${segments.length} segments wait for the database`);
    // Numbered by time, so that numbers rise even where somebody emptied the directory.
    const number = Math.max((segments.at(-1) ?? 0) + 1, Math.round(now()));
    const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
    const descriptor = openSync(segmentPath(directory, number), O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
    return { descriptor, bytes: 0 };
  }

  function write(line: Buffer): void {
    if (state.file !== undefined && state.file.bytes >= SEGMENT_BYTES) leave();
    const file = (state.file ??= begin());
    try {
      writeWhole(file.descriptor, line);
      file.bytes += line.length;
    } catch (error) {
      takeBack(file);
      throw error;
    }
  }

  /** Half a line would run into the next one. Where the system refuses even that, the next line begins a segment of its own. */
  function takeBack(file: Segment): void {
    try {
      ftruncateSync(file.descriptor, file.bytes);
    } catch {
      leave();
    }
  }

  function leave(): void {
    if (state.file !== undefined) closeSync(state.file.descriptor);
    state.file = undefined;
  }

  /** False: the disk refused. */
  function drain(most: number): boolean {
    try {
      for (let count = 0; count < most; count += 1) {
        const [line] = pending;
        if (line === undefined) break;
        write(line);
        pending.shift();
      }
      if (state.troubled && pending.length === 0) {
        state.troubled = false;
        onTrouble(undefined, state.lost);
        state.lost = 0;
      }
      return true;
    } catch (error) {
      if (!state.troubled) {
        state.troubled = true;
        onTrouble(error instanceof Error ? error : new Error(String(error)), state.lost);
      }
      return false;
    }
  }

  function retry(): void {
    if (drain(BURST) && pending.length > 0) setImmediate(retry);
  }

  return {
    append(line) {
      pending.push(Buffer.from(`${line}\n`));
      if (pending.length > MOST_PENDING) {
        pending.shift();
        state.lost += 1;
      }
      if (!state.troubled) drain(BURST);
    },
    retry,
    held: () => ({ pending: pending.length, lost: state.lost }),
    close() {
      drain(Number.POSITIVE_INFINITY);
      leave();
    },
  };
}
