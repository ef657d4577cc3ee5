import type { Clock } from '../types.ts';

/**
 * The wall clock at start plus monotonic time since: a system clock that is set forward or back while the daemon runs
 * frees no quota early and stalls none. A machine that sleeps stops it too, which can only delay.
 */
export function createSteadyClock(): Clock {
  const start = Date.now() - performance.now();
  return () => start + performance.now();
}

/** Calls once after so many milliseconds; the returned function takes it back. */
export function after(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  return () => clearTimeout(timer);
}
