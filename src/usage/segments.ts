/**
 * The files between the daemon and the database: finished requests, a line each, in numbered segments.
 *
 * A line is whole once its line end is there. A segment is finished once a later one exists.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const NAME = /^spool-(\d{14})\.jsonl$/;

/** How far the database has read: this far into this segment. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

export const segmentPath = (directory: string, number: number): string => join(directory, `spool-${String(number).padStart(14, '0')}.jsonl`);

/** Numbers of the segments there are, ascending. */
export function listSegments(directory: string): number[] {
  return readdirSync(directory).flatMap((name) => {
    const [, number] = NAME.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  }).toSorted((one, other) => one - other);
}

export const removeSegment = (directory: string, number: number): void => rmSync(segmentPath(directory, number), { force: true });

/** Bytes looked at in one step: about 500 requests, one transaction of some milliseconds. */
const STEP_BYTES = 256 * 1024;

export interface Read {
  /** Whole lines, without their ends. */
  readonly lines: readonly string[];
  /** Where the next line begins. */
  readonly offset: number;
}

/** The next whole lines; none at the end. */
export function readLines(directory: string, { segment, offset }: Position): Read {
  const file = openSync(segmentPath(directory, segment), 'r');
  try {
    const left = fstatSync(file).size - offset;
    for (let length = Math.min(left, STEP_BYTES); ; length = Math.min(left, length * 2)) {
      const bytes = Buffer.alloc(Math.max(0, length));
      const got = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
      const whole = got.lastIndexOf(0x0a) + 1;
      if (whole === 0 && length < left) continue;
      return { lines: got.toString('utf8', 0, whole).split('\n').slice(0, -1), offset: offset + whole };
    }
  } finally {
    closeSync(file);
  }
}
