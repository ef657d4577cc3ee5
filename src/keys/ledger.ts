/**
 * What everyone used, and whether more fits. Checking and taking are one step without a pause in between, so however many
 * ask at once, what is granted never adds up to more than what is allowed.
 */
import { NOTHING, PERIODS, type Allowance, type Amounts, type Period } from './amounts.ts';
import { refusal, type Shortage } from './refusal.ts';
import { createWindow, type Window } from './windows.ts';

/** Somebody who is counted: a key, a project, one user of a key, or all together. */
export interface Scope {
  readonly id: string;
  /** For people, e.g. `the key "ci"`. */
  readonly title: string;
  readonly allowances: readonly Allowance[];
}

/** What is written down: so much more (or less) was used at a time, by all of these. */
export interface Entry {
  readonly at: number;
  readonly amounts: Amounts;
  readonly scopes: readonly string[];
}

/** Windows by scope and period, as numbers. */
export type Tallies = Readonly<Record<string, Readonly<Partial<Record<Period, readonly number[]>>>>>;

/** What was taken for one request. */
export interface Hold {
  /** What it really used replaces what was taken. More becomes debt, now; less is given back where it was taken. */
  settle(now: number, used: Amounts): void;
}

export interface Ledger {
  /** Takes from every scope or from none. Throws `key-rate` or `over-budget`, with the earliest true time. */
  take(now: number, scopes: readonly Scope[], amounts: Amounts): Hold;
  used(now: number, scope: string, period: Period): Amounts;
  /** Users of a key that are being counted. */
  usersOf(key: string): number;
  knows(scope: string): boolean;
  /** Everything that still counts; what does not is forgotten. */
  save(now: number): Tallies;
  /** Counts again what an earlier process counted. */
  load(now: number, tallies: Tallies, entries: readonly Entry[]): void;
}

type Tally = ReadonlyMap<Period, Window>;

/** A user's name is anybody's word, so what is kept for it must end by itself. */
export const USER_PERIODS = ['minute', 'day'] as const satisfies readonly Period[];
const USER = 'user:';
export const userScope = (key: string, user: string): string => `${USER}${key}:${user}`;
const keyOfUser = (scope: string): string | undefined => (scope.startsWith(USER) ? scope.slice(USER.length).split(':', 1)[0] : undefined);

/** `write` gets every change, in order. */
export function createLedger(write: (entry: Entry) => void): Ledger {
  const tallies = new Map<string, Tally>();
  const users = new Map<string, number>();

  function tallyOf(scope: string): Tally {
    const known = tallies.get(scope);
    if (known !== undefined) return known;
    const key = keyOfUser(scope);
    const made = new Map((key === undefined ? PERIODS : USER_PERIODS).map((period) => [period, createWindow(period)]));
    tallies.set(scope, made);
    if (key !== undefined) users.set(key, (users.get(key) ?? 0) + 1);
    return made;
  }

  function forget(scope: string): void {
    const key = keyOfUser(scope);
    tallies.delete(scope);
    if (key !== undefined) users.set(key, (users.get(key) ?? 1) - 1);
  }

  function add({ at, amounts, scopes }: Entry): void {
    for (const scope of scopes) for (const window of tallyOf(scope).values()) window.add(at, amounts);
  }

  function count(entry: Entry): void {
    const { requests, tokens, nanoUsd } = entry.amounts;
    if (requests === 0 && tokens === 0 && nanoUsd === 0) return;
    add(entry);
    write(entry);
  }

  function shortages(now: number, scopes: readonly Scope[], amounts: Amounts): Shortage[] {
    return scopes.flatMap(({ id, title, allowances }) =>
      allowances.flatMap((allowance): Shortage[] => {
        const window = tallies.get(id)?.get(allowance.period);
        const { measure, most } = allowance;
        const asked = amounts[measure];
        const used = window?.used(now)[measure] ?? 0;
        if (used + asked <= most) return [];
        return [{ title, allowance, used, asked, freeAt: asked > most ? Number.POSITIVE_INFINITY : (window?.freeAt(now, measure, most - asked) ?? now) }];
      }));
  }

  return {
    take(now, scopes, amounts) {
      // The one that frees last decides: before that nothing goes.
      const [shortage] = shortages(now, scopes, amounts).sort((one, other) => other.freeAt - one.freeAt);
      if (shortage !== undefined) throw refusal(shortage);
      const ids = scopes.map(({ id }) => id);
      count({ at: now, amounts, scopes: ids });
      const state = { settled: false };
      return {
        settle(later, used) {
          if (state.settled) return;
          state.settled = true;
          const difference = (measure: keyof Amounts): number => used[measure] - amounts[measure];
          const part = (bound: (difference: number) => number): Amounts => ({ requests: bound(difference('requests')), tokens: bound(difference('tokens')), nanoUsd: bound(difference('nanoUsd')) });
          count({ at: now, amounts: part((difference) => Math.min(0, difference)), scopes: ids });
          count({ at: later, amounts: part((difference) => Math.max(0, difference)), scopes: ids });
        },
      };
    },
    used: (now, scope, period) => tallies.get(scope)?.get(period)?.used(now) ?? NOTHING,
    usersOf: (key) => users.get(key) ?? 0,
    knows: (scope) => tallies.has(scope),
    save(now) {
      for (const [scope, tally] of tallies) if ([...tally.values()].every((window) => window.used(now).requests === 0)) forget(scope);
      return Object.fromEntries([...tallies].map(([scope, tally]) => [scope, Object.fromEntries([...tally].map(([period, window]) => [period, window.save()]))]));
    },
    load(now, saved, entries) {
      for (const [scope, states] of Object.entries(saved)) for (const [period, window] of tallyOf(scope)) window.load(now, states[period] ?? []);
      for (const { at, ...entry } of entries) add({ at: Math.min(at, now), ...entry });
    },
  };
}
