/** One daemon a data directory: two would count the same quota twice and each forget what the other learned. */
import { preparePrivateDirectory } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { acquireLock, type Lock } from './process-lock.ts';

export interface DaemonLockOptions {
  readonly directory: string;
  readonly pid: number;
  readonly now: () => number;
}

/** Long enough for two that start in the same moment to settle who goes first. */
const WAIT_MS = 300;

/** Throws `busy` with who holds it. Given back by the system when the process ends, however it ends. */
export async function lockDataDirectory({ directory, pid, now }: DaemonLockOptions): Promise<Lock> {
  await preparePrivateDirectory(directory);
  try {
    return await acquireLock({ directory, name: 'daemon', pid, now, waitMs: WAIT_MS });
  } catch (error) {
    if (!(error instanceof VaultError) || error.kind !== 'busy') throw error;
    throw new VaultError('busy', error.message.replace(/^.* is held by/, `${directory} is already served by`), { cause: error, hint: 'stop that daemon, or give this one another TOLLFREE_DATA_DIR and port' });
  }
}
