/** A virtual key: whom a caller stands for, what it may ask for, and how much. */
import type { Surface } from '../types.ts';
import type { Allowance } from './amounts.ts';

/** What an operator decides. */
export interface Terms {
  /** Unique among keys that are not revoked. */
  readonly name: string;
  readonly project: string;
  /** Globs over asked-for model names, as in a rule's `models`. Absent: all. */
  readonly models?: readonly string[];
  /** Absent: all. */
  readonly surfaces?: readonly Surface[];
  readonly limits: readonly Allowance[];
  /** Of each `user` that requests name; requests without one share one. */
  readonly userLimits: readonly Allowance[];
  /** The most urgent place in line it may ask for, 0 to 9. Absent: any. */
  readonly priority?: number;
  readonly expiresAt?: number;
}

export interface VirtualKey extends Terms {
  readonly id: string;
  /** SHA-256 of the secret. */
  readonly digest: string;
  /** The secret's last characters, to tell keys apart by. */
  readonly hint: string;
  readonly createdAt: number;
  /** A revoked key is kept: its name stands in the record, and while any key ever existed the door is not open. */
  readonly revokedAt?: number;
}

/** Limits of all keys of a project together, and of everybody together. */
export interface SharedLimits {
  readonly all: readonly Allowance[];
  readonly projects: ReadonlyMap<string, readonly Allowance[]>;
}

export interface KeyFile {
  readonly keys: readonly VirtualKey[];
  readonly shared: SharedLimits;
}

export type KeyState = 'active' | 'revoked' | 'expired';

export function stateOf({ revokedAt, expiresAt }: VirtualKey, now: number): KeyState {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'active';
}
