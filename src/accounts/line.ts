/**
 * Who waits, and who of them is served next. When the next may go is decided by the windows, which those at the front ask.
 *
 * Requests with the same options share a lane, so nobody waits behind someone who waits for something else.
 */
import { type Lane, ahead, createLane } from './lane.ts';
import type { AbortSignalLike } from '../types.ts';

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
  /** The provider it would rather be served by: where it is counted. */
  readonly provider: string;
  /** Everything this lane may be served by. */
  readonly claims: readonly string[];
  /** 0 goes first. */
  readonly priority: number;
  /** Who asks: nobody's many requests delay somebody else's few. */
  readonly caller: string;
  readonly deadline: number;
  readonly signal: AbortSignalLike;
  /** Takes a turn, or tells what is missing. Whatever is in `claimed` belongs to those ahead. */
  serve(claimed: ReadonlySet<string>): { readonly served: T } | Wait;
  /** The error for a waiter the line gives up on. */
  refuse(reason: 'full' | 'deadline' | 'cancelled'): Error;
}

export interface Line<T> {
  readonly size: number;
  /** How many wait, by provider. */
  sizes(): ReadonlyMap<string, number>;
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
  readonly level: () => number;
  readonly finish: (outcome: Outcome<T>) => void;
}

/** A waiter gains one of ten levels every 3 s, so the lowest outranks new ones of the highest within the default deadline of 30 s. */
const AGE_MS = 3000;
/** Node's timers fire at once beyond 24.8 days; looking once a minute costs nothing. */
const LONGEST_TIMER_MS = 60_000;

/** `bound`: how many may wait at once. */
export function createLine<T>(scheduler: Scheduler, bound: number): Line<T> {
  const lanes = new Map<string, { readonly lane: Lane<Waiter<T>>; readonly claims: readonly string[] }>();
  let size = 0;
  let arrivals = 0;
  let cancelTimer: (() => void) | undefined;
  let cancelAgeing: (() => void) | undefined;
  let waking = false;

  function laneOf({ lane: name, claims }: Place<T>): Lane<Waiter<T>> {
    const known = lanes.get(name);
    if (known !== undefined) return known.lane;
    const lane = createLane<Waiter<T>>({ bound, arrived: () => serveFronts(), refused: (waiter) => leave(waiter, { error: waiter.place.refuse('full') }) });
    lanes.set(name, { lane, claims });
    return lane;
  }

  function leave(waiter: Waiter<T>, outcome: Outcome<T>): void {
    const lane = lanes.get(waiter.place.lane)?.lane;
    if (lane?.leave(waiter) === true) size -= 1;
    if (lane?.size === 0) lanes.delete(waiter.place.lane);
    if (size === 0) rest();
    waiter.finish(outcome);
  }

  /** Nobody waits: no timer may keep the process alive or wake it. */
  function rest(): void {
    cancelTimer?.();
    cancelAgeing?.();
    cancelAgeing = undefined;
  }

  /** Asks everyone at the front, best first. Whoever cannot go keeps what it waits for from those behind it. */
  function serveFronts(newcomer?: Waiter<T>): void {
    const claimed = new Set<string>();
    const waiters = newcomer === undefined ? [] : [newcomer];
    for (const { lane, claims } of lanes.values()) {
      const front = lane.front();
      if (front.length === 0) for (const claim of claims) claimed.add(claim);
      waiters.push(...front);
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
    cancelTimer = Number.isFinite(at) ? scheduler.after(ms, () => serveFronts()) : undefined;
  }

  function keepAgeing(): void {
    cancelAgeing ??= scheduler.after(AGE_MS, () => {
      cancelAgeing = undefined;
      for (const { lane } of lanes.values()) lane.age();
      keepAgeing();
    });
  }

  /** Its time is over. Whoever never came to the front may have been kept by caution only, which those at the front can afford. */
  function expire(waiter: Waiter<T>): void {
    const lane = lanes.get(waiter.place.lane)?.lane;
    if (lane?.front().includes(waiter) === false) serveFronts(waiter);
    if (lane?.waiters.has(waiter) === true) leave(waiter, { error: waiter.place.refuse('deadline') });
  }

  function waiterFor(place: Place<T>, settle: Waiter<T>['finish']): Waiter<T> {
    const since = scheduler.now();
    const sameCaller = [...(lanes.get(place.lane)?.lane.waiters ?? [])].filter((waiter) => waiter.place.caller === place.caller).length;
    const cancelDeadline = scheduler.after(Math.max(0, place.deadline - since), () => expire(waiter));
    const onAbort = (): void => leave(waiter, { error: place.refuse('cancelled') });
    place.signal.addEventListener('abort', onAbort, { once: true });
    arrivals += 1;
    const waiter: Waiter<T> = {
      place,
      order: arrivals,
      // Every request its caller already had waiting counts as one level.
      level: () => place.priority + sameCaller - Math.floor((scheduler.now() - since) / AGE_MS),
      finish(outcome) {
        cancelDeadline();
        place.signal.removeEventListener('abort', onAbort);
        settle(outcome);
      },
    };
    return waiter;
  }

  return {
    get size() { return size; },
    sizes() {
      const sizes = new Map<string, number>();
      for (const { lane } of lanes.values()) for (const { place } of lane.waiters) sizes.set(place.provider, (sizes.get(place.provider) ?? 0) + 1);
      return sizes;
    },
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
        if (finished) return;
        size += 1;
        laneOf(place).join(waiter);
        keepAgeing();
      });
    },
    ahead(claims) {
      let count = 0;
      for (const other of lanes.values()) if (other.claims.some((claim) => claims.has(claim))) count += other.lane.size;
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
