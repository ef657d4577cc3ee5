/** Who can serve a request now, in the order to try; and for everyone else, what keeps it and until when. */
import type { Account, ChatRequest, Model, Provider, Target } from '../types.ts';
import type { Demand, Outlook } from './contract.ts';
import type { Conversations } from './conversation.ts';
import type { Estimate, Estimates } from './estimate.ts';
import { type Hold, type Ledger, type Place, meterName } from './ledger.ts';
import type { Merits } from './merit.ts';
import { poolOf } from './pool-of.ts';
import { type Candidate, type Rests } from './rest.ts';
import type { Rotation } from './rotation.ts';
import { createExpiring, first, mostUrgent } from './expiring.ts';
import { ranked } from './strategy.ts';
import type { Window } from './window.ts';

export interface Option extends Candidate, Place {
  readonly account: Account;
}

export interface Turn {
  readonly option: Option;
  readonly hold: Hold;
  readonly estimate: Estimate;
  /** Who would have come first. */
  readonly ruled: readonly Ruled[];
}

/** Why an option cannot serve. */
export interface Ruled {
  readonly option: Option;
  /** Infinity: never, or not before a human acts. */
  readonly freeAt: number;
  /** A failure kind, `too-long`, `concurrent`, `unproven`, `suspended`, `disabled`, or `excluded` (by the request itself). */
  readonly outcome: string;
  /** What a waiter for it holds against those behind. */
  readonly claim?: string;
  /** Only caution keeps it out. */
  readonly soft?: boolean;
  /** Only caution about a configured limit keeps it out: until `freeAt`, but nobody beyond their last turn. */
  readonly yields?: boolean;
  /** When it would be asked all the same, for want of anybody else: caution that is a guess of ours binds no newcomer longer. */
  readonly lastResortAt?: number;
  /** The request itself rules it out; `freeAt` still tells others the truth. */
  readonly excluded?: boolean;
  /** It rules out every request there, not only this one. */
  readonly anyone?: boolean;
  /** Somebody ahead in the line has the first right to it: it frees when theirs does. */
  readonly claimed?: boolean;
}

/** Which caution binds: about who rests without having been refused, and about limits that are configured, but not proven. */
export interface Caution {
  readonly rests: boolean;
  readonly limits: boolean;
}

export interface Choice {
  /** Takes the first turn there is; or tells why there is none. */
  take(demand: Demand, now: number, claimed: ReadonlySet<string>, caution: Caution): Turn | readonly Ruled[];
  /** The same without taking, for a newcomer behind others: those free now are told with `freeAt: now`. */
  rule(demand: Demand, now: number, others: number): readonly Ruled[];
  outlook(candidates: readonly Target[], request: ChatRequest, now: number): readonly Outlook[];
}

export interface ChoiceParts {
  readonly ledger: Ledger;
  readonly rests: Rests;
  readonly rotation: Rotation<Option, Ruled>;
  readonly estimates: Estimates;
  readonly merits: Merits;
  readonly conversations: Conversations;
  readonly random: () => number;
  /** The same array until the accounts change. */
  readonly accountsOf: (provider: string) => readonly Account[];
}

/** All ways to serve a target, in no order. */
interface Options {
  readonly provider: Provider;
  readonly accounts: readonly Account[];
  readonly key: string;
  readonly all: readonly Option[];
}

export const targetKey = ({ provider, model }: Target): string => `${provider.name}/${model.name}`;

export function createChoice({ ledger, rests, rotation, estimates, merits, conversations, random, accountsOf }: ChoiceParts): Choice {
  const expiring = createExpiring<Option>((option, now) => ledger.urgency(now, option));
  /** A thousand accounts are put together once, not at every request. */
  const known = new WeakMap<Model, Options>();
  const optionsOf = (target: Target): Options => {
    const accounts = accountsOf(target.provider.name);
    const made = known.get(target.model);
    if (made?.accounts === accounts && made.provider === target.provider) return made;
    const all = accounts.map((account): Option => ({
      target, account, provider: target.provider.name, model: target.model.name, accountId: account.id, pool: poolOf(account, target.provider),
    }));
    const fresh = { provider: target.provider, accounts, key: targetKey(target), all };
    known.set(target.model, fresh);
    return fresh;
  };
  /** Those who may be able to serve, and what keeps those who are left out for long. */
  const split = (candidates: readonly Target[], now: number): { readonly options: readonly Option[]; readonly left: readonly Ruled[] } => {
    const known = candidates.map(optionsOf);
    return { options: known.flatMap(({ key, all }) => [...rotation.order(key, all, now)]), left: known.flatMap(({ key }) => [...rotation.leftOut(key)]) };
  };

  function resting(option: Option, now: number, cautious: boolean): Ruled | undefined {
    if (!option.account.enabled) return { option, freeAt: Number.POSITIVE_INFINITY, outcome: 'disabled', anyone: true };
    const rest = rests.blocking(option, now);
    if (rest === undefined || (rest.soft && !cautious)) return undefined;
    // While a probe is out nobody knows more; its end wakes the line.
    const freeAt = Math.max(rest.until, now + (rest.probing ? PROBE_MS : 0));
    return { option, freeAt, outcome: rest.reason, soft: rest.soft, anyone: !rest.soft, ...(rest.soft && !rest.timed && { lastResortAt: Math.min(freeAt, now + LAST_RESORT_MS) }) };
  }

  function short(option: Option, estimate: Estimate, now: number, others = 0): Ruled | undefined {
    const { at, meter, window, full, unproven } = ledger.freeAt(now, option, estimate, others);
    if (at <= now) return undefined;
    // Nothing is held: whoever is behind and cannot wait may go meanwhile.
    if (unproven === 'unless-urgent') return { option, freeAt: at, outcome: 'unproven', yields: true };
    const outcome = full === true ? 'concurrent' : unproven === undefined ? outcomeOf(at, window) : 'unproven';
    // A calendar's turn gives all of it back: what small ones take before it is nothing to whoever waits for the turn.
    const claims = meter !== undefined && window?.kind !== 'calendar';
    return { option, freeAt: at, outcome, ...(claims && { claim: meter }), anyone: full !== true && window?.unit === 'requests' };
  }

  function keeping(option: Option, request: ChatRequest, now: number, others = 0): Ruled | undefined {
    const rest = resting(option, now, true);
    const quota = short(option, estimates.of(option.provider, option.target.model, request), now, others);
    if (rest === undefined || quota === undefined) return rest ?? quota;
    if (rest.freeAt < quota.freeAt) return quota;
    return rest.lastResortAt === undefined ? rest : { ...rest, lastResortAt: Math.max(rest.lastResortAt, quota.freeAt) };
  }

  /** It was asked, or never will be by this request: what it rests for is a reason, and that its windows are short besides is none. */
  function ruledOut(option: Option, request: ChatRequest, now: number, others = 0): Ruled {
    return { option, freeAt: now, ...keeping(option, request, now, others), outcome: resting(option, now, true)?.outcome ?? 'excluded', excluded: true };
  }

  /**
   * Who is left out for its requests may be kept longer by this one's tokens. Nobody is free earlier than told then, so only those are
   * asked again who could be the earliest: one of a thousand, as a rule.
   */
  function keptFor({ request, excluded }: Demand, left: readonly Ruled[], now: number, others = 0): readonly Ruled[] {
    const earliest = { ofAll: Number.POSITIVE_INFINITY, ofAllowed: Number.POSITIVE_INFINITY };
    return left.map((why) => {
      const { target, account, pool } = why.option;
      const isExcluded = excluded(target, account, pool);
      const told = why.freeAt < (isExcluded ? earliest.ofAll : earliest.ofAllowed) ? (keeping(why.option, request, now, others) ?? why) : why;
      earliest.ofAll = Math.min(earliest.ofAll, told.freeAt);
      if (!isExcluded) earliest.ofAllowed = Math.min(earliest.ofAllowed, told.freeAt);
      return { ...told, excluded: isExcluded };
    });
  }

  /** The account that a conversation spoke with last. */
  function ownOf(request: ChatRequest, { key, all }: Options, now: number): Option | undefined {
    const wished = all.length < 2 ? undefined : conversations.account(request, key, now);
    return wished === undefined ? undefined : all.find(({ accountId }) => accountId === wished);
  }

  /** In the order to try: the rule's, whoever was asked longest ago first, but a conversation's own account before it. */
  function* inTurn(request: ChatRequest, candidates: readonly Target[], now: number): Iterable<Option> {
    for (const target of candidates) {
      const options = optionsOf(target);
      const own = ownOf(request, options, now);
      if (own !== undefined) yield own;
      for (const option of rotation.order(options.key, options.all, now)) if (option !== own) yield option;
    }
  }

  /** Whoever's quota expires first, but a conversation's own account before those that are no more urgent. */
  function* asTheyExpire(request: ChatRequest, candidates: readonly Target[], now: number): Iterable<Option> {
    const known = candidates.map(optionsOf);
    const rankings = known.map(({ key, all }) => expiring.of(key, rotation.version(key, all, now), () => rotation.order(key, all, now), now));
    const { most, from } = first(rankings);
    const options = known[from];
    const wished = options && ownOf(request, options, now);
    const own = wished !== undefined && ledger.urgency(now, wished) >= most ? wished : undefined;
    if (own !== undefined) yield own;
    for (const option of mostUrgent(rankings)) if (option !== own) yield option;
  }

  function plan({ request, candidates, strategy = 'round_robin' }: Demand, now: number): Iterable<Option> {
    switch (strategy) {
      case 'round_robin': return inTurn(request, candidates, now);
      case 'spend_expiring': return asTheyExpire(request, candidates, now);
      case 'fastest':
      case 'reliable': return inTurn(request, ranked(candidates, strategy, (target) => merits.of(targetKey(target)), random), now);
    }
  }

  return {
    rule(demand, now, others) {
      const { request, candidates, excluded } = demand;
      const { options, left } = split(candidates, now);
      // Those ahead spread over the pools as well as the newcomer could.
      const each = Math.floor(others / Math.max(1, new Set(options.map(({ pool, model }) => meterName(pool, model))).size));
      const excludes = ({ target, account, pool }: Option): boolean => excluded(target, account, pool);
      const ruled = options.map((option): Ruled => (excludes(option) ? ruledOut(option, request, now, each) : (keeping(option, request, now, each) ?? { option, freeAt: now, outcome: 'free' })));
      return inOrder(candidates, [...keptFor(demand, left, now, each), ...ruled]);
    },
    outlook(candidates, request, now) {
      const { options, left } = split(candidates, now);
      const free = options.map((option): Ruled => keeping(option, request, now) ?? { option, freeAt: now, outcome: 'free' });
      const kept = left.map((why) => keeping(why.option, request, now) ?? why);
      return inOrder(candidates, [...free, ...kept]).map(({ option: { target, account, pool }, freeAt, outcome }): Outlook =>
        ({ target, account, pool, ...(Number.isFinite(freeAt) && { freeAt }), reason: outcome }));
    },
    take(demand, now, claimed, caution) {
      const { request, excluded, candidates } = demand;
      const ruled: Ruled[] = [];
      const lasting: Ruled[] = [];
      const leaveOut = (): void => {
        for (const why of lasting) rotation.leaveOut(targetKey(why.option.target), why, now);
      };
      let spent: Set<string> | undefined;
      for (const option of plan(demand, now)) {
        const quota = meterName(option.pool, option.model);
        if (spent?.has(quota) === true) continue;
        if (excluded(option.target, option.account, option.pool)) {
          ruled.push(ruledOut(option, request, now));
          continue;
        }
        const rest = resting(option, now, caution.rests);
        if (rest !== undefined) {
          if (rest.anyone === true) lasting.push(rest);
          ruled.push(keeping(option, request, now) ?? rest);
          continue;
        }
        const estimate = estimates.of(option.provider, option.target.model, request);
        const hold = isClaimed(option, claimed) ? undefined : ledger.take(now, option, estimate, !caution.limits);
        if (hold !== undefined) {
          leaveOut();
          if (demand.strategy === 'spend_expiring') expiring.used(targetKey(option.target), option, now);
          return { option, hold, estimate, ruled };
        }
        (spent ??= new Set()).add(quota);
        const why = short(option, estimate, now) ?? { option, freeAt: now, outcome: 'rate-minute', claimed: true };
        if (why.anyone === true) lasting.push(why);
        ruled.push(why);
      }
      const before = candidates.flatMap((target) => [...rotation.leftOut(targetKey(target))]);
      leaveOut();
      if (before.length === 0) return ruled;
      return inOrder(candidates, [...keptFor(demand, before, now), ...ruled]);
    },
  };
}

function inOrder(candidates: readonly Target[], ruled: readonly Ruled[]): readonly Ruled[] {
  const places = new Map(candidates.map(({ model }, place) => [model, place]));
  const placeOf = ({ option }: Ruled): number => places.get(option.target.model) ?? candidates.length;
  return ruled.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** A hiccup is over in seconds; and where an outage lasts, asking twelve times a minute costs upstream nothing. */
const LAST_RESORT_MS = 5_000;

/** How long an answer usually takes to begin: when a probe that is out may be expected back. */
const PROBE_MS = 2000;

const isClaimed = ({ pool, model }: Option, claimed: ReadonlySet<string>): boolean =>
  claimed.size > 0 && (claimed.has(pool) || claimed.has(meterName(pool, model)));

const DAY_SECONDS = 86_400;

function outcomeOf(freeAt: number, window: Window | undefined): string {
  if (freeAt === Number.POSITIVE_INFINITY) return 'too-long';
  return (window?.seconds ?? 0) >= DAY_SECONDS ? 'rate-day' : 'rate-minute';
}
