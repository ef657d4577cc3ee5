/**
 * The lines of the audit log. Each ends in a hash over itself and the line before, so that none can be edited, removed,
 * added or moved without every later one showing it.
 */
import { createHash } from 'node:crypto';
import { redact } from '../redact.ts';

/** One thing that was done. Names and numbers only: never a body, a key or a prompt. */
export interface Act {
  /** Who: `cli`, `daemon`, or `admin` over HTTP. */
  readonly by: string;
  /** What, e.g. `account added`, or the route of an admin request. */
  readonly act: string;
  /** To what: accounts as `provider/label`, keys and files by name. */
  readonly on?: readonly string[];
  /** What came of it: absent where it was done, else why it was not; over HTTP the status. */
  readonly result?: string;
  /** The address it came from. */
  readonly from?: string;
  /** How often each credential was handed out since the entry before that says so. */
  readonly uses?: Readonly<Record<string, number>>;
}

export const GENESIS = '';

const HASHED = /^(\{.+),"hash":"([\w-]{43})"\}$/;

const hashOf = (previous: string, text: string): string => createHash('sha256').update(`${previous}\n${text}`).digest('base64url');

/** The entry as it stands in the log, without its line end. */
export function lineOf(act: Act, at: number, previous: string): { readonly line: string; readonly hash: string } {
  const text = redact(JSON.stringify({ at: new Date(at).toISOString(), ...act }));
  const hash = hashOf(previous, text);
  return { line: `${text.slice(0, -1)},"hash":"${hash}"}`, hash };
}

/** The hash a line claims. Undefined where it is no line of ours. */
export const claimOf = (line: string): string | undefined => HASHED.exec(line)?.[2];

/** The line's hash, where it follows the one before. */
function follow(line: string, previous: string): string | undefined {
  const [, text, hash] = HASHED.exec(line) ?? [];
  return text !== undefined && hash === hashOf(previous, `${text}}`) ? hash : undefined;
}

export interface Walk {
  readonly entries: number;
  /** The first line that does not follow, from 1. */
  readonly broken?: number;
  readonly last: string;
  /** The looked-for hash is one of the chain. */
  readonly holds: boolean;
}

/** Follows the chain from its beginning, as far as it holds. */
export function walk(text: string, wanted?: string): Walk {
  const lines = text.split('\n');
  // What stands behind the last line end is an entry that was cut by a crash, before anybody was told it is there.
  lines.pop();
  let last = GENESIS;
  let holds = wanted === undefined || wanted === GENESIS;
  for (const [index, line] of lines.entries()) {
    const hash = follow(line, last);
    if (hash === undefined) return { entries: index, broken: index + 1, last, holds };
    holds ||= hash === wanted;
    last = hash;
  }
  return { entries: lines.length, last, holds };
}
