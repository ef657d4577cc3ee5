/** Where virtual keys live: a lowdb database over a private file, and the lock that keeps its writers apart. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Low } from 'lowdb';
import { FailureError } from '../failure.ts';
import { preparePrivateDirectory } from '../vault/durable-write.ts';
import { VaultError } from '../vault/errors.ts';
import { createPrivateFile } from '../vault/private-file.ts';
import { acquireLock } from '../vault/process-lock.ts';
import { decodeKeys, encodeKeys } from './format.ts';
import type { KeyFile } from './virtual-key.ts';

export interface StoreOptions {
  readonly path: string;
  readonly pid: number;
  readonly now: () => number;
  /** Told when the file was bad, set aside, and its backup taken. */
  readonly recovered: (problem: string, setAside: string | undefined) => void;
}

export interface HeldStore {
  /** Undefined where there is none. */
  readonly read: () => Promise<KeyFile | undefined>;
  readonly write: (content: KeyFile) => Promise<void>;
}

/** Everything throws a VaultError: `damaged` where neither file nor backup is good, for nothing is begun anew over a bad file. */
export interface Store {
  readonly read: () => Promise<KeyFile | undefined>;
  /** Whether the file is another than when it was last read or written here. */
  readonly changed: () => Promise<boolean>;
  /** No other process writes meanwhile. */
  readonly exclusively: <T>(job: (held: HeldStore) => Promise<T>) => Promise<T>;
}

/** A key is about 400 bytes: room for 40,000, revoked ones included. */
const MAX_BYTES = 16 * 2 ** 20;
/** Writers hold the lock for milliseconds; longer is a process that hangs. */
const WAIT_MS = 15_000;

export function createStore({ path, pid, now, recovered }: StoreOptions): Store {
  const file = createPrivateFile<unknown>({ path, format: 'tollfree-keys', version: 1, maxBytes: MAX_BYTES, decode: checked });
  const directory = dirname(path);
  const last: { stamp: string; problem: VaultError | undefined } = { stamp: '', problem: undefined };
  const database = new Low<unknown>(
    {
      read: async () => {
        const found = await file.read();
        last.problem = found?.problem;
        return found?.value ?? null;
      },
      // The backup too: out of an older one a revoked key would come back to life.
      write: (content) => file.write(content, 'same'),
    },
    null,
  );

  const load = async (): Promise<KeyFile | undefined> => {
    last.stamp = await stampOf(path);
    database.data = null;
    await database.read();
    return database.data === null ? undefined : decodeKeys(database.data);
  };

  const held: HeldStore = {
    read: async () => {
      const content = await load();
      if (last.problem !== undefined) recovered(last.problem.message, await file.setAside(now()));
      return content;
    },
    write: async (content) => {
      database.data = encodeKeys(content);
      await database.write();
      last.stamp = await stampOf(path);
    },
  };

  const exclusively: Store['exclusively'] = async (job) => {
    await preparePrivateDirectory(directory);
    const lock = await acquireLock({ directory, name: 'keys', pid, now, waitMs: WAIT_MS });
    try {
      return await job(held);
    } finally {
      await lock.release();
    }
  };

  return {
    exclusively,
    read: async () => {
      // A whole file needs no lock, because it is replaced in one step: a full disk stops no reader.
      const content = await load();
      return last.problem === undefined ? content : exclusively(({ read }) => read());
    },
    changed: async () => (await stampOf(path)) !== last.stamp,
  };
}

/** The content as it is, once it is known to be one. */
function checked(content: unknown): unknown {
  try {
    decodeKeys(content);
    return content;
  } catch (error) {
    if (error instanceof FailureError) throw new VaultError('damaged', error.message, { cause: error });
    throw error;
  }
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs}`;
}
