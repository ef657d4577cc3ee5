/** Who is left out for a while, why, and until when. */
import type { Scope } from '../failure.ts';

/** What can rest: each scope under the names that identify it. */
export interface Candidate {
  readonly provider: string;
  readonly model: string;
  readonly accountId: string;
  readonly pool: string;
}

/** What it is about: as far as its scope reaches. */
export interface Named {
  readonly provider: string;
  readonly model?: string;
  readonly accountId?: string;
  readonly pool?: string;
}

export interface Rest extends Named {
  readonly scope: Scope;
  readonly key: string;
  /** A failure kind, or `suspended`. */
  readonly reason: string;
  readonly since: number;
  /** Infinity: until a human acts. */
  readonly until: number;
  /** Upstream said until when. Otherwise a single probe goes first when the time is over. */
  readonly timed: boolean;
  /** Out of caution, not by refusal: may be asked when nobody else is left. */
  readonly soft: boolean;
  readonly probing: boolean;
}

export type NewRest = Pick<Rest, 'scope' | 'reason' | 'until' | 'timed' | 'soft'>;

export interface Rests {
  readonly size: number;
  /** The rest that keeps a candidate out the longest. One whose probe is due keeps nobody out. */
  blocking(candidate: Candidate, now: number): Rest | undefined;
  begin(candidate: Candidate, rest: NewRest, now: number): Rest;
  /** The untimed rests a call to this candidate probes. Nobody else may until it ends. */
  probe(candidate: Candidate, now: number): void;
  /** A call sent at `sentAt` was answered: whatever began before it and covers it is over. */
  answered(candidate: Candidate, sentAt: number): readonly Rest[];
  /** A probe sent at `sentAt` ended without a verdict: the next may try. */
  undecided(candidate: Candidate, sentAt: number): void;
  of(scope: Scope, candidate: Candidate): Rest | undefined;
  clear(accountId?: string, pool?: string): readonly Rest[];
  /** Ends what a pool's old limits brought about. */
  clearRates(pool: string): readonly Rest[];
  /** Ends what a bad key brought about. */
  clearCredential(accountId: string): readonly Rest[];
  all(now: number): readonly Rest[];
  /** A rest from before a restart; nobody is out probing it any more. */
  restore(rest: Rest): void;
  forget(key: string): void;
}

/** No refusal holds longer than the longest window, a month. */
const LONGEST_MS = 31 * 24 * 3_600_000;

export const SCOPES: readonly Scope[] = ['account', 'account-model', 'pool', 'pool-model', 'target', 'provider'];

export function keyOf(scope: Scope, { provider, model, accountId, pool }: Candidate): string {
  switch (scope) {
    case 'account': return `account ${accountId}`;
    case 'account-model': return `account-model ${accountId} ${model}`;
    case 'pool': return `pool ${pool}`;
    case 'pool-model': return `pool-model ${pool} ${model}`;
    case 'target': return `target ${provider} ${model}`;
    case 'provider': return `provider ${provider}`;
  }
}

/** Told of every change, so that rests survive a restart. */
export interface RestChanges {
  readonly begun: (rest: Rest) => void;
  readonly ended: (key: string) => void;
}

export function createRests(changes: RestChanges): Rests {
  const rests = new Map<string, Rest>();

  function end(ended: readonly Rest[]): readonly Rest[] {
    for (const { key } of ended) {
      rests.delete(key);
      changes.ended(key);
    }
    return ended;
  }

  const covering = (candidate: Candidate): Rest[] =>
    rests.size === 0 ? [] : SCOPES.flatMap((scope) => rests.get(keyOf(scope, candidate)) ?? []);

  const over = (rest: Rest, now: number): boolean => rest.until <= now && rest.timed;
  const out = (rest: Rest, now: number): boolean => rest.until > now || rest.probing;

  return {
    get size() { return rests.size; },
    blocking(candidate, now) {
      let longest: Rest | undefined;
      for (const rest of covering(candidate)) {
        if (over(rest, now)) rests.delete(rest.key);
        else if (out(rest, now) && (longest === undefined || rest.until > longest.until)) longest = rest;
      }
      return longest;
    },
    begin(candidate, rest, now) {
      const key = keyOf(rest.scope, candidate);
      const until = Number.isFinite(rest.until) ? Math.min(rest.until, now + LONGEST_MS) : rest.until;
      const begun: Rest = { ...rest, until, key, provider: candidate.provider, ...namesOf(rest.scope, candidate), since: now, probing: false };
      rests.set(key, begun);
      changes.begun(begun);
      return begun;
    },
    probe(candidate, now) {
      for (const rest of covering(candidate)) if (!rest.timed && rest.until <= now) rests.set(rest.key, { ...rest, probing: true });
    },
    answered(candidate, sentAt) {
      return end(covering(candidate).filter(({ since, until }) => since < sentAt && Number.isFinite(until)));
    },
    undecided(candidate, sentAt) {
      for (const rest of covering(candidate)) if (rest.probing && rest.since < sentAt) rests.set(rest.key, { ...rest, probing: false });
    },
    of: (scope, candidate) => rests.get(keyOf(scope, candidate)),
    clear(accountId, pool) {
      return end([...rests.values()].filter((rest) => accountId === undefined || rest.accountId === accountId || (pool !== undefined && rest.pool === pool)));
    },
    clearRates: (pool) => end([...rests.values()].filter((rest) => rest.pool === pool && rest.reason.startsWith('rate-'))),
    clearCredential: (accountId) => end([...rests.values()].filter((rest) => rest.accountId === accountId && (rest.reason === 'credential' || rest.reason === 'suspended'))),
    all: (now) => [...rests.values()].filter((rest) => !over(rest, now)),
    restore(rest) {
      rests.set(rest.key, { ...rest, probing: false });
    },
    forget: (key) => void rests.delete(key),
  };
}

export function namesOf(scope: Scope, { model, accountId, pool }: Candidate): Omit<Named, 'provider'> {
  switch (scope) {
    case 'account': return { accountId };
    case 'account-model': return { accountId, model };
    case 'pool': return { pool };
    case 'pool-model': return { pool, model };
    case 'target': return { model };
    case 'provider': return {};
  }
}
