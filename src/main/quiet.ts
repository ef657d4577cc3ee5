/** Memory is given back when nobody asks for anything. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Quiet {
  readonly close: () => void;
}

export interface QuietOptions {
  /** Processor time a unit of time, since it was last asked. */
  readonly busyShare: () => number;
  readonly collect: () => void;
  /** Milliseconds between two looks. */
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;
/** V8 shrinks the room for young objects only where little was made in it of late: the first collection may still see the rush. */
const COLLECTIONS = 2;
/** Seldom enough asked that little has piled up since the last collection. */
const QUIET_SHARE = 0.05;

/**
 * V8 collects when it needs room, not when there is time: what a start or a rush took stays taken for as long as nothing
 * happens, 32 MB of it to make young objects in. So after the start, and after each rush, the first quiet moments are used.
 * After the start 132 MB resident become 97, after a rush 180 become 120, for twice 50 ms of a loop that has nothing else to do.
 */
export function collectWhenQuiet({ busyShare, collect, everyMs = EVERY_MS }: QuietOptions): Quiet {
  const state = { owed: COLLECTIONS };
  const look = (): void => {
    if (busyShare() >= QUIET_SHARE) state.owed = COLLECTIONS;
    else if (state.owed > 0) {
      state.owed -= 1;
      collect();
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return { close: () => clearInterval(timer) };
}

/** How busy this process was since the last question. In processor time: on a starved machine an event loop seems busy that only waits its turn. */
export function createBusyShare(): () => number {
  const state = { cpu: process.cpuUsage(), at: performance.now() };
  return () => {
    const { user, system } = process.cpuUsage(state.cpu);
    const passedMs = performance.now() - state.at;
    Object.assign(state, { cpu: process.cpuUsage(), at: performance.now() });
    return (user + system) / 1000 / passedMs;
  };
}

/**
 * One full collection. It is behind a flag, and in every context made while that is set. The inspector's collection needs no
 * flag and gives back 5 MB more, but drops compiled code as well: the next thousand requests cost half as much again.
 */
export function createCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
