/**
 * Every way a private file or the vault in it can refuse, told apart because each wants something else of a person.
 */

export type VaultErrorKind =
  /** There is no such file yet. */
  | 'missing'
  /** There is one already, where a new one was to be made. */
  | 'exists'
  /** The passphrase or key opens no slot. */
  | 'wrong-secret'
  /** Not what was written: cut, flipped, empty, out of bounds. Without the key nobody can say who did it. */
  | 'damaged'
  /** Whole, but changed by someone who does not hold its key. */
  | 'tampered'
  /** Whole, but older than one seen before. */
  | 'rolled-back'
  /** Written by a newer tollfree. */
  | 'newer'
  /** Argon2 could not get its memory. */
  | 'no-memory'
  /** The wrong owner, open to others, or a symbolic link. */
  | 'not-private'
  /** Another process holds the lock. */
  | 'busy'
  /** The disk refused: full, read-only, failing. The old file is whole. */
  | 'disk'
  /** The keys are not in memory. */
  | 'locked'
  /** Asked for something that cannot be, e.g. a label twice. */
  | 'refused';

/** Carries what is wrong, where, and (as `hint`) the next step. Never a secret. */
export class VaultError extends Error {
  readonly kind: VaultErrorKind;
  readonly hint: string | undefined;
  constructor(kind: VaultErrorKind, message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.name = 'VaultError';
    this.kind = kind;
    this.hint = options.hint;
  }
}
