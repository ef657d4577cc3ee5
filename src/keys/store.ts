/** Where virtual keys live. */
import { FailureError } from '../failure.ts';
import { VaultError } from '../vault/errors.ts';
import { createLockedFile } from '../vault/locked-file.ts';
import type { LockedFile, LockedFileOptions } from '../vault/locked-file.ts';
import { decodeKeys, encodeKeys } from './format.ts';
import type { KeyFile } from './virtual-key.ts';

/** A key is about 400 bytes: room for 40,000, revoked ones included. */
const MAX_BYTES = 16 * 2 ** 20;

export const createStore = (options: Pick<LockedFileOptions<KeyFile>, 'path' | 'pid' | 'now' | 'recovered'>): LockedFile<KeyFile> =>
  createLockedFile({ ...options, format: 'tollfree-keys', version: 1, maxBytes: MAX_BYTES, lock: 'keys', encode: encodeKeys, decode });

function decode(content: unknown): KeyFile {
  try {
    return decodeKeys(content);
  } catch (error) {
    if (error instanceof FailureError) throw new VaultError('damaged', error.message, { cause: error });
    throw error;
  }
}
