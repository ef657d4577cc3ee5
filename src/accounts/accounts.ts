/**
 * Every part of this folder put together: what is promised stands in contract.ts.
 */
import { whyLeft } from '../failure.ts';
import type { Account, Catalogue, Emit } from '../types.ts';
import { createBreaker } from './breaker.ts';
import { tellBreaker } from './breaker-view.ts';
import { type Option, type Ruled, type Turn, createChoice, targetKey } from './choice.ts';
import type { Demand, KeptAccounts, Lease } from './contract.ts';
import { createConversations } from './conversation.ts';
import { createEffects } from './effects.ts';
import { createEstimates } from './estimate.ts';
import { earliest, lineFull, nobody } from './exhausted.ts';
import { createLease } from './lease.ts';
import { restore, snapshot } from './history.ts';
import type { Entry, Journal } from './journal.ts';
import { type Place, createLedger, meterName } from './ledger.ts';
import { type Scheduler, createLine } from './line.ts';
import { createMerits } from './merit.ts';
import { poolOf } from './pool-of.ts';
import { createPools } from './pools.ts';
import { type Candidate, type Named, type Rest, createRests } from './rest.ts';
import { createRotation } from './rotation.ts';
import { createView } from './view.ts';

export type { AccountView, Accounts, BreakerView, Demand, KeptAccounts, Lease, Outlook, WindowView } from './contract.ts';
export type { Journal } from './journal.ts';
export type { Scheduler } from './line.ts';

export interface AccountsOptions {
  readonly accounts: readonly Account[];
  /** The snapshot in force, asked anew at every use. */
  readonly catalogue: () => Catalogue;
  readonly scheduler: Scheduler;
  readonly emit: Emit;
  /** How many requests may wait at once. */
  readonly lineBound: number;
  /** Keeps windows, rests and rotation over restarts and crashes. Without one they end with the process. */
  readonly journal?: Journal;
  /** 0 to 1, for the strategies that explore. */
  readonly random?: () => number;
}

const NOTHING_CLAIMED: ReadonlySet<string> = new Set();

const NOBODY: readonly Account[] = [];

export function createAccounts({ accounts, catalogue, scheduler, emit, lineBound, journal, random = Math.random }: AccountsOptions): KeptAccounts {
  const { now } = scheduler;
  const pools = createPools();
  const rests = createRests({
    begun: ({ until, ...rest }) => record({ type: 'rest', rest: { ...rest, ...(Number.isFinite(until) && { until }) } }),
    ended: (key) => record({ type: 'awake', key }),
  });
  const rotation = createRotation<Option, Ruled>();
  const estimates = createEstimates((key, learned) => recordLater({ type: 'estimate', key, learned }));
  const merits = createMerits((target, merit) => recordLater({ type: 'merit', target, merit }));
  const conversations = createConversations();
  const breaker = createBreaker((changed) => record({ type: 'breaker', breaker: changed }));
  const effects = createEffects(rests, breaker, emit);
  const byProvider = new Map<string, readonly Account[]>();
  const everyone = (): readonly Account[] => [...byProvider.values()].flat();

  const shortening = { due: false };
  const history = { pools, rests, breaker, rotation, estimates, merits };
  const ledger = createLedger(pools, { must: record, may: recordLater }, restore(journal?.read() ?? [], history, catalogue(), now()));
  const choice = createChoice({ ledger, rests, rotation, estimates, merits, conversations, random, accountsOf: (provider) => byProvider.get(provider) ?? NOBODY });
  const line = createLine<Lease>(scheduler, lineBound);
  const leaseParts = { now, ledger, estimates, effects, merits, emit, freed: () => line.wake() };
  const view = createView({ pools, rests, catalogue, accounts: everyone, now });

  function record(entry: Entry): void {
    wakeFor(entry);
    journal?.append(entry);
    if (journal?.full !== true || shortening.due) return;
    shortening.due = true;
    // Not in the middle of a request.
    scheduler.after(0, () => {
      shortening.due = false;
      void journal.compact(snapshot(history, ledger.open(), now()));
    });
  }

  function recordLater(entry: Entry): void {
    wakeFor(entry);
    journal?.defer(entry);
  }

  /** Whatever may free what was left out for long. */
  function wakeFor(entry: Entry): void {
    if (entry.type === 'fact') rotation.wake(({ pool }) => pool === entry.pool);
    else if (entry.type === 'rest') rotation.wake((option) => reaches(entry.rest, option));
    else if (entry.type === 'awake' || (entry.type === 'count' && entry.unit === 'requests')) rotation.wake();
  }

  function update(next: readonly Account[]): void {
    const disabled = new Set(everyone().filter(({ enabled }) => !enabled).map(({ id }) => id));
    // Whoever enables an account again wants it tried.
    for (const { id, enabled } of next) if (enabled && disabled.has(id)) freshStart(rests.clear(id));
    byProvider.clear();
    for (const account of next) byProvider.set(account.provider, [...(byProvider.get(account.provider) ?? []), account]);
    pools.update(next);
    line.wake();
  }

  function freshStart(ended: readonly Rest[]): readonly Rest[] {
    for (const { key } of ended) breaker.forget(key);
    return ended;
  }

  function lease(turn: Turn, demand: Demand, enteredAt: number): Lease {
    const { option } = turn;
    const target = targetKey(option.target);
    rotation.used(target, option.accountId);
    conversations.served(demand.request, target, option.accountId, turn.hold.at);
    if (rests.size > 0) rests.probe(option, turn.hold.at);
    return createLease(leaseParts, turn, demand.request, turn.hold.at - enteredAt);
  }

  /** Takes a turn, or tells why there is none. Caution is dropped where nobody else could serve before the deadline. */
  function serve(demand: Demand, enteredAt: number, claimed: ReadonlySet<string>): Lease | readonly Ruled[] {
    const at = now();
    const outcome = choice.take(demand, at, claimed, { rests: true, limits: true });
    if (!isRuled(outcome)) return lease(outcome, demand, enteredAt);
    const lastTurnAt = lastTurn(demand);
    const urgent = at >= urgentAt(outcome, lastTurnAt, enteredAt);
    if (!urgent && !(hopeless(outcome, lastTurnAt) && hasSoft(outcome))) return outcome;
    const desperate = choice.take(demand, at, claimed, urgent ? { rests: true, limits: false } : { rests: false, limits: true });
    return isRuled(desperate) ? desperate : lease(desperate, demand, enteredAt);
  }

  function wait(demand: Demand, ruled: readonly Ruled[]): Promise<Lease> {
    const enteredAt = now();
    const { request, candidates, signal } = demand;
    const lastTurnAt = lastTurn(demand);
    const waiting: Demand = { ...demand, lastTurnAt: () => lastTurnAt };
    return line.enter({
      lane: waitable(ruled).map(({ option }) => meterName(option.accountId, option.model)).sort().join(','),
      provider: waitable(ruled)[0]?.option.target.provider.name ?? '',
      claims: [...claimsOf(ruled)],
      priority: request.priority,
      caller: request.caller.key,
      deadline: lastTurnAt,
      signal,
      serve(claimed) {
        const outcome = serve(waiting, enteredAt, claimed);
        if (!isRuled(outcome)) return { served: outcome };
        const own = waitable(outcome).filter((one) => one.claimed !== true);
        return { freeAt: Math.min(earliest(own), urgentAt(own, lastTurnAt, enteredAt)), claims: own.flatMap(({ claim }) => claim ?? []) };
      },
      refuse(reason) {
        if (reason === 'cancelled') return whyLeft(signal);
        const why = behindOthers(demand);
        return reason === 'full' ? lineFull(why, now()) : nobody(why, candidates, now());
      },
    });
  }

  const claimsOf = (ruled: readonly Ruled[]): ReadonlySet<string> => new Set(waitable(ruled).flatMap(({ option }) => ledger.claims(option)));

  /** A newcomer while others wait: only the line can say whether it may go before them, but not when the turn comes too late. */
  function behindOthers(demand: Demand): readonly Ruled[] {
    const alone = choice.rule(demand, now(), 0);
    const ahead = line.ahead(claimsOf(alone));
    return ahead === 0 ? alone : choice.rule(demand, now(), ahead);
  }

  /** Where an account's own quota is kept: any model of its provider leads to its pool. */
  function placeOf(accountId: string): Place | undefined {
    const account = everyone().find(({ id }) => id === accountId);
    const provider = account && catalogue().providers.get(account.provider);
    const model = provider?.models[0];
    return account && provider && model && { target: { provider, model }, pool: poolOf(account, provider), accountId };
  }

  update(accounts);

  return {
    async acquire(demand) {
      if (demand.signal.aborted) throw whyLeft(demand.signal);
      const outcome = line.size === 0 ? serve(demand, now(), NOTHING_CLAIMED) : behindOthers(demand);
      if (!isRuled(outcome)) return outcome;
      if (hopeless(outcome, lastTurn(demand)) && !(line.size > 0 && hasSoft(outcome))) throw nobody(outcome, demand.candidates, now());
      return wait(demand, outcome);
    },
    outlook: (candidates, request) => choice.outlook(candidates, request, now()),
    view,
    update,
    learn(accountId, facts) {
      const place = placeOf(accountId);
      if (place === undefined) return;
      const raised = ledger.learnOf(now(), place, facts).filter(({ raised }) => raised);
      if (raised.length > 0) effects.ended(rests.clearRates(place.pool), everyone());
      line.wake();
    },
    judge(accountId, good) {
      const account = everyone().find(({ id }) => id === accountId);
      const place = placeOf(accountId);
      if (account === undefined || place === undefined) return;
      if (good) effects.ended(rests.clearCredential(accountId), everyone());
      else {
        rests.begin(candidateOf(place), { scope: 'account', reason: 'suspended', until: Number.POSITIVE_INFINITY, timed: false, soft: false }, now());
        emit({ type: 'account-changed', account, state: 'suspended', reason: 'suspended' });
      }
      line.wake();
    },
    reopen(accountId) {
      const place = placeOf(accountId);
      if (place === undefined || rests.of('account', candidateOf(place))?.reason !== 'suspended') return;
      // As after its first refusal: the next one confirms it, and an answer ends it.
      rests.begin(candidateOf(place), { scope: 'account', reason: 'credential', until: now(), timed: false, soft: false }, now());
      line.wake();
    },
    clearRests(accountId) {
      const ended = freshStart(rests.clear(accountId, accountId === undefined ? undefined : placeOf(accountId)?.pool));
      effects.ended(ended, everyone());
      line.wake();
      return ended.length;
    },
    waiting: () => line.size,
    waitingByProvider: () => line.sizes(),
    breakers: () => breaker.all(now()).map((one) => tellBreaker(one, rests, now())),
    estimateErrors: estimates.errors,
    save: () => journal?.rewrite(snapshot(history, ledger.open(), now())),
  };
}

const candidateOf = ({ target, pool, accountId }: Place): Candidate => ({ provider: target.provider.name, model: target.model.name, accountId, pool });

const isRuled = (outcome: Turn | Lease | readonly Ruled[]): outcome is readonly Ruled[] => Array.isArray(outcome);

/** What this request may still wait for. */
const waitable = (ruled: readonly Ruled[]): readonly Ruled[] => ruled.filter(({ excluded }) => excluded !== true);

const hasSoft = (ruled: readonly Ruled[]): boolean => waitable(ruled).some(({ soft }) => soft === true);

const hasYielding = (ruled: readonly Ruled[]): boolean => waitable(ruled).some(({ yields }) => yields === true);

/** Caution that outlasts the last turn takes half of the time until then: a refusal is mostly heard of by then, and an answer that is late still has the other half. */
const CAUTIOUS_SHARE = 1 / 2;

/** From when on caution about configured limits binds no more. */
function urgentAt(ruled: readonly Ruled[], lastTurnAt: number, enteredAt: number): number {
  const outlasts = waitable(ruled).some(({ yields, freeAt }) => yields === true && freeAt > lastTurnAt);
  return outlasts ? enteredAt + CAUTIOUS_SHARE * Math.max(0, lastTurnAt - enteredAt) : Number.POSITIVE_INFINITY;
}

const reaches = (named: Named, option: Option): boolean =>
  (['provider', 'model', 'accountId', 'pool'] as const).every((name) => named[name] === undefined || named[name] === option[name]);

const lastTurn = ({ request, lastTurnAt }: Demand): number => lastTurnAt?.() ?? request.deadline;

/** Nobody will be free in time. Caution about a configured limit always is. */
const hopeless = (ruled: readonly Ruled[], lastTurnAt: number): boolean => !hasYielding(ruled) && earliest(waitable(ruled).filter(({ soft }) => soft !== true)) > lastTurnAt;
