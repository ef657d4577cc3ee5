/** What a vault refuses, as a failure that HTTP can tell. */
import { FailureError } from '../failure.ts';
import type { RequestFailure } from '../failure.ts';
import { VaultError } from '../vault/errors.ts';
import type { VaultErrorKind } from '../vault/errors.ts';

/** What an operator can mend by asking otherwise; all else is a matter of disk, memory or foul play. */
const KINDS: Readonly<Partial<Record<VaultErrorKind, RequestFailure['kind'] & ('forbidden' | 'not-found' | 'invalid-request' | 'vault-locked')>>> = {
  'wrong-secret': 'forbidden',
  'missing': 'not-found',
  'locked': 'vault-locked',
  'refused': 'invalid-request',
};

export async function asFailure<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
    throw new FailureError({ kind: KINDS[error.kind] ?? 'internal', message }, { cause: error });
  }
}
