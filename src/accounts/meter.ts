/** All windows of one scope: a pool, or one model in a pool. */
import type { Fact, Limits, Unit, WindowLimit } from '../types.ts';
import { kindTold } from './kind-told.ts';
import { provable } from './proof.ts';
import { type Call, type Totals, createUnseen } from './unseen.ts';
import { type Source, type Window, createWindow, fits, freeAt, limitTo, turnsOtherwise } from './window.ts';

/** What one request draws from every window that covers it. */
export type Cost = Readonly<Record<Unit, number>>;

export interface Meter {
  readonly windows: readonly Window[];
  /** How many milliseconds a call may need to arrive. */
  readonly guard: number;
  readonly concurrent: number;
  readonly inFlight: number;
  /** Whether any limit is known. */
  readonly limited: boolean;
  /** Since the start: counted as used, and of that what upstream has certainly seen. */
  readonly taken: Totals;
  readonly answered: Totals;
  /** When upstream last counted fewer tokens than we did: what calls sent before that were overestimated is no longer in our count. */
  loweredAt: number;
  /** When the last call was sent that was not too urgent for caution: those who can wait are not held up by every one that cannot. */
  readonly lastCautiousAt: number;
  /** Upstream admitted a call: as many as it has answered are proven. */
  admitted(now: number): void;
  /** Takes over the limits of the configuration; windows that stay keep what they counted and learned. */
  configure(limits: Limits, own: Limits): void;
  fits(now: number, cost: Cost): boolean;
  /** When `cost` fits for the `turns`-th time, and which window is the last to allow it. */
  freeAt(now: number, cost: Cost, turns: number): Free;
  count(now: number, call: Call, urgent?: boolean): void;
  enter(): void;
  leave(): void;
  /** Upstream has counted it by now. To be told before the call says so. */
  seen(now: number, call: Call): void;
  /** What a call took was more or less than thought: debts count now, refunds where they were taken. To be told before its cost says so. */
  adjust(now: number, call: Call, unit: Unit, difference: number): void;
  /** So many tokens were reserved beyond what the answer used, and stay counted. */
  keep(tokens: number): void;
  /** The window a fact speaks of; a new one (`made`) where upstream names a limit we did not know, or counts otherwise than we thought. */
  windowFor(now: number, fact: Fact): { readonly window: Window; readonly made: boolean } | undefined;
  /** A window from before a restart. */
  put(spec: WindowLimit, source: Source): Window;
  /** The largest number of tokens any call may take at once. */
  mostTokens(): number;
  /** Whether a limit is known of this unit and of windows no longer than this. */
  knows(unit: Unit, longestSeconds: number): boolean;
}

export interface Free {
  readonly at: number;
  readonly window?: Window;
}

/** Every meter observes a minute even where nobody named a limit: a refusal then knows what was used before it. */
const OBSERVED: readonly WindowLimit[] = [
  { unit: 'requests', seconds: 60, limit: Number.POSITIVE_INFINITY, kind: 'rolling' },
  { unit: 'tokens', seconds: 60, limit: Number.POSITIVE_INFINITY, kind: 'rolling' },
];

type WindowName = Pick<WindowLimit, 'unit' | 'seconds'>;

const sameWindow = (one: WindowName, other: WindowName): boolean => one.unit === other.unit && one.seconds === other.seconds;

export function createMeter(): Meter {
  const windows: Window[] = [];
  const unseen = createUnseen(windows);
  windows.push(...OBSERVED.map((spec) => createWindow(spec, 'configured', unseen)));
  const taken: Totals = { requests: 0, tokens: 0, audio_seconds: 0 };
  const answered: Totals = { requests: 0, tokens: 0, audio_seconds: 0 };
  let concurrent = Number.POSITIVE_INFINITY;
  let inFlight = 0;
  let lastCautiousAt = 0;

  const find = (spec: WindowName): Window | undefined => windows.find((window) => sameWindow(window, spec));

  function put(spec: WindowLimit, source: Source): Window {
    const made = createWindow(spec, source, unseen);
    const index = windows.findIndex((window) => sameWindow(window, spec));
    if (index === -1) windows.push(made);
    else {
      made.proven = windows[index]?.proven ?? 0;
      windows[index] = made;
    }
    return made;
  }

  function configureOne(spec: WindowLimit): void {
    const old = find(spec);
    const known = old?.configured ?? old;
    if (old === undefined || known?.kind !== spec.kind || known.timeZone !== spec.timeZone) put(spec, 'configured');
    else if (old.configured?.limit !== spec.limit) {
      old.configured = spec;
      limitTo(old, spec.limit, 'configured');
    }
  }

  function unnamed(fact: Fact): Window | undefined {
    const candidates = windows.filter(({ unit, limit }) => unit === fact.unit && Number.isFinite(limit));
    return candidates.find(({ limit }) => limit === fact.limit) ?? (candidates.length === 1 ? candidates[0] : undefined);
  }

  /** The window as upstream seems to count it, with what was used and configured so far. */
  function remake(now: number, fact: Fact, { unit, seconds, limit, source }: WindowName & Pick<Window, 'limit' | 'source'>): Window {
    const old = find({ unit, seconds });
    const made = put({ unit, seconds, limit, ...kindTold(now, fact, seconds, slidesAt(now, fact, old)) }, source);
    made.configured = old?.configured;
    made.cap = old?.cap ?? Number.POSITIVE_INFINITY;
    made.counter.set(now, old?.counter.used(now) ?? 0, undefined);
    return made;
  }

  return {
    windows,
    get guard() { return unseen.guard; },
    get concurrent() { return concurrent; },
    get inFlight() { return inFlight; },
    get limited() { return Number.isFinite(concurrent) || windows.some(({ limit }) => Number.isFinite(limit)); },
    taken,
    answered,
    loweredAt: Number.NEGATIVE_INFINITY,
    get lastCautiousAt() { return lastCautiousAt; },
    admitted(now) {
      for (const window of windows) if (provable(window)) window.proven = Math.max(window.proven, window.counter.used(now) - (taken[window.unit] - answered[window.unit]));
    },
    configure(limits, own) {
      concurrent = Math.min(limits.concurrent ?? Number.POSITIVE_INFINITY, own.concurrent ?? Number.POSITIVE_INFINITY);
      const capOf = (spec: WindowName): number => own.windows.find((mine) => sameWindow(mine, spec))?.limit ?? Number.POSITIVE_INFINITY;
      const specs = [...limits.windows.filter((spec) => !Number.isFinite(capOf(spec))), ...own.windows];
      for (const window of windows) window.cap = capOf(window);
      for (const spec of specs) configureOne(spec);
      for (const window of windows) {
        window.cap = capOf(window);
        window.limit = Math.min(window.limit, window.cap);
        if (!specs.some((spec) => sameWindow(spec, window))) forget(window);
      }
    },
    fits(now, cost) {
      if (inFlight >= concurrent) return false;
      for (const window of windows) if (!fits(window, now, cost[window.unit])) return false;
      return true;
    },
    freeAt(now, cost, turns) {
      let latest: Free = { at: now };
      for (const window of windows) {
        const at = freeAt(window, now, cost[window.unit], turns);
        if (at > latest.at) latest = { at, window };
      }
      return latest;
    },
    count(now, call, urgent = false) {
      const { cost } = call;
      if (!urgent) lastCautiousAt = now;
      taken.requests += cost.requests;
      taken.tokens += cost.tokens;
      taken.audio_seconds += cost.audio_seconds;
      unseen.send(now, call);
      for (const { unit, pace } of windows) pace?.add(now, cost[unit]);
    },
    enter() {
      inFlight += 1;
    },
    leave() {
      inFlight -= 1;
    },
    seen: unseen.seen,
    adjust(now, call, unit, difference) {
      if (unseen.adjust(now, call, unit, difference)) return;
      for (const { unit: counted, counter } of windows) {
        if (counted !== unit) continue;
        if (difference > 0) counter.take(now, difference);
        else counter.refund(now, unseen.arrivesAt(call), -difference);
      }
    },
    keep(tokens) {
      for (const window of windows) if (window.unit === 'tokens') window.kept += tokens;
    },
    windowFor(now, fact) {
      const known = fact.seconds === undefined ? unnamed(fact) : find({ unit: fact.unit, seconds: fact.seconds });
      if (known !== undefined && turnsOtherwise(known, now, fact)) return { window: remake(now, fact, known), made: false };
      const limited = known !== undefined && Number.isFinite(known.limit);
      if (limited || fact.limit === undefined || fact.seconds === undefined) return known && { window: known, made: false };
      return { window: remake(now, fact, { unit: fact.unit, seconds: fact.seconds, limit: fact.limit, source: fact.source }), made: true };
    },
    put,
    mostTokens: () => windows.reduce((most, { unit, limit }) => (unit === 'tokens' ? Math.min(most, limit) : most), Number.POSITIVE_INFINITY),
    knows: (unit, longest) => windows.some((window) => window.unit === unit && window.seconds <= longest && Number.isFinite(window.limit)),
  };
}

/** Where a refusal speaks of calls that were all our own: before when nothing could fit again if the window slid. */
function slidesAt(now: number, { source, limit, remaining }: Fact, old: Window | undefined): number {
  if (old?.kind !== 'rolling' || source !== 'refusal' || limit === undefined || remaining === undefined) return Number.NEGATIVE_INFINITY;
  const used = old.counter.used(now);
  return used >= limit - remaining ? old.counter.clearsAt(now, used - 1) : Number.NEGATIVE_INFINITY;
}

/** A limit that left the configuration binds no more; what was learned of it stays. */
function forget(window: Window): void {
  window.configured = undefined;
  if (window.source === 'configured') window.limit = Number.POSITIVE_INFINITY;
}
