/** The operator's sessions in browsers: a secret in a cookie, and here only its hash. */
import { createHash } from 'node:crypto';
import type { Clock } from '../types.ts';

export interface Sessions {
  readonly open: () => { readonly secret: string; readonly expiresAt: number };
  /** When this session ends; undefined where there is none. */
  readonly expiryOf: (secret: string) => number | undefined;
  readonly close: (secret: string) => void;
}

/** A working day. */
export const SESSION_MS = 12 * 3_600_000;
/** One operator's browsers; the oldest session ends first. */
const MOST_SESSIONS = 50;
const SECRET_BYTES = 32;

export function createSessions({ now, random }: { readonly now: Clock; readonly random: (bytes: number) => Buffer }): Sessions {
  const expiries = new Map<string, number>();
  return {
    open() {
      const secret = random(SECRET_BYTES).toString('base64url');
      const expiresAt = now() + SESSION_MS;
      expiries.set(nameOf(secret), expiresAt);
      const [oldest] = expiries.keys();
      if (expiries.size > MOST_SESSIONS && oldest !== undefined) expiries.delete(oldest);
      return { secret, expiresAt };
    },
    expiryOf(secret) {
      const expiry = expiries.get(nameOf(secret));
      return expiry !== undefined && expiry > now() ? expiry : undefined;
    },
    close: (secret) => void expiries.delete(nameOf(secret)),
  };
}

/** Looked up by hash: how long the search takes says nothing about the secret. */
const nameOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
