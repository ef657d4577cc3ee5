/**
 * One queue of requests that may be served by the same. Bottleneck keeps it in order and within bounds and brings the first
 * few to the front; it is the only file that knows Bottleneck.
 */
import Bottleneck from 'bottleneck';

export interface Ranked {
  /** Who goes first: lower before higher. Falls while it waits. */
  readonly level: () => number;
  /** Breaks ties: first come, first served. */
  readonly order: number;
}

export interface Lane<W extends Ranked> {
  readonly size: number;
  /** In no order. */
  readonly front: () => readonly W[];
  readonly waiters: ReadonlySet<W>;
  join(waiter: W): void;
  /** False where it was not here. */
  leave(waiter: W): boolean;
  /** Moves everyone in the queue who has waited long enough to a better level. */
  age(): void;
}

export interface LaneOptions<W> {
  /** The most that ever wait. */
  readonly bound: number;
  /** Somebody came to the front. */
  readonly arrived: () => void;
  /** Bottleneck would not take one more. */
  readonly refused: (waiter: W) => void;
}

/** Bottleneck's priorities, 0 to 9. */
const LEVELS = 10;
/** Bottleneck takes about 3 ms to bring the next to the front: eight at the front keep up with a window that frees many at once. */
const FRONT = 8;

/** Void places are cheap, but those of the worst levels never come to their turn while others keep coming: so many more than waiters, and the queue is made anew. */
const MOST_VOID = 100;

/** Milliseconds the system clock may be set back unnoticed. */
const SET_BACK_MS = 100;

/** How far the system's clock is ahead of one that nobody sets. */
const aheadOfSteady = (): number => Date.now() - performance.now();

const within = (level: number): number => Math.min(LEVELS - 1, Math.max(0, level));

export const ahead = (one: Ranked, other: Ranked): number => one.level() - other.level() || one.order - other.order;

export function createLane<W extends Ranked>({ bound, arrived, refused }: LaneOptions<W>): Lane<W> {
  // OVERFLOW refuses the newest. A waiter that ages leaves void places behind, at most one a level.
  const fresh = (): Bottleneck => new Bottleneck({ maxConcurrent: FRONT, highWater: (bound + MOST_VOID) * LEVELS, strategy: Bottleneck.strategy.OVERFLOW });
  let limiter = fresh();
  let clock = aheadOfSteady();
  const waiters = new Set<W>();
  /** Those at the front, each with the end of the Bottleneck job that holds the place. */
  const front = new Map<W, () => void>();
  /** The level of each one's place in the queue; an older place is void. */
  const queued = new Map<W, number>();

  function queue(waiter: W, wanted: number): void {
    const level = within(wanted);
    queued.set(waiter, level);
    const turn = (): Promise<void> => {
      if (queued.get(waiter) !== level) return Promise.resolve();
      queued.delete(waiter);
      const gone = new Promise<void>((resolve) => void front.set(waiter, resolve));
      arrived();
      return gone;
    };
    const own = limiter;
    own.schedule({ priority: level }, turn).catch(() => {
      if (own === limiter) refused(waiter);
    });
  }

  /** The same queue without its void places. Whoever is at the front stays there. */
  function renew(): void {
    const old = limiter;
    limiter = fresh();
    clock = aheadOfSteady();
    void old.stop({ dropWaitingJobs: true });
    for (const [waiter, level] of queued) queue(waiter, level);
  }

  /** A newcomer that outranks someone at a full front takes over that place; the other goes back to the queue, ahead of its own level. */
  function overtake(newcomer: W): boolean {
    const last = front.size < FRONT ? undefined : [...front.keys()].sort(ahead).at(-1);
    const place = last && front.get(last);
    if (last === undefined || place === undefined || ahead(newcomer, last) > 0) return false;
    front.delete(last);
    front.set(newcomer, place);
    queue(last, last.level() - 1);
    arrived();
    return true;
  }

  /** Bottleneck goes by the system's clock: set back by an hour, even to where it was before, it lets nobody through for an hour. */
  function heedClock(): void {
    const now = aheadOfSteady();
    if (now < clock - SET_BACK_MS) renew();
    else clock = Math.max(clock, now);
  }

  return {
    get size() { return waiters.size; },
    front: () => [...front.keys()],
    waiters,
    join(waiter) {
      heedClock();
      waiters.add(waiter);
      if (!overtake(waiter)) queue(waiter, waiter.level());
    },
    leave(waiter) {
      heedClock();
      front.get(waiter)?.();
      front.delete(waiter);
      queued.delete(waiter);
      return waiters.delete(waiter);
    },
    age() {
      heedClock();
      for (const [waiter, level] of queued) if (within(waiter.level()) < level) queue(waiter, waiter.level());
      if (limiter.queued() > queued.size + MOST_VOID) renew();
    },
  };
}
