/** A private file that several processes change, one after the other: a lowdb database over it, its lock, and its recovery. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Low } from 'lowdb';
import { preparePrivateDirectory, type Backup } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { createPrivateFile, type PrivateFileOptions } from './private-file.ts';
import { acquireLock } from './process-lock.ts';

export interface LockedFileOptions<T> extends PrivateFileOptions<T> {
  /** What `decode` reads. */
  readonly encode: (value: T) => unknown;
  /** Names the lock, in letters. */
  readonly lock: string;
  readonly pid: number;
  readonly now: () => number;
  /** Told when the backup was taken: what was wrong, and where the bad file is now. */
  readonly recovered: (problem: VaultError, setAside: string | undefined) => void;
}

/** Everything throws a VaultError: `damaged` where neither file nor backup is good, for nothing is begun anew over a bad file. */
export interface LockedFile<T> {
  /** Undefined where there is none. */
  readonly read: () => Promise<T | undefined>;
  /** Whether the file is another than when it was last read or written here. */
  readonly changed: () => Promise<boolean>;
  /** No other process writes meanwhile. Throws `busy` when one does not finish. */
  readonly exclusively: <R>(job: (held: HeldFile<T>) => Promise<R>) => Promise<R>;
}

export interface HeldFile<T> {
  readonly read: () => Promise<T | undefined>;
  readonly write: (value: T, backup?: Backup) => Promise<void>;
}

/** A change takes milliseconds, with Argon2 a second or, at its ceiling, six; longer is a process that hangs. */
const WAIT_MS = 15_000;

export function createLockedFile<T>(options: LockedFileOptions<T>): LockedFile<T> {
  const { path, encode, lock: name, pid, now, recovered } = options;
  const file = createPrivateFile(options);
  const directory = dirname(path);
  const last = { stamp: '' };

  const load = async (): ReturnType<typeof file.read> => {
    last.stamp = await stampOf(path);
    return file.read();
  };

  const held: HeldFile<T> = {
    read: async () => {
      const found = await load();
      if (found?.problem === undefined) return found?.value;
      // Where the disk refuses, the backup still serves; setting aside is tried again by the next read.
      const bad = await file.setAside(now()).catch((error: unknown) => {
        if (error instanceof VaultError && error.kind === 'disk') return undefined;
        throw error;
      });
      recovered(found.problem, bad);
      return found.value;
    },
    write: async (value, backup) => {
      await new Low({ read: () => Promise.resolve(value), write: (data: T) => file.write(encode(data), backup) }, value).write();
      last.stamp = await stampOf(path);
    },
  };

  const exclusively: LockedFile<T>['exclusively'] = async (job) => {
    await preparePrivateDirectory(directory);
    const lock = await acquireLock({ directory, name, pid, now, waitMs: WAIT_MS });
    try {
      return await job(held);
    } finally {
      await lock.release();
    }
  };

  return {
    exclusively,
    read: async () => {
      // A whole file needs no lock: it is replaced in one step. So a full disk stops no reader.
      const found = await load();
      return found?.problem === undefined ? found?.value : exclusively(({ read }) => read());
    },
    changed: async () => (await stampOf(path)) !== last.stamp,
  };
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs}`;
}
