/**
 * While nobody named a limit for a minute, requests beyond what was ever admitted go one by one: the next when upstream
 * admitted the last. So an unknown limit costs one refusal to learn, and not one for every call that is under way.
 */
import type { Pool, PoolModel } from './pools.ts';

/** A refusal is back within a round trip; a call that is out for longer has been admitted. */
const REFUSAL_MS = 500;
/** No free tier that keeps its limit to itself admits more in a minute; beyond it there is probably none. */
const CAUTIOUS_REQUESTS = 60;
/** Longer windows say nothing of how many may go at once. */
const LONGEST_SECONDS = 3600;

export function unprovenUntil(pool: Pool, { meter, proven, lastTakeAt }: PoolModel, now: number): number {
  if (meter.taken.requests === meter.answered.requests) return now;
  if (meter.knows('requests', LONGEST_SECONDS) || pool.meter.knows('requests', LONGEST_SECONDS)) return now;
  const used = meter.minute(now);
  return used < proven || used >= CAUTIOUS_REQUESTS ? now : Math.max(now, lastTakeAt + REFUSAL_MS);
}
