/** One coarse clock for every deadline of every call: a timer a chunk would cost more than the chunk. */
import { createInFlight } from '../in-flight.ts';
import type { Clock } from '../types.ts';

export interface Watch {
  /** Calls `check` again and again until the returned function is called. */
  add(check: (now: number) => void): () => unknown;
}

/** Deadlines are seconds long; a tenth of one is the most they fire late. */
const TICK_MS = 100;
/** A tick so late says that it was this process that slept, or was stopped: what came meanwhile is read before anybody is called silent. */
const SLEPT_MS = 1_000;

export function createWatch(now: Clock): Watch {
  const checks = createInFlight<(now: number) => void>();
  const ticking: { timer?: NodeJS.Timeout; at: number } = { at: 0 };
  const tick = (): void => {
    const time = now();
    const slept = time - ticking.at > SLEPT_MS;
    ticking.at = time;
    if (slept) return;
    for (const check of checks.items()) check(time);
    if (checks.count() > 0) return;
    clearInterval(ticking.timer);
    delete ticking.timer;
  };
  return {
    add(check) {
      const end = checks.add(check);
      if (ticking.timer === undefined) Object.assign(ticking, { at: now(), timer: setInterval(tick, TICK_MS).unref() });
      return end;
    },
  };
}
