/**
 * The only hands on memory that holds keys: one slab from libsodium, between guard pages, out of core dumps,
 * kept from swap where the system allows, and unreadable except while a function given to it runs.
 *
 * Reading the slab outside `read` or `write` kills the process; that is the point.
 */
import sodium from 'sodium-native';

/** A promise would read the slab after it was closed again. */
type Now<T> = T extends PromiseLike<unknown> ? never : T;

export interface GuardedMemory {
  /** False where the system did not let the slab be kept from swap (`ulimit -l`). */
  readonly keptFromSwap: boolean;
  readonly read: <T>(use: (slab: Buffer) => Now<T>) => Now<T>;
  readonly write: <T>(use: (slab: Buffer) => Now<T>) => Now<T>;
  readonly wipe: () => void;
}

export function createGuardedMemory(bytes: number): GuardedMemory {
  const slab = sodium.sodium_malloc(bytes);
  const keptFromSwap = isLocked(slab);
  let readers = 0;
  sodium.sodium_mprotect_noaccess(slab);

  const memory: GuardedMemory = {
    keptFromSwap,
    read: (use) => {
      if (readers === 0) sodium.sodium_mprotect_readonly(slab);
      readers += 1;
      try {
        return use(slab);
      } finally {
        readers -= 1;
        if (readers === 0) sodium.sodium_mprotect_noaccess(slab);
      }
    },
    write: (use) => {
      if (readers > 0) throw new Error('guarded memory cannot be written while it is read');
      sodium.sodium_mprotect_readwrite(slab);
      try {
        return use(slab);
      } finally {
        sodium.sodium_mprotect_noaccess(slab);
      }
    },
    wipe: () => {
      memory.write((slab) => {
        sodium.sodium_memzero(slab);
      });
    },
  };
  return memory;
}

/** `sodium_malloc` stays silent when locking fails, so it is tried once more where failure is heard. */
function isLocked(slab: Buffer): boolean {
  try {
    sodium.sodium_mlock(slab);
    return true;
  } catch {
    return false;
  }
}

/** Zeroes a buffer that held something secret. */
export function wipe(buffer: Buffer): void {
  sodium.sodium_memzero(buffer);
}

/** Runs with a short-lived guarded buffer and wipes it whatever happens: for keys on their way. */
export async function withScratch<T>(bytes: number, use: (scratch: Buffer) => T | Promise<T>): Promise<T> {
  const scratch = sodium.sodium_malloc(bytes);
  try {
    return await use(scratch);
  } finally {
    sodium.sodium_memzero(scratch);
  }
}
