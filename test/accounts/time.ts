/** Virtual time: timers fire when a test moves it on. */

/** Noon on a Tuesday, away from every turn of a day. */
export const START = Date.UTC(2026, 2, 10, 12, 0, 0);

export interface Time {
  readonly now: () => number;
  readonly after: (ms: number, call: () => void) => () => void;
  /** Moves on, calling every timer due on the way, and lets everything settle between. */
  readonly advance: (ms: number) => Promise<void>;
  /** Moves on without calling anyone. */
  readonly skip: (ms: number) => void;
  /** How many timers have not run yet. */
  readonly armed: () => number;
  /** Until everything that can happen now has happened. */
  readonly settle: () => Promise<void>;
}

/** Real timers of no length that have not run yet: Bottleneck passes a job on over several of them. */
const pending = new Set<object>();

globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
  apply(target, _this, [call, ms, ...rest]: [(...args: unknown[]) => void, number | undefined, ...unknown[]]) {
    if (ms !== undefined && ms > 1) return target(call, ms, ...rest);
    const timer = {};
    pending.add(timer);
    return target(() => {
      pending.delete(timer);
      call(...rest);
    }, ms);
  },
});

async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet += 1) {
    await new Promise((resolve) => void setImmediate(resolve));
    if (pending.size > 0) quiet = 0;
  }
}

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

export function createTime(start = START): Time {
  const timers = new Map<number, Timer>();
  let at = start;
  let next = 0;

  function earliest(until: number): [number, Timer] | undefined {
    let found: [number, Timer] | undefined;
    for (const entry of timers) if (entry[1].at <= until && (found === undefined || entry[1].at < found[1].at)) found = entry;
    return found;
  }

  return {
    now: () => at,
    after(ms, call) {
      next += 1;
      const id = next;
      timers.set(id, { at: at + ms, call });
      return () => void timers.delete(id);
    },
    async advance(ms) {
      const until = at + ms;
      await settle();
      for (let due = earliest(until); due !== undefined; due = earliest(until)) {
        timers.delete(due[0]);
        at = Math.max(at, due[1].at);
        due[1].call();
        await settle();
      }
      at = until;
    },
    skip(ms) {
      at += ms;
    },
    armed: () => timers.size,
    settle,
  };
}
