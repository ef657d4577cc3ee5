/**
 * The highest epoch seen, in a small file beside the vault: an older vault put in its place is noticed.
 *
 * It catches a restored or synchronised copy of the vault alone. Whoever brings back or deletes both files together is
 * not caught; while a process runs, its own memory still knows. A file that cannot be verified counts as none, because
 * anyone who could spoil it could as well have deleted it.
 */
import { readPrivate } from './private-file.ts';
import { writeDurably } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { sameCheck, type Keyring } from './keyring.ts';

export interface EpochFile {
  /** 0 where nobody remembers. */
  readonly read: (keyring: Keyring) => Promise<number>;
  readonly write: (keyring: Keyring, epoch: number) => Promise<void>;
}

const LINE = /^([1-9]\d{0,15}) ([\w-]{43})\n$/;
const MAX_BYTES = 128;

/** One line: the epoch and its check under a subkey of the root key. */
export function createEpochFile(path: string): EpochFile {
  return {
    read: async (keyring) => {
      const line = await readPrivate(path, MAX_BYTES).catch((error: unknown) => {
        if (error instanceof VaultError && error.kind === 'damaged') return undefined;
        throw error;
      });
      const [, epoch, check] = LINE.exec(line ?? '') ?? [];
      return epoch !== undefined && check !== undefined && sameCheck(check, keyring.epochCheck(Number(epoch))) ? Number(epoch) : 0;
    },
    write: (keyring, epoch) => writeDurably(path, `${epoch} ${keyring.epochCheck(epoch)}\n`, 'untouched'),
  };
}
