/** `/health`, `/health/live`, `/health/ready`: for people, supervisors and load balancers. */
import { Router } from 'express';
import type { AccountView } from '../accounts/accounts.ts';
import type { RecordHealth } from '../usage/record.ts';

export interface HealthOptions {
  readonly version: string;
  readonly now: () => number;
  readonly startedAt: number;
  readonly vaultUnlocked: () => boolean;
  readonly draining: () => boolean;
  readonly accounts: () => readonly AccountView[];
  readonly waiting: () => number;
  readonly record: () => RecordHealth;
  /** What cannot be written down now, and which file is wrong and not in force. Requests are served all the same. */
  readonly problems: () => readonly { readonly part: string; readonly message: string }[];
  /** Processes that should take connections, and that do. Absent: this one does. */
  readonly workers?: () => { readonly wanted: number; readonly running: number };
}

export function healthRoutes({ version, now, startedAt, vaultUnlocked, draining, accounts, waiting, record, problems, workers }: HealthOptions): Router {
  const router = Router();
  const reason = (): string | undefined => {
    if (draining()) return 'shutting down';
    if (!vaultUnlocked()) return 'the vault is locked';
    return undefined;
  };
  router.get('/health', (_request, response) => {
    const views = accounts();
    const states = Object.fromEntries(['active', 'resting', 'suspended', 'disabled'].map((state) => [state, views.filter((view) => view.state === state).length]));
    const why = reason();
    const unwritten = problems();
    const team = workers?.();
    const whole = unwritten.length === 0 && (team === undefined || team.running >= team.wanted);
    response.json({
      status: why === undefined ? (whole ? 'ok' : 'degraded') : 'not ready',
      ...(why !== undefined && { reason: why }),
      problems: unwritten,
      version,
      uptime_seconds: Math.round((now() - startedAt) / 1000),
      vault: vaultUnlocked() ? 'unlocked' : 'locked',
      accounts: { total: views.length, ...states },
      waiting: waiting(),
      record: record(),
      ...(team && { workers: team }),
    });
  });
  router.get('/health/live', (_request, response) => void response.json({ status: 'ok' }));
  router.get('/health/ready', (_request, response) => {
    const why = reason();
    response.status(why === undefined ? 200 : 503).json(why === undefined ? { status: 'ok' } : { status: 'not ready', reason: why });
  });
  return router;
}
