/** Decides from the outcomes of calls when something is too broken to be asked, and for how long. */

export interface Breaker {
  answered(key: string, now: number): void;
  /** How long to rest now, milliseconds; undefined while it is not yet broken. */
  failed(key: string, now: number, unreachable: boolean): number | undefined;
}

interface Record {
  consecutive: number;
  /** Failures and successes of late, newest last: time, negative for a failure. */
  recent: { readonly at: number; readonly ok: boolean }[];
  opened: number;
}

const CONSECUTIVE = 3;
/** More than half of at least ten of the last twenty calls within a minute. */
const RECENT = 20;
const RECENT_LEAST = 10;
const RECENT_MS = 60_000;
/** A hiccup is over in seconds, an outage in minutes: 5 s, doubled by every failed probe, to 5 min. What cannot even be reached rests at once, from 1 s. */
const FIRST_MS = 5000;
const UNREACHABLE_MS = 1000;
const LONGEST_MS = 300_000;

export function createBreaker(): Breaker {
  const records = new Map<string, Record>();

  function recordOf(key: string): Record {
    const known = records.get(key);
    if (known !== undefined) return known;
    const made: Record = { consecutive: 0, recent: [], opened: 0 };
    records.set(key, made);
    return made;
  }

  function add(record: Record, at: number, ok: boolean): void {
    record.recent.push({ at, ok });
    if (record.recent.length > RECENT) record.recent.shift();
  }

  function broken({ consecutive, recent, opened }: Record, at: number): boolean {
    if (opened > 0 || consecutive >= CONSECUTIVE) return true;
    const late = recent.filter((outcome) => outcome.at > at - RECENT_MS);
    return late.length >= RECENT_LEAST && late.filter(({ ok }) => !ok).length * 2 > late.length;
  }

  return {
    answered(key, now) {
      const record = records.get(key);
      if (record === undefined) return;
      record.consecutive = 0;
      record.opened = 0;
      add(record, now, true);
    },
    failed(key, at, unreachable) {
      const record = recordOf(key);
      record.consecutive += 1;
      add(record, at, false);
      if (!unreachable && !broken(record, at)) return undefined;
      const restMs = Math.min(LONGEST_MS, (unreachable ? UNREACHABLE_MS : FIRST_MS) * 2 ** record.opened);
      record.opened += 1;
      return restMs;
    },
  };
}
