/** Who may ask now: what a request takes of its key's limits, its project's and everybody's, until it is known what it used. */
import { createHash } from 'node:crypto';
import { createAbort } from '../abort.ts';
import { FailureError } from '../failure.ts';
import { createInFlight } from '../in-flight.ts';
import type { AbortSignalLike, Caller, Emit, Usage } from '../types.ts';
import { MEASURES, NOTHING, PERIODS, toNanoUsd, type Amounts } from './amounts.ts';
import { createJournal, recoverJournal } from './journal.ts';
import type { Keys } from './keys.ts';
import { createLedger, userScope, type Hold, type Scope } from './ledger.ts';
import { limitName, tellAmount } from './limits-format.ts';
import type { VirtualKey } from './virtual-key.ts';

export interface AdmissionOptions {
  readonly keys: Keys;
  /** `key-usage.jsonl` in the data directory. One process at a time. */
  readonly path: string;
  readonly now: () => number;
  readonly emit: Emit;
}

/** What a request is expected to use at most, at list price. */
export interface Ask {
  readonly tokens: number;
  readonly usd: number;
  /** Whom the client asks for, in its own words: the `user` field. */
  readonly user?: string;
}

/** Ends with exactly one of settle and cancel; later ones change nothing. */
export interface Grant {
  /** Aborts with the FailureError to tell when the key is revoked. */
  readonly signal: AbortSignalLike;
  /** What was used replaces what was taken. What nobody knows stays taken: unknown is never zero. */
  readonly settle: (usage: Usage | undefined, listUsd: number | undefined) => void;
  /** Nothing was delivered: all of it is given back. */
  readonly cancel: () => void;
}

export interface Admission {
  /** Throws `key-rate` or `over-budget` with the earliest true time, `unauthorized` for a key that no longer works. Nothing is taken then. */
  readonly admit: (caller: Caller, ask: Ask) => Grant;
  /** What a key used so far in each period, by the names of its limits. */
  readonly usedBy: (key: VirtualKey) => Readonly<Record<string, number>>;
  /** Writes what is pending. */
  readonly close: () => void;
}

/**
 * Users of one key that are told apart at a time. Whoever holds the key can invent any number of them: those beyond
 * share one tally. About 1 KB each.
 */
const MOST_USERS = 10_000;
const OTHERS = 'others';

/** Throws where the journal belongs to a newer program or cannot be written. */
export function createAdmission({ keys, path, now: clock, emit }: AdmissionOptions): Admission {
  const now = (): number => Math.floor(clock());
  const open = createInFlight<{ readonly key: string; readonly revoke: (reason: FailureError) => void }>();

  const { tallies, entries, damage } = recoverJournal(path, now());
  const ledger = createLedger((entry) => journal.append(entry));
  ledger.load(now(), tallies, entries);
  if (damage !== undefined) emit({ type: 'notice', level: 'error', message: `${path}: ${damage.lines} lines could not be read, so the keys' limits may allow too much until their periods end; the file was kept as ${damage.copy}` });
  const journal = createJournal({
    path,
    now,
    tallies: () => ledger.save(now()),
    onTrouble: (problem) =>
      emit({
        type: 'notice',
        part: 'key usage',
        ...(problem === undefined
          ? { level: 'info', message: `${path} is written again` }
          : { level: 'error', message: `${path} cannot be written: ${problem}; limits go on in memory, but a restart would forget what is used meanwhile` }),
      }),
  });

  keys.onRevoked((id) => {
    for (const { key, revoke } of open.items()) if (key === id) revoke(revoked());
  });

  function scopesOf({ project }: Caller, key: VirtualKey | undefined, user: string | undefined): readonly Scope[] {
    const { all, projects } = keys.shared();
    const shared: Scope[] = [{ id: 'all', title: 'everybody together', allowances: all }, { id: `project:${project}`, title: `the project ${JSON.stringify(project)}`, allowances: projects.get(project) ?? [] }];
    if (key === undefined) return shared;
    shared.push({ id: `key:${key.id}`, title: `the key ${JSON.stringify(key.name)}`, allowances: key.limits });
    if (key.userLimits.length > 0) shared.push({ id: scopeOfUser(key, user ?? ''), title: `this user of the key ${JSON.stringify(key.name)}`, allowances: key.userLimits });
    return shared;
  }

  /** Hashed: names of people have no business in a file of counts. */
  function scopeOfUser({ id }: VirtualKey, user: string): string {
    const scope = userScope(id, createHash('sha256').update(user).digest('base64url').slice(0, 16));
    return ledger.knows(scope) || ledger.usersOf(id) < MOST_USERS ? scope : userScope(id, OTHERS);
  }

  function grant(hold: Hold, taken: Amounts, id: string | undefined): Grant {
    const controller = createAbort();
    const leave = id === undefined ? undefined : open.add({ key: id, revoke: controller.abort });
    const end = (used: Amounts): void => {
      leave?.();
      hold.settle(now(), used);
    };
    return {
      signal: controller.signal,
      settle: (usage, listUsd) => end({
        requests: 1,
        tokens: usage === undefined ? taken.tokens : usage.input + usage.output,
        nanoUsd: listUsd === undefined ? taken.nanoUsd : toNanoUsd(listUsd),
      }),
      cancel: () => end(NOTHING),
    };
  }

  return {
    admit(caller, { tokens, usd, user }) {
      const key = caller.id === undefined ? undefined : keys.get(caller.id);
      if (key?.revokedAt !== undefined) throw revoked();
      const taken: Amounts = { requests: 1, tokens: Math.ceil(tokens), nanoUsd: toNanoUsd(usd) };
      return grant(ledger.take(now(), scopesOf(caller, key, user), taken), taken, caller.id);
    },
    usedBy: ({ id }) => Object.fromEntries(PERIODS.flatMap((period) => {
      const used = ledger.used(now(), `key:${id}`, period);
      return MEASURES.map((measure) => [limitName({ measure, period }), tellAmount(measure, used[measure])]);
    })),
    close: () => journal.close(),
  };
}

const revoked = (): FailureError => new FailureError({ kind: 'unauthorized', message: 'this key was revoked; ask whoever runs this server for a new one' });
