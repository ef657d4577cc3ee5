/** Memory is given back when nobody asks for anything. */
import { promisify } from 'node:util';

export interface Quiet {
  readonly close: () => void;
}

export interface QuietOptions {
  /** Share of the time the event loop was at work since it was last asked. */
  readonly busyShare: () => number;
  readonly collect: () => Promise<void>;
  /** Milliseconds between two looks. */
  readonly everyMs?: number;
}

/** Longer than between the requests of somebody at work, shorter than anybody waits to see what an idle process takes. */
const EVERY_MS = 5_000;
/** Seldom enough asked that little has piled up since the last collection. */
const QUIET_SHARE = 0.05;

/**
 * V8 collects when it needs room, not when there is time: what a start or a rush took stays taken for as long as nothing
 * happens, 32 MB of it to make young objects in. So after the start, and after each rush, the first quiet moment is used once.
 * 137 MB resident become 88, for 60 ms of a loop that has nothing else to do.
 */
export function collectWhenQuiet({ busyShare, collect, everyMs = EVERY_MS }: QuietOptions): Quiet {
  const state = { owed: true };
  const look = (): void => {
    const quiet = busyShare() < QUIET_SHARE;
    if (quiet && state.owed) void collect();
    state.owed = !quiet;
  };
  const timer = setInterval(look, everyMs).unref();
  return { close: () => clearInterval(timer) };
}

/** How busy the event loop was since the last question. */
export function createBusyShare(): () => number {
  const state = { before: performance.eventLoopUtilization() };
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, state.before);
    state.before = now;
    return utilization;
  };
}

/** The inspector's is the only collection that gives memory back to the system and can be asked for without a flag. */
export async function collectGarbage(): Promise<void> {
  if (!process.features.inspector) return;
  const { Session } = await import('node:inspector');
  const session = new Session();
  session.connect();
  try {
    await promisify<string, void>((method, done) => session.post(method, done))('HeapProfiler.collectGarbage');
  } finally {
    session.disconnect();
  }
}
