/** One call's right to be sent, from the taking to the settling. */
import { type UpstreamFailure, consequences } from '../failure.ts';
import type { ChatRequest, Emit, Fact, Usage } from '../types.ts';
import type { Lease } from './contract.ts';
import { type Turn, targetKey } from './choice.ts';
import { attemptsOf } from './exhausted.ts';
import type { Effects } from './effects.ts';
import type { Estimates } from './estimate.ts';
import type { Learned } from './learning.ts';
import type { Ledger } from './ledger.ts';
import type { Merits } from './merit.ts';

export interface LeaseParts {
  readonly now: () => number;
  readonly ledger: Ledger;
  readonly estimates: Estimates;
  readonly effects: Effects;
  readonly merits: Merits;
  readonly emit: Emit;
  /** Something may have freed. */
  readonly freed: () => void;
}

/** Less than this many requests, or this share of the limit, may be a matter of milliseconds and rounding. */
const LEAST_FOREIGN = 3;
const FOREIGN_SHARE = 0.05;

/** Refused before anything was read: no token was used. */
const UNREAD: ReadonlySet<UpstreamFailure['kind']> = new Set([
  'rate-minute', 'rate-day', 'balance', 'credential', 'model-access', 'model-gone', 'too-long', 'caller',
]);

const isRate = ({ kind }: UpstreamFailure): boolean => kind === 'rate-minute' || kind === 'rate-day';

export function createLease({ now, ledger, estimates, effects, merits, emit, freed }: LeaseParts, turn: Turn, request: ChatRequest, queuedMs: number): Lease {
  const { option, hold, estimate, ruled } = turn;
  let over = false;
  let headersAt: number | undefined;

  /** Upstream has spoken: whatever the call takes there, it had taken by now. */
  function heard(at: number): void {
    headersAt ??= at;
    ledger.seen(at, hold);
  }

  function learn(facts: readonly Fact[], admitted: boolean): void {
    heard(now());
    for (const learned of ledger.learn(now(), hold, facts, admitted)) noticeForeign(learned);
    freed();
  }

  function noticeForeign({ window, foreign }: Learned): void {
    if (foreign < Math.max(LEAST_FOREIGN, window.limit * FOREIGN_SHARE) || window.unit !== 'requests' || now() < window.noticedUntil) return;
    window.noticedUntil = now() + window.seconds * 1000;
    emit({
      type: 'notice',
      level: 'info',
      message: `someone else uses the quota of ${option.account.provider} account ${option.account.label}; another program with its key or organisation?`,
      fields: { provider: option.provider, account: option.account.label, model: option.model, unit: window.unit, seconds: window.seconds, foreign: Math.round(foreign) },
    });
  }

  /** Ends the lease once; a second ending is a mistake of the caller that must not count twice. */
  function end(act: (at: number) => void, admitted = true): void {
    if (over) return;
    over = true;
    const at = now();
    act(at);
    ledger.release(at, hold, admitted);
    freed();
  }

  /** What was used beyond the reservation is owed; what was not may be used by others only where upstream told the usage of a whole answer. */
  function countTokens(at: number, usage: Usage | undefined, whole: boolean): void {
    if (usage === undefined) return;
    const used = usage.input + usage.output;
    if (whole) ledger.settle(at, hold, usage);
    else if (used > hold.cost.tokens) ledger.adjust(at, hold, 'tokens', used);
  }

  return {
    target: option.target,
    account: option.account,
    pool: option.pool,
    queuedMs,
    passedOver: () => attemptsOf(ruled, hold.at),
    learn: (facts) => learn(facts, true),
    settle(usage) {
      end((at) => {
        heard(at);
        const reported = usage !== undefined && usage.estimated !== true;
        // Who counts sound tells no tokens.
        if (reported && usage.input > 0) estimates.learn(option.provider, option.model, estimate, request.promptTokens, usage);
        countTokens(at, usage, reported);
        merits.answered(targetKey(option.target), (headersAt ?? at) - hold.at);
        effects.answered(option, hold.at, at);
      });
    },
    fail(failure, usage) {
      const admitted = !isRate(failure);
      end((at) => {
        giveBack(at, failure);
        if (failure.kind !== 'cancelled' && failure.upstreamStatus !== undefined) heard(at);
        if (failure.kind !== 'cancelled' && failure.facts !== undefined) learn(failure.facts, admitted);
        countTokens(at, usage, false);
        if (consequences[failure.kind].effect !== 'nothing') merits.failed(targetKey(option.target));
        effects.failed(option, hold.at, failure, at);
      }, admitted);
    },
    cancel(usage) {
      end((at) => {
        countTokens(at, usage, false);
        effects.failed(option, hold.at, { kind: 'cancelled', message: 'the caller left' }, at);
        // Whether upstream would have admitted it nobody knows before its headers.
      }, headersAt !== undefined);
    },
  };

  function giveBack(at: number, failure: UpstreamFailure): void {
    if (failure.kind === 'cancelled') return;
    if (UNREAD.has(failure.kind) || failure.unsent === true) for (const unit of ['tokens', 'audio_seconds'] as const) ledger.adjust(at, hold, unit, 0);
    // Some providers count what they refuse. Where the refusal says how full the window is, that is counted instead of the call.
    const told = isRate(failure) && failure.facts?.some(({ remaining }) => remaining !== undefined) === true;
    if (told || failure.unsent === true) ledger.adjust(at, hold, 'requests', 0);
  }
}
