/** Whether this process itself has become the bottleneck: then new requests are better refused at once than kept. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

export interface Load {
  /** What is short; undefined while all is well. */
  readonly short: () => 'time' | 'memory' | undefined;
  readonly close: () => void;
}

export interface LoadOptions {
  /** Milliseconds the event loop may be late on average. */
  readonly lateMs?: number;
  /** Share of the heap that may be used. */
  readonly heapShare?: number;
  /** Milliseconds between two looks. */
  readonly everyMs?: number;
}

/** A tenth of a second late, each chunk of every stream is: more requests would only make all of them worse. */
const LATE_MS = 100;
/** V8 spends most of its time collecting beyond this, and dies soon after. */
const HEAP_SHARE = 0.9;
/** Long enough to even out one collection or one large body, short enough to recover within a second. */
const EVERY_MS = 500;
/** One bad look may be a pause of the machine's. */
const LOOKS = 2;
const RESOLUTION_MS = 20;

export function createLoad({ lateMs = LATE_MS, heapShare = HEAP_SHARE, everyMs = EVERY_MS }: LoadOptions = {}): Load {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const state = { late: 0, full: false };
  const timer = setInterval(() => {
    const meanMs = Number.isNaN(delay.mean) ? 0 : delay.mean / 1e6 - RESOLUTION_MS;
    delay.reset();
    state.late = meanMs > lateMs ? state.late + 1 : 0;
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    state.full = used > heapShare * limit;
  }, everyMs);
  timer.unref();
  return {
    short() {
      if (state.full) return 'memory';
      return state.late >= LOOKS ? 'time' : undefined;
    },
    close() {
      clearInterval(timer);
      delay.disable();
    },
  };
}
