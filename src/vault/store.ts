/** Where the vault's content lives: a lowdb database over the private file, and the lock that keeps its writers apart. */
import { Low } from 'lowdb';
import { dirname } from 'node:path';
import { preparePrivateDirectory, type Backup } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { decodeContent, FORMAT, MAX_FILE_BYTES, VERSION, type VaultContent } from './format.ts';
import { createPrivateFile } from './private-file.ts';
import { acquireLock } from './process-lock.ts';

export interface StoreOptions {
  readonly path: string;
  readonly pid: number;
  readonly now: () => number;
  /** Told when the backup was taken: what was wrong, and where the bad file is now. */
  readonly recovered: (problem: VaultError, setAside: string | undefined) => void;
}

export interface Store {
  /** Undefined where there is no vault. */
  readonly read: () => Promise<VaultContent | undefined>;
  /** No other process writes meanwhile. Throws `busy` when one does not finish. */
  readonly exclusively: <T>(job: (held: HeldStore) => Promise<T>) => Promise<T>;
}

export interface HeldStore {
  readonly read: () => Promise<VaultContent | undefined>;
  readonly write: (content: VaultContent, backup?: Backup) => Promise<void>;
}

/** A change takes milliseconds, with Argon2 a second or, at its ceiling, six; longer is a process that hangs. */
const WAIT_MS = 15_000;

export function createStore({ path, pid, now, recovered }: StoreOptions): Store {
  const file = createPrivateFile({ path, format: FORMAT, version: VERSION, maxBytes: MAX_FILE_BYTES, decode: decodeContent });
  const directory = dirname(path);

  const held: HeldStore = {
    read: async () => {
      const found = await file.read();
      if (found?.problem === undefined) return found?.value;
      // Where the disk refuses, the backup still serves; setting aside is tried again by the next read.
      const bad = await file.setAside(now()).catch((error: unknown) => {
        if (error instanceof VaultError && error.kind === 'disk') return undefined;
        throw error;
      });
      recovered(found.problem, bad);
      return found.value;
    },
    write: async (content, backup) => {
      const adapter = { read: () => Promise.resolve(content), write: (data: VaultContent) => file.write(data, backup) };
      await new Low(adapter, content).write();
    },
  };

  const exclusively: Store['exclusively'] = async (job) => {
    await preparePrivateDirectory(directory);
    const lock = await acquireLock({ directory, name: 'vault', pid, now, waitMs: WAIT_MS });
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
      const found = await file.read();
      return found?.problem === undefined ? found?.value : exclusively(({ read }) => read());
    },
  };
}
