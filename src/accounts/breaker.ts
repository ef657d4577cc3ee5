/** Decides from the outcomes of calls when something is too broken to be asked, and for how long. */
import type { Scope } from '../failure.ts';
import { type Candidate, type Named, keyOf, namesOf } from './rest.ts';

/** What is known of one model at a provider, one account's way to it, or a whole provider. */
export interface BreakerRecord extends Named {
  readonly scope: Scope;
  readonly key: string;
  /** Failures since the last answer. */
  readonly consecutive: number;
  /** How often it was opened since then: each time for twice as long. 0: it is closed. */
  readonly opened: number;
  /** Calls of late, oldest first: their times, those of failures negative. */
  readonly recent: readonly number[];
}

export interface Breaker {
  answered(candidate: Candidate, now: number): void;
  /** How long to rest now, milliseconds; undefined while it is not yet broken. */
  failed(scope: Scope, candidate: Candidate, now: number, unreachable: boolean): number | undefined;
  /** What has failed of late or is open. */
  all(now: number): readonly BreakerRecord[];
  restore(record: BreakerRecord): void;
  /** A rest that was ended by hand gives what rested a fresh start. */
  forget(key: string): void;
}

/** What a breaker may be of. */
const SCOPES: readonly Scope[] = ['target', 'account-model', 'provider'];
const CONSECUTIVE = 3;
/** More than half of at least ten of the last twenty calls within a minute. */
const RECENT = 20;
const RECENT_LEAST = 10;
const RECENT_MS = 60_000;
/** A hiccup is over in seconds, an outage in minutes: 5 s, doubled by every failed probe, to 5 min. What cannot even be reached rests at once, from 1 s. */
const FIRST_MS = 5000;
const UNREACHABLE_MS = 1000;
const LONGEST_MS = 300_000;

export const failuresOf = ({ recent }: BreakerRecord, now: number): { readonly calls: number; readonly failures: number } => {
  const late = recent.filter((at) => Math.abs(at) > now - RECENT_MS);
  return { calls: late.length, failures: late.filter((at) => at < 0).length };
};

/** Told of every change but answers while all is well: without those, what is read back after a crash is a little too careful for a minute. */
export function createBreaker(changed: (record: BreakerRecord) => void): Breaker {
  const records = new Map<string, BreakerRecord>();

  function put(record: BreakerRecord): BreakerRecord {
    records.set(record.key, record);
    return record;
  }

  /** Clients can name models without end: what nobody asks any more is forgotten. */
  function forgetOld(now: number): void {
    for (const [key, { recent }] of records) if (Math.abs(recent.at(-1) ?? 0) < now - 2 * LONGEST_MS) records.delete(key);
  }

  function broken(record: BreakerRecord, now: number): boolean {
    if (record.opened > 0 || record.consecutive >= CONSECUTIVE) return true;
    const { calls, failures } = failuresOf(record, now);
    return calls >= RECENT_LEAST && failures * 2 > calls;
  }

  return {
    answered(candidate, now) {
      if (records.size === 0) return;
      for (const scope of SCOPES) {
        const record = records.get(keyOf(scope, candidate));
        if (record === undefined) continue;
        const after = put({ ...record, consecutive: 0, opened: 0, recent: [...record.recent, now].slice(-RECENT) });
        if (record.consecutive > 0 || record.opened > 0) changed(after);
        else if (failuresOf(after, now).failures === 0) records.delete(record.key);
      }
    },
    failed(scope, candidate, now, unreachable) {
      const key = keyOf(scope, candidate);
      if (!records.has(key)) forgetOld(now);
      const known = records.get(key) ?? { scope, key, provider: candidate.provider, ...namesOf(scope, candidate), consecutive: 0, opened: 0, recent: [] };
      const failed = { ...known, consecutive: known.consecutive + 1, recent: [...known.recent, -now].slice(-RECENT) };
      const opens = unreachable || broken(failed, now);
      changed(put({ ...failed, opened: known.opened + (opens ? 1 : 0) }));
      return opens ? Math.min(LONGEST_MS, (unreachable ? UNREACHABLE_MS : FIRST_MS) * 2 ** known.opened) : undefined;
    },
    all: (now) => [...records.values()].filter((record) => record.opened > 0 || record.consecutive > 0 || failuresOf(record, now).failures > 0),
    restore: put,
    forget(key) {
      const record = records.get(key);
      if (record === undefined) return;
      records.delete(key);
      changed({ ...record, consecutive: 0, opened: 0, recent: [] });
    },
  };
}
