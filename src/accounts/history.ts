/** What a restart must not forget: read back from the journal, or written into it whole. */
import type { Catalogue, Target } from '../types.ts';
import type { Breaker, BreakerRecord } from './breaker.ts';
import { UNKNOWN_CHARGING } from './charging.ts';
import { WIDEST_GUARD_MS } from './counter.ts';
import { type Entry, type Scoped, type StoredWindow, readEntry } from './journal.ts';
import type { Estimates } from './estimate.ts';
import { type Hold, written } from './ledger.ts';
import type { Merits } from './merit.ts';
import type { Meter } from './meter.ts';
import type { Pool, PoolModel, Pools } from './pools.ts';
import { unprovenTurns } from './proof.ts';
import type { Rests } from './rest.ts';
import type { Rotation } from './rotation.ts';
import type { Call, Totals } from './unseen.ts';
import { type Window, correct } from './window.ts';

export interface HistoryParts {
  readonly pools: Pools;
  readonly rests: Rests;
  readonly breaker: Breaker;
  readonly rotation: Pick<Rotation<never>, 'used' | 'save'>;
  readonly estimates: Estimates;
  readonly merits: Pick<Merits, 'save' | 'restore'>;
}

interface OpenCall extends Call {
  seenAt: number;
  readonly cost: Totals;
  readonly meters: readonly [Meter, Meter];
  readonly model: PoolModel;
  readonly turns: readonly Window[];
}

/**
 * Replays a journal. Calls without an end were under way at the crash and stay counted as reserved. Whatever lies in the future,
 * because the clock was set back, counts as of now: that frees nothing early and holds nothing longer than its window.
 * Returns the highest number of a call.
 */
export function restore(lines: readonly unknown[], { pools, rests, breaker, rotation, estimates, merits }: HistoryParts, catalogue: Catalogue, now: number): number {
  const open = new Map<number, OpenCall>();
  let highest = 0;
  let reached = Number.NEGATIVE_INFINITY;

  /** Counters want times that never step back. */
  function timeOf(at: number): number {
    reached = Math.max(reached, Math.min(at, now));
    return reached;
  }

  function covering(scoped: Scoped): readonly [Pool, PoolModel] | undefined {
    const target = targetOf(scoped, catalogue);
    return target && pools.covering(scoped.pool, target);
  }

  function meterOf(scoped: Scoped & { readonly meter: 0 | 1 }): Meter | undefined {
    return covering(scoped)?.[scoped.meter].meter;
  }

  function take(entry: Entry & { readonly type: 'take' }): void {
    highest = Math.max(highest, entry.id);
    const both = covering(entry);
    if (both === undefined) return;
    const [pool, model] = both;
    const at = timeOf(entry.at);
    // In a snapshot it is counted already, and what it would prove is to be seen no more.
    const turns = entry.counted === true ? [] : unprovenTurns(pool, model.meter, at);
    const { requests, tokens, audio_seconds = 0 } = entry;
    const call: OpenCall = { id: entry.id, at, seenAt: entry.seenAt ?? Number.POSITIVE_INFINITY, cost: { requests, tokens, audio_seconds }, counted: entry.counted === true, meters: [pool.meter, model.meter], model, turns };
    for (const { meter } of both) {
      if (entry.counted !== true) meter.count(at, call);
      Object.assign(meter.answered, meter.taken);
    }
    rotation.used(`${entry.provider}/${entry.model}`, entry.account);
    open.set(entry.id, call);
  }

  function count({ id, at, unit, actual }: Entry & { readonly type: 'count' }): void {
    const call = open.get(id);
    if (call === undefined) return;
    for (const meter of call.meters) {
      meter.adjust(timeOf(at), call, unit, actual - call.cost[unit]);
      meter.answered[unit] = meter.taken[unit];
    }
    call.cost[unit] = actual;
  }

  function seen({ id, at: told }: Entry & { readonly type: 'seen' }): void {
    const call = open.get(id);
    // A snapshot has it as if nobody had spoken of it.
    if (call === undefined || call.counted === true) return;
    const at = timeOf(told);
    for (const meter of call.meters) meter.seen(at, call);
    call.seenAt = at;
  }

  function end({ id, refused }: Entry & { readonly type: 'end' }): void {
    const call = open.get(id);
    open.delete(id);
    if (call === undefined || call.cost.requests === 0 || refused === true) return;
    for (const window of call.turns) window.turnProven = true;
    for (const meter of call.meters) meter.admitted(timeOf(call.at));
  }

  function rest({ rest: { until = Number.POSITIVE_INFINITY, ...stored } }: Entry & { readonly type: 'rest' }): void {
    const ahead = Math.max(0, stored.since - now);
    rests.restore({ ...stored, since: stored.since - ahead, until: until - ahead });
  }

  function window(entry: Entry & { readonly type: 'window' }): void {
    const meter = meterOf(entry);
    if (meter !== undefined) restoreWindow(meter, entry.window, now);
  }

  function charging(entry: Entry & { readonly type: 'charging' }): void {
    const model = covering(entry)?.[1];
    if (model !== undefined) model.charging = { reservesAllowed: entry.reservesAllowed, refunds: entry.refunds };
  }

  function fact(entry: Entry & { readonly type: 'fact' }): void {
    const at = timeOf(entry.at);
    const known = meterOf(entry)?.windowFor(at, entry.fact);
    if (known !== undefined) correct(known.window, at, entry.fact, entry.unseen);
  }

  for (const line of lines) {
    const entry = readEntry(line);
    switch (entry?.type) {
      case undefined: break;
      case 'take': take(entry); break;
      case 'count': count(entry); break;
      case 'seen': seen(entry); break;
      case 'end': end(entry); break;
      case 'fact': fact(entry); break;
      case 'charging': charging(entry); break;
      case 'rest': rest(entry); break;
      case 'awake': rests.forget(entry.key); break;
      case 'breaker': breaker.restore(untilNow(entry.breaker, now)); break;
      case 'window': window(entry); break;
      case 'turn': rotation.used(entry.target, entry.account); break;
      case 'estimate': estimates.restore(entry.key, entry.learned); break;
      case 'merit': merits.restore(entry.target, entry.merit); break;
    }
  }
  return highest;
}

/** Everything there is to know now, in as few lines as it takes. */
export function snapshot({ pools, rests, breaker, rotation, estimates, merits }: HistoryParts, open: readonly Hold[], now: number): Entry[] {
  const entries: Entry[] = [];
  for (const [name, pool] of pools.all()) {
    const provider = pool.provider?.name ?? name.replace(/\/.*/, '');
    const models = [...pool.models];
    const [first] = models;
    if (first !== undefined) entries.push(...windowsOf({ provider, pool: name, model: first[0] }, 0, pool.meter, now));
    for (const [model, { meter, charging }] of models) {
      entries.push(...windowsOf({ provider, pool: name, model }, 1, meter, now));
      if (charging !== UNKNOWN_CHARGING) entries.push({ type: 'charging', provider, pool: name, model, ...charging });
    }
  }
  for (const { id, at, seenAt, accountId, pool, target, cost } of open) {
    entries.push({ type: 'take', counted: true, id, at, account: accountId, provider: target.provider.name, pool, model: target.model.name, ...written(cost), ...(Number.isFinite(seenAt) && { seenAt }) });
  }
  for (const { until, ...rest } of rests.all(now)) entries.push({ type: 'rest', rest: { ...rest, ...(Number.isFinite(until) && { until }) } });
  for (const record of breaker.all(now)) entries.push({ type: 'breaker', breaker: record });
  for (const [target, account] of rotation.save()) entries.push({ type: 'turn', target, account });
  for (const [key, learned] of estimates.save()) entries.push({ type: 'estimate', key, learned });
  for (const [target, merit] of merits.save()) entries.push({ type: 'merit', target, merit });
  return entries;
}

function windowsOf(scoped: Scoped, meter: 0 | 1, { windows }: Meter, now: number): Entry[] {
  return windows.map((window): Entry => ({ type: 'window', ...scoped, meter, at: now, window: store(window, now) }));
}

function store({ unit, seconds, kind, timeZone, limit, source, configured, inferredUntil, turnProven, proven, counter, unseen }: Window, now: number): StoredWindow {
  return {
    unit, seconds, kind, source, used: counter.used(now), state: counter.save(),
    ...(timeZone !== undefined && { timeZone }),
    ...(Number.isFinite(limit) && { limit }),
    ...(configured !== undefined && Number.isFinite(configured.limit) && { configured: { limit: configured.limit, kind: configured.kind, ...(configured.timeZone !== undefined && { timeZone: configured.timeZone }) } }),
    ...(Number.isFinite(inferredUntil) && { inferredUntil }),
    guard: unseen.guard,
    ...(turnProven && { turnProven }),
    ...(proven > 0 && { proven }),
  };
}

/**
 * What was learned holds unless the configuration has changed since; what was counted holds in any case. A window that nobody
 * configures now is kept until the accounts are known, whose own limits it may be.
 */
function restoreWindow(meter: Meter, stored: StoredWindow, now: number): void {
  const { unit, seconds, kind, timeZone, source, limit = Number.POSITIVE_INFINITY, inferredUntil } = stored;
  const known = meter.windows.find((window) => window.unit === unit && window.seconds === seconds);
  const configured = known !== undefined && Number.isFinite(known.limit) ? known.configured : stored.configured;
  const learned = source !== 'configured' || kind !== stored.configured?.kind;
  const window = known === undefined || (sameLimit(configured, stored.configured) && (learned || !Number.isFinite(known.limit)))
    ? meter.put({ unit, seconds, kind, limit, ...(timeZone !== undefined && { timeZone }) }, source)
    : known;
  window.configured = configured;
  window.proven = Math.max(window.proven, stored.proven ?? 0);
  window.unseen.widen(Math.min(WIDEST_GUARD_MS, stored.guard ?? 0));
  window.inferredUntil = window === known ? window.inferredUntil : (inferredUntil ?? Number.POSITIVE_INFINITY);
  if (window.kind === kind && window.timeZone === timeZone) {
    window.counter.load(stored.state, now);
    window.turnProven = stored.turnProven === true;
  } else window.counter.set(now, stored.used, undefined);
}

const untilNow = (record: BreakerRecord, now: number): BreakerRecord => ({ ...record, recent: record.recent.map((at) => Math.sign(at) * Math.min(Math.abs(at), now)) });

const sameLimit = (one: Window['configured'], other: Window['configured']): boolean =>
  one?.limit === other?.limit && one?.kind === other?.kind && one?.timeZone === other?.timeZone;

function targetOf({ provider: name, model: wanted }: Scoped, catalogue: Catalogue): Target | undefined {
  const provider = catalogue.providers.get(name);
  const model = provider?.models.find((one) => one.name === wanted);
  return provider && model && { provider, model };
}
