/** `/admin/vault`: its state, locking, unlocking, a new data key, and what was done. */
import { Router } from 'express';
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import { check } from '../schema.ts';
import type { Clock } from '../types.ts';
import { addressOf, createAttempts } from './attempts.ts';
import { readJson } from './body.ts';
import { idPage } from './pages.ts';

export interface AdminVaultOptions {
  readonly now: Clock;
  readonly vault: {
    readonly status: () => VaultState;
    readonly lock: () => void;
    /** Throws `forbidden` for a passphrase that opens nothing. */
    readonly unlock: (passphrase: string) => Promise<void>;
    readonly rotate: () => Promise<void>;
    /** Whether the audit log is whole, and its newest entries first. Throws `invalid-request` where `after` is none of it. */
    readonly auditTrail: (page: TrailPage) => Promise<{ readonly entries: number; readonly problem?: string; readonly vouched: boolean } & Trail>;
  };
}

export interface TrailPage {
  /** The hash of the entry that is told before. Absent: from the newest on. */
  readonly after?: string;
  readonly limit: number;
}

export interface Trail {
  readonly newest: readonly unknown[];
  /** Where there are older ones. */
  readonly next?: string;
}

export interface VaultState {
  readonly state: 'absent' | 'locked' | 'unlocked';
  readonly accounts: number;
  readonly unlocks: readonly string[];
  readonly epoch: number;
  readonly keptFromSwap?: boolean;
}

export const opening = z.strictObject({ passphrase: z.string() });

const PASSPHRASE_BODY_LIMIT = 16 * 1024;

/** To be mounted at `/admin/vault`. */
export function adminVaultRoutes({ vault, now }: AdminVaultOptions): Router {
  const attempts = createAttempts(now);
  const unlocking = { busy: false };
  const told = (): unknown => {
    const { state, accounts, unlocks, epoch, keptFromSwap } = vault.status();
    return { state, unlocked: state !== 'locked', accounts, unlocks, epoch, ...(keptFromSwap !== undefined && { kept_from_swap: keptFromSwap }) };
  };

  const router = Router();
  router.get('/', (_request, response) => void response.json(told()));
  router.get('/audit', async (request, response) => void response.json(await vault.auditTrail(check(idPage, request.query))));
  router.post('/lock', (_request, response) => {
    vault.lock();
    response.json(told());
  });
  router.post('/rotate', async (_request, response) => {
    await vault.rotate();
    response.json(told());
  });
  router.post('/unlock', async (request, response) => {
    const { passphrase } = check(opening, await readJson(request, PASSPHRASE_BODY_LIMIT));
    const address = addressOf(request);
    attempts.allow(address);
    // Each try holds 256 MiB for half a second.
    if (unlocking.busy) throw new FailureError({ kind: 'too-many-attempts', message: 'another attempt to unlock the vault is under way; wait for it', retryAt: now() + 1_000 });
    unlocking.busy = true;
    try {
      await vault.unlock(passphrase);
      attempts.succeeded(address);
    } catch (error) {
      if (error instanceof FailureError && error.failure.kind === 'forbidden') attempts.failed(address);
      throw error;
    } finally {
      unlocking.busy = false;
    }
    response.json(told());
  });
  return router;
}
