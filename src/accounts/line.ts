/**
 * Who waits, in what order. Bottleneck orders and bounds each lane; when the next may go is decided by the windows,
 * which the waiters at the front ask.
 *
 * Requests with the same options share a lane, so nobody waits behind someone who waits for something else.
 */
import Bottleneck from 'bottleneck';

/** Timers as an argument, so that tests run in their own time. */
export interface Scheduler {
  readonly now: () => number;
  /** Calls once after `ms`; the returned function takes it back. */
  readonly after: (ms: number, call: () => void) => () => void;
}

/** What keeps a waiter from being served: until when, and whose places it therefore holds against those behind it. */
export interface Wait {
  readonly freeAt: number;
  readonly claims: readonly string[];
}

export interface Place<T> {
  /** Waiters of one lane have the same options. */
  readonly lane: string;
  /** Everything this lane may be served by. */
  readonly claims: readonly string[];
  /** 0 goes first. */
  readonly priority: number;
  /** Who asks: nobody's many requests delay somebody else's few. */
  readonly caller: string;
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Takes a turn, or tells what is missing. Whatever is in `claimed` belongs to those ahead. */
  serve(claimed: ReadonlySet<string>): { readonly served: T } | Wait;
  /** The error for a waiter the line gives up on. */
  refuse(reason: 'full' | 'deadline' | 'cancelled'): Error;
}

export interface Line<T> {
  readonly size: number;
  /** Joins the line; resolves when served. Served at once where nobody ahead wants the same. */
  enter(place: Place<T>): Promise<T>;
  /** How many wait for something in `claims`. */
  ahead(claims: ReadonlySet<string>): number;
  /** Something freed sooner than expected. */
  wake(): void;
}

type Outcome<T> = { readonly served: T } | { readonly error: Error };

interface Waiter<T> {
  readonly place: Place<T>;
  readonly order: number;
  readonly since: number;
  /** Priority, worse by one for every request its caller already had waiting. */
  readonly level: number;
  /** The level of its place in Bottleneck's queue; an older place is void. */
  queued: number;
  /** Ends the Bottleneck job that holds this waiter's place at the front. */
  leaveFront: (() => void) | undefined;
  readonly finish: (outcome: Outcome<T>) => void;
}

interface Lane<T> {
  readonly limiter: Bottleneck;
  readonly waiters: Set<Waiter<T>>;
  readonly front: Set<Waiter<T>>;
  readonly claims: readonly string[];
}

/** A waiter gains one of the ten levels every 3 s, so the lowest is among the highest within the default deadline of 30 s. */
const AGE_MS = 3000;
const LEVELS = 10;
/** Bottleneck takes about 3 ms to bring the next to the front: eight at the front keep up with a window that frees many at once. */
const FRONT = 8;

const queueLevel = (level: number): number => Math.min(LEVELS - 1, Math.max(0, level));

/** Node's timers fire at once beyond 24.8 days; looking once a minute costs nothing. */
const LONGEST_TIMER_MS = 60_000;

export function createLine<T>(scheduler: Scheduler, bound: number): Line<T> {
  const lanes = new Map<string, Lane<T>>();
  let size = 0;
  let arrivals = 0;
  let cancelTimer: (() => void) | undefined;
  let cancelAgeing: (() => void) | undefined;
  let waking = false;

  /** Falls for ever, so that those who waited long keep their order among each other. */
  const levelOf = ({ level, since }: Waiter<T>): number => level - Math.floor((scheduler.now() - since) / AGE_MS);
  const ahead = (one: Waiter<T>, other: Waiter<T>): number => levelOf(one) - levelOf(other) || one.order - other.order;

  function laneOf({ lane, claims }: Place<T>): Lane<T> {
    const known = lanes.get(lane);
    if (known !== undefined) return known;
    // OVERFLOW refuses the newest. A waiter that ages leaves void places behind, one a level at most.
    const limiter = new Bottleneck({ maxConcurrent: FRONT, highWater: bound * LEVELS, strategy: Bottleneck.strategy.OVERFLOW });
    const made: Lane<T> = { limiter, waiters: new Set(), front: new Set(), claims };
    lanes.set(lane, made);
    return made;
  }

  /** Takes a place in Bottleneck's queue; the job that gets its turn stands at the front until the waiter leaves it. */
  function queue(lane: Lane<T>, waiter: Waiter<T>, wanted: number): void {
    const level = queueLevel(wanted);
    waiter.queued = level;
    const turn = (): Promise<void> => {
      if (!lane.waiters.has(waiter) || waiter.queued !== level || waiter.leaveFront !== undefined) return Promise.resolve();
      const gone = new Promise<void>((resolve) => {
        waiter.leaveFront = resolve;
      });
      lane.front.add(waiter);
      serveFronts();
      return gone;
    };
    lane.limiter.schedule({ priority: level }, turn).catch(() => leave(waiter, { error: waiter.place.refuse('full') }));
  }

  function leaveFront(lane: Lane<T>, waiter: Waiter<T>): void {
    lane.front.delete(waiter);
    waiter.leaveFront?.();
    waiter.leaveFront = undefined;
  }

  function leave(waiter: Waiter<T>, outcome: Outcome<T>): void {
    const lane = lanes.get(waiter.place.lane);
    if (lane?.waiters.delete(waiter) === true) {
      size -= 1;
      leaveFront(lane, waiter);
      if (lane.waiters.size === 0) lanes.delete(waiter.place.lane);
    }
    waiter.finish(outcome);
  }

  /** Asks everyone at the front, best first. Whoever cannot go keeps what it waits for from those behind it. */
  function serveFronts(newcomer?: Waiter<T>): void {
    const claimed = new Set<string>();
    const waiters = newcomer === undefined ? [] : [newcomer];
    for (const lane of lanes.values()) {
      if (lane.front.size === 0) for (const claim of lane.claims) claimed.add(claim);
      waiters.push(...lane.front);
    }
    let next = Number.POSITIVE_INFINITY;
    for (const waiter of waiters.sort(ahead)) {
      const outcome = waiter.place.serve(claimed);
      if ('served' in outcome) {
        leave(waiter, outcome);
      } else {
        next = Math.min(next, outcome.freeAt);
        for (const claim of outcome.claims) claimed.add(claim);
      }
    }
    arm(next);
  }

  function arm(at: number): void {
    cancelTimer?.();
    const ms = Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(at - scheduler.now())));
    cancelTimer = Number.isFinite(at) ? scheduler.after(ms, serveFronts) : undefined;
  }

  /** Moves everyone who waited long enough to a better level. */
  function age(): void {
    cancelAgeing = undefined;
    for (const lane of lanes.values()) {
      for (const waiter of lane.waiters) {
        if (waiter.leaveFront === undefined && queueLevel(levelOf(waiter)) < waiter.queued) queue(lane, waiter, levelOf(waiter));
      }
    }
    keepAgeing();
  }

  function keepAgeing(): void {
    if (size > 0) cancelAgeing ??= scheduler.after(AGE_MS, age);
  }

  /** A newcomer that outranks someone at a full front takes over that place; the other goes back to the queue, ahead of its own level. */
  function overtake(lane: Lane<T>, newcomer: Waiter<T>): boolean {
    const last = lane.front.size < FRONT ? undefined : [...lane.front].sort(ahead).at(-1);
    if (last === undefined || ahead(newcomer, last) > 0) return false;
    newcomer.leaveFront = last.leaveFront;
    last.leaveFront = undefined;
    lane.front.delete(last);
    lane.front.add(newcomer);
    queue(lane, last, levelOf(last) - 1);
    serveFronts();
    return true;
  }

  function waiterFor(place: Place<T>, settle: Waiter<T>['finish']): Waiter<T> {
    const lane = lanes.get(place.lane);
    const sameCaller = [...(lane?.waiters ?? [])].filter((waiter) => waiter.place.caller === place.caller).length;
    const now = scheduler.now();
    const cancelDeadline = scheduler.after(Math.max(0, place.deadline - now), () => leave(waiter, { error: place.refuse('deadline') }));
    const onAbort = (): void => leave(waiter, { error: place.refuse('cancelled') });
    place.signal.addEventListener('abort', onAbort, { once: true });
    const finish = (outcome: Outcome<T>): void => {
      cancelDeadline();
      place.signal.removeEventListener('abort', onAbort);
      settle(outcome);
    };
    arrivals += 1;
    const waiter: Waiter<T> = {
      place, finish, order: arrivals, since: now, level: place.priority + sameCaller, queued: LEVELS, leaveFront: undefined,
    };
    return waiter;
  }

  function join(waiter: Waiter<T>): void {
    const lane = laneOf(waiter.place);
    lane.waiters.add(waiter);
    size += 1;
    if (!overtake(lane, waiter)) queue(lane, waiter, levelOf(waiter));
    keepAgeing();
  }

  return {
    get size() { return size; },
    enter(place) {
      return new Promise((resolve, reject) => {
        if (size >= bound) {
          reject(place.refuse('full'));
          return;
        }
        let finished = false;
        const waiter = waiterFor(place, (outcome) => {
          finished = true;
          if ('served' in outcome) resolve(outcome.served);
          else reject(outcome.error);
        });
        if (!lanes.has(place.lane)) serveFronts(waiter);
        if (!finished) join(waiter);
      });
    },
    ahead(claims) {
      let count = 0;
      for (const lane of lanes.values()) if (lane.claims.some((claim) => claims.has(claim))) count += lane.waiters.size;
      return count;
    },
    wake() {
      if (size === 0 || waking) return;
      waking = true;
      queueMicrotask(() => {
        waking = false;
        serveFronts();
      });
    },
  };
}
