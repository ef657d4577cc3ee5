/** All windows of one scope: a pool, or one model in a pool. */
import type { Fact, Limits, Unit, WindowLimit } from '../types.ts';
import { type Correction, type Window, correct, createWindow, fits, freeAt, limitTo } from './window.ts';

/** What one request draws from every window that covers it. */
export type Cost = Readonly<Record<Unit, number>>;

/** Totals since the start, to tell which calls upstream had certainly counted when it spoke. */
export interface Totals {
  requests: number;
  tokens: number;
}

export interface Meter {
  readonly windows: readonly Window[];
  readonly concurrent: number;
  readonly inFlight: number;
  /** Counted as used, and of that what upstream has certainly seen. */
  readonly taken: Totals;
  readonly answered: Totals;
  /** Takes over the limits of the configuration; windows that stay keep what they counted and learned. */
  configure(limits: Limits, own: Limits): void;
  fits(now: number, cost: Cost): boolean;
  take(now: number, cost: Cost): void;
  /** When `cost` fits, and which window is the last to allow it. */
  freeAt(now: number, cost: Cost): Free;
  /** The call is over, whatever became of it. */
  leave(): void;
  /** What a call took at `at` was more or less than thought: debts count now, refunds where they were taken. */
  adjust(now: number, at: number, unit: Unit, difference: number): void;
  correct(now: number, fact: Fact, unseen: number): Learned | undefined;
  /** The largest number of tokens any call may take at once. */
  mostTokens(): number;
}

export interface Free {
  readonly at: number;
  readonly window?: Window;
}

export interface Learned extends Correction {
  readonly window: Window;
}

/** The windows every meter observes even where nobody named a limit: a refusal then knows what was used before it. */
const OBSERVED: readonly WindowLimit[] = [
  { unit: 'requests', seconds: 60, limit: Number.POSITIVE_INFINITY, kind: 'rolling' },
  { unit: 'tokens', seconds: 60, limit: Number.POSITIVE_INFINITY, kind: 'rolling' },
];

type WindowName = Pick<WindowLimit, 'unit' | 'seconds'>;

const sameWindow = (one: WindowName, other: WindowName): boolean =>
  one.unit === other.unit && one.seconds === other.seconds;

export function createMeter(): Meter {
  const windows: Window[] = OBSERVED.map((spec) => createWindow(spec, 'configured'));
  const taken: Totals = { requests: 0, tokens: 0 };
  const answered: Totals = { requests: 0, tokens: 0 };
  let concurrent = Number.POSITIVE_INFINITY;
  let inFlight = 0;

  const find = (spec: WindowName): Window | undefined => windows.find((window) => sameWindow(window, spec));

  function put(spec: WindowLimit): void {
    const index = windows.findIndex((window) => sameWindow(window, spec));
    const old = windows[index];
    if (old === undefined) {
      windows.push(createWindow(spec, 'configured'));
    } else if (old.kind !== spec.kind) {
      windows[index] = createWindow(spec, 'configured');
    } else if (old.configured !== spec.limit) {
      old.configured = spec.limit;
      limitTo(old, spec.limit, 'configured');
    }
  }

  /** The window a fact speaks of, made where upstream names a limit we did not know. */
  function windowFor(fact: Fact): Window | undefined {
    if (fact.seconds === undefined) return unnamed(fact);
    const known = find({ unit: fact.unit, seconds: fact.seconds });
    if (known !== undefined || fact.limit === undefined) return known;
    const made = createWindow({ unit: fact.unit, seconds: fact.seconds, limit: fact.limit, kind: 'rolling' }, fact.source);
    windows.push(made);
    return made;
  }

  function unnamed(fact: Fact): Window | undefined {
    const candidates = windows.filter(({ unit, limit }) => unit === fact.unit && Number.isFinite(limit)).sort((one, other) => one.seconds - other.seconds);
    return candidates.find(({ limit }) => limit === fact.limit) ?? (candidates.length === 1 ? candidates[0] : undefined);
  }

  return {
    windows,
    get concurrent() { return concurrent; },
    get inFlight() { return inFlight; },
    taken,
    answered,
    configure(limits, own) {
      concurrent = Math.min(limits.concurrent ?? Number.POSITIVE_INFINITY, own.concurrent ?? Number.POSITIVE_INFINITY);
      const capOf = (spec: WindowName): number => own.windows.find((mine) => sameWindow(mine, spec))?.limit ?? Number.POSITIVE_INFINITY;
      for (const window of windows) window.cap = capOf(window);
      const specs = [...limits.windows.filter((spec) => !Number.isFinite(capOf(spec))), ...own.windows];
      for (const spec of specs) put(spec);
      for (const window of windows) if (!specs.some((spec) => sameWindow(spec, window))) forget(window);
    },
    fits(now, cost) {
      if (inFlight >= concurrent) return false;
      for (const window of windows) if (!fits(window, now, cost[window.unit])) return false;
      return true;
    },
    take(now, cost) {
      inFlight += 1;
      taken.requests += cost.requests;
      taken.tokens += cost.tokens;
      for (const window of windows) window.counter.take(now, cost[window.unit]);
    },
    freeAt(now, cost) {
      let latest: Free = { at: now };
      for (const window of windows) {
        const at = freeAt(window, now, cost[window.unit]);
        if (at > latest.at) latest = { at, window };
      }
      return latest;
    },
    leave() {
      inFlight -= 1;
    },
    adjust(now, at, unit, difference) {
      taken[unit] += difference;
      for (const window of windows) {
        if (window.unit !== unit) continue;
        if (difference > 0) window.counter.take(now, difference);
        else window.counter.refund(now, at, -difference);
      }
    },
    correct(now, fact, unseen) {
      const window = windowFor(fact);
      return window && { window, ...correct(window, now, fact, unseen) };
    },
    mostTokens: () => windows.reduce((most, { unit, limit }) => (unit === 'tokens' ? Math.min(most, limit) : most), Number.POSITIVE_INFINITY),
  };
}

/** A limit that left the configuration binds no more; what was learned of it stays. */
function forget(window: Window): void {
  window.configured = undefined;
  if (window.source === 'configured') window.limit = Number.POSITIVE_INFINITY;
}
