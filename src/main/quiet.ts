/** What a start took is given back when nobody asks for anything. */
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
/** V8 shrinks the room for young objects only where little was made in it of late: the first collection may still see the start. */
const COLLECTIONS = 2;
/** Less than a dozen requests a second. */
const QUIET_SHARE = 0.05;

/**
 * V8 collects when it needs room, not when there is time: what a start took stays taken for as long as nothing happens, 32 MB of
 * it to make young objects in. So the first quiet moments after a start are used: 132 MB resident become 99, for twice 50 ms of a
 * loop that has nothing else to do. Once there is work it is over: a full collection takes along what V8 has learnt of the code
 * that ran, and thousands of requests after it cost 1.6 times as much.
 */
export function collectWhenQuiet({ busyShare, collect, everyMs = EVERY_MS }: QuietOptions): Quiet {
  const state = { owed: COLLECTIONS };
  const look = (): void => {
    const quiet = busyShare() < QUIET_SHARE;
    if (quiet) collect();
    state.owed -= 1;
    if (!quiet || state.owed === 0) clearInterval(timer);
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
 * flag and gives back 5 MB more, but drops compiled code as well.
 */
export function createCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
