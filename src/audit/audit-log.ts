/**
 * Who did what: `audit.log`, a chain of lines that only ever grows, and beside it the vault's word for how far it had grown.
 *
 * The chain alone shows edits; whoever can write the file could make it anew from any line on. So while the vault is
 * unlocked its key vouches for the last entry in `audit.log.seal`: what was vouched for can be neither rewritten nor
 * cut off. Deleting both files, or putting back an old pair of them, is not noticed.
 */
import { timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode, writeWhole } from '../files.ts';
import { preparePrivateDirectory } from '../vault/durable-write.ts';
import { acquireLock } from '../vault/process-lock.ts';
import { createSerially } from '../vault/serial.ts';
import { claimOf, GENESIS, lineOf, walk, type Act } from './chain.ts';

export interface AuditOptions {
  /** Usually `<data directory>/audit.log`. */
  readonly path: string;
  readonly pid: number;
  readonly now: () => number;
  /** A keyed hash of a statement under the vault's own key. Undefined while there is none to be had. */
  readonly vouch: (statement: string) => string | undefined;
  /** Somebody changed it. */
  readonly notice: (message: string) => void;
  /** Called with the problem for each act that could not be written, and with nothing when all of them are. */
  readonly onTrouble: (problem: string | undefined) => void;
}

export interface AuditLog {
  /**
   * Resolves when it is written. Never throws: what was done stays done, a disk that refuses is told, and the act is
   * kept and tried again while the process lives.
   */
  readonly record: (act: Act) => Promise<void>;
  readonly check: () => AuditCheck;
}

export interface AuditCheck {
  readonly entries: number;
  /** What is wrong with it. */
  readonly problem?: string;
  /** The vault's key vouches for it: not only does the chain hold, nobody made it anew. */
  readonly vouched: boolean;
}

/** An entry takes a millisecond; who holds the lock for longer hangs. */
const WAIT_MS = 5_000;
/** Longer than any entry: an import names up to 10,000 accounts, but a label is short. */
const TAIL_BYTES = 2 ** 20;
const OWNER_ONLY = 0o600;
/** How often a disk that refused is tried again. */
const RETRY_MS = 5_000;
/** Acts of people and programs that administer, kept while the disk refuses: some hundred kilobytes. */
const MOST_WAITING = 1_000;

export function createAuditLog({ path, pid, now, vouch, notice, onTrouble }: AuditOptions): AuditLog {
  const serially = createSerially();
  const sealPath = `${path}.seal`;
  const waiting: { readonly act: Act; readonly at: number }[] = [];
  const trouble: { told: boolean; retry?: NodeJS.Timeout } = { told: false };

  /** The last entry the vault vouched for. Undefined where it vouches for none. */
  const sealed = (): string | undefined => {
    const [, hash, mac] = /^([\w-]{43}) ([\w-]{43})\n$/.exec(String(textOf(sealPath))) ?? [];
    const own = hash === undefined ? undefined : vouch(hash);
    return own !== undefined && mac !== undefined && timingSafeEqual(Buffer.from(mac), Buffer.from(own)) ? hash : undefined;
  };

  const seal = (hash: string): void => {
    const mac = vouch(hash);
    if (mac === undefined) return;
    writeFileSync(`${sealPath}.tmp`, `${hash} ${mac}\n`, { mode: OWNER_ONLY, flush: true });
    renameSync(`${sealPath}.tmp`, sealPath);
  };

  const check = (): AuditCheck => {
    const text = textOf(path);
    if (text === UNREADABLE) return { entries: 0, problem: `${path} cannot be read`, vouched: false };
    const wanted = sealed();
    const { entries, broken, holds } = walk(text, wanted);
    const problem = broken === undefined ? (holds ? undefined : 'its end was cut off or made anew: the last entry the vault vouched for is not in it') : `line ${broken} is not as it was written, or one before it was taken out`;
    return { entries, ...(problem !== undefined && { problem }), vouched: wanted !== undefined && problem === undefined };
  };

  const append = (act: Act, at: number): void => {
    const file = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, OWNER_ONLY);
    try {
      const previous = tailOf(file);
      const { line, hash } = lineOf(act, at, previous);
      // The seal must not move on over a log that somebody changed.
      const problem = vouch(hash) === undefined || sealed() === previous ? undefined : check().problem;
      // What was written in part is cut off by the next entry, and the seal must not vouch for it.
      writeWhole(file, Buffer.from(`${line}\n`));
      fsyncSync(file);
      if (problem === undefined) seal(hash);
      else notice(`${path} was changed by someone else: ${problem}`);
    } finally {
      closeSync(file);
    }
  };

  /** In the order of the acts. Throws where the disk refuses one. */
  const writeAll = async (): Promise<void> => {
    await preparePrivateDirectory(dirname(path));
    const lock = await acquireLock({ directory: dirname(path), name: 'audit', pid, now, waitMs: WAIT_MS });
    try {
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        append(next.act, next.at);
        waiting.shift();
      }
    } finally {
      await lock.release();
    }
  };

  const write = (): Promise<void> =>
    serially(async () => {
      try {
        await writeAll();
        if (trouble.told) onTrouble(undefined);
        trouble.told = false;
      } catch (error) {
        trouble.told = true;
        trouble.retry ??= setTimeout(() => {
          delete trouble.retry;
          void write().catch(() => undefined);
        }, RETRY_MS).unref();
        throw error;
      }
    });

  return {
    check,
    record(act) {
      waiting.push({ act, at: now() });
      if (waiting.length > MOST_WAITING) waiting.shift();
      return write().catch((error: unknown) => {
        onTrouble(`${act.act} could not be written to ${path} (${systemCode(error) ?? (error instanceof Error ? error.message : 'unknown')}); free some space, or see who else writes there`);
      });
    },
  };
}

const UNREADABLE = Symbol('unreadable');

/** Empty where there is none. */
function textOf(path: string): string | typeof UNREADABLE {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? '' : UNREADABLE;
  }
}

/** What the next entry follows. An entry that a crash cut is cut off whole: it was never said to be there. */
function tailOf(file: number): string {
  const { size } = fstatSync(file);
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  readSync(file, tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf('\n') + 1;
  if (end < tail.length) ftruncateSync(file, size - (tail.length - end));
  if (end === 0) return GENESIS;
  const line = tail.subarray(tail.lastIndexOf('\n', end - 2) + 1, end - 1).toString();
  return claimOf(line) ?? GENESIS;
}
