/** Whether this process itself has become the bottleneck: then new requests are better refused at once than kept. */
import { getHeapStatistics } from 'node:v8';

export interface Load {
  /** What is short; undefined while all is well. */
  readonly short: () => 'time' | 'memory' | undefined;
  readonly close: () => void;
}

export interface LoadOptions {
  /** Requests being answered. */
  readonly underWay: () => number;
  /** Milliseconds the event loop may be late on average. */
  readonly lateMs?: number;
  /** Share of the heap that may be used. */
  readonly heapShare?: number;
  /** Milliseconds between two looks. */
  readonly everyMs?: number;
}

/** A tenth of a second late, each chunk of every stream is: more requests would only make all of them worse. */
const LATE_MS = 100;
/** Fewer make no loop late that turns at all: it is the machine then, and who is refused gains nothing. */
const MANY = 32;
/** V8 spends most of its time collecting beyond this, and dies soon after. */
const HEAP_SHARE = 0.9;
/** Long enough to even out one collection or one large body, short enough to recover within a second. */
const EVERY_MS = 500;
/** One bad look may be a pause of the machine's. */
const LOOKS = 2;
/** Twenty looks at the time a second cost nothing, and a loop that is late is late for many of them. */
const TICK_MS = 50;

export function createLoad({ underWay, lateMs = LATE_MS, heapShare = HEAP_SHARE, everyMs = EVERY_MS }: LoadOptions): Load {
  const state = { tickedAt: performance.now(), lookedAt: performance.now(), lateBy: 0, ticks: 0, late: 0, full: false };
  const look = (at: number): void => {
    state.late = state.lateBy / state.ticks > lateMs ? state.late + 1 : 0;
    Object.assign(state, { lookedAt: at, lateBy: 0, ticks: 0 });
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    state.full = used > heapShare * limit;
  };
  const timer = setInterval(() => {
    const at = performance.now();
    state.lateBy += at - state.tickedAt - TICK_MS;
    state.ticks += 1;
    state.tickedAt = at;
    if (at - state.lookedAt >= everyMs) look(at);
  }, TICK_MS);
  timer.unref();
  return {
    short() {
      if (state.full) return 'memory';
      return state.late >= LOOKS && underWay() >= MANY ? 'time' : undefined;
    },
    close: () => clearInterval(timer),
  };
}
