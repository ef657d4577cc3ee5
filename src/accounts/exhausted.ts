/** The error for a request nobody can serve: what ruled each candidate out, and the earliest true time. */
import { FailureError } from '../failure.ts';
import type { Attempt, Target } from '../types.ts';
import type { Ruled } from './choice.ts';
import { UNPROVEN } from './proof.ts';

/** Where waiting helps: everything else is an outage, or needs a human. */
const QUOTA: ReadonlySet<string> = new Set(['rate-minute', 'rate-day', 'concurrent', 'unproven', 'balance']);

const time = (at: number): string => `${new Date(Math.ceil(at / 1000) * 1000).toISOString().slice(0, 19)}Z`;

export const earliest = (ruled: readonly Ruled[]): number => ruled.reduce((least, { freeAt }) => Math.min(least, freeAt), Number.POSITIVE_INFINITY);

/** When a newcomer would be served, or at least somebody asked for it. */
const soonest = (ruled: readonly Ruled[]): number => ruled.reduce((least, { freeAt, lastResortAt = freeAt }) => Math.min(least, lastResortAt), Number.POSITIVE_INFINITY);

/** Whether waiting for quota helps. */
const isExhausted = (ruled: readonly Ruled[]): boolean => ruled.some(({ outcome, freeAt }) => QUOTA.has(outcome) && Number.isFinite(freeAt));

export function attemptsOf(ruled: readonly Ruled[], now: number): readonly Attempt[] {
  return ruled.filter(({ excluded }) => excluded !== true).map(({ option, outcome, freeAt }) => ({
    provider: option.provider, account: option.account.label, model: option.model, outcome, sent: false,
    ...(Number.isFinite(freeAt) && { retryAt: freeAt }), startedAt: now, endedAt: now,
  }));
}

export function nobody(ruled: readonly Ruled[], targets: readonly Target[], now: number): FailureError {
  const attempts = attemptsOf(ruled, now);
  const at = soonest(ruled);
  const retryAt = Number.isFinite(at) ? { retryAt: at } : {};
  if (ruled.length === 0) {
    const names = [...new Set(targets.map(({ provider }) => provider.name))].join(', ');
    return new FailureError({ kind: 'unavailable', message: `no account for ${names}; add one with: tollfree accounts add`, attempts });
  }
  if (ruled.every(({ outcome }) => outcome === 'too-long')) {
    return new FailureError({ kind: 'too-large', message: 'the request is larger than any account may send at once; shorten its prompt or recording, or allow a provider with larger limits' });
  }
  if (isExhausted(ruled)) {
    const unproven = ruled.some(({ outcome, freeAt }) => outcome === 'unproven' && freeAt === at) ? `; ${UNPROVEN}` : '';
    return new FailureError({ kind: 'exhausted', message: `no account can answer before ${time(at)}${unproven}`, ...retryAt, attempts });
  }
  const reasons = [...new Set(ruled.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'excluded'))];
  const message = reasons.length === 0 ? 'nobody is left to ask' : `no provider is available (${reasons.join(', ')})`;
  return new FailureError({ kind: 'unavailable', message: `${message}; tollfree status tells more`, ...retryAt, attempts });
}

export function lineFull(ruled: readonly Ruled[], now: number): FailureError {
  const at = Math.max(now, soonest(ruled));
  return new FailureError({
    kind: isExhausted(ruled) ? 'exhausted' : 'unavailable', message: `too many requests wait already; try again at ${time(at)}`, ...(Number.isFinite(at) && { retryAt: at }), attempts: attemptsOf(ruled, now),
  });
}
