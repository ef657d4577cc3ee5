/** Carries out a failure's row of the table, and ends what a success disproves. */
import { type UpstreamFailure, consequences } from '../failure.ts';
import type { Account, AccountState, Emit } from '../types.ts';
import type { Breaker } from './breaker.ts';
import type { Option } from './choice.ts';
import type { NewRest, Rest, Rests } from './rest.ts';

export interface Effects {
  failed(option: Option, sentAt: number, failure: UpstreamFailure, now: number): void;
  answered(option: Option, sentAt: number, now: number): void;
  ended(rests: readonly Rest[], accounts: readonly Account[]): void;
}

/** A bad key is asked once more after a moment: one provider's hiccup in checking keys must not cost an account. */
const CONFIRM_MS = 5000;
/** A model that is gone leaves the catalogue with the next refresh; one probe a day finds a mistake. */
const RETIRED_MS = 24 * 3_600_000;

/** One answer that broke off is no outage yet, but the next request is better off elsewhere for a moment. */
const BROKEN_MS = 5000;

const brokeOff = (failure: UpstreamFailure): boolean => failure.kind === 'broken-answer' || (failure.kind === 'silent' && failure.phase !== 'connect' && failure.phase !== 'first-content');

export function createEffects(rests: Rests, breaker: Breaker, emit: Emit): Effects {
  function tell(option: Option, rest: Rest): void {
    if (rest.scope !== 'account' && rest.scope !== 'pool') return;
    const state: AccountState = Number.isFinite(rest.until) ? 'resting' : 'suspended';
    emit({ type: 'account-changed', account: option.account, state, reason: rest.reason, ...(Number.isFinite(rest.until) && { until: rest.until }) });
  }

  function begin(option: Option, rest: NewRest, now: number): void {
    const known = rests.of(rest.scope, option);
    // A guess never shortens what upstream said.
    if (known !== undefined && known.until > now && known.timed && !rest.timed && known.until > rest.until) return;
    tell(option, rests.begin(option, rest, now));
  }

  function suspend(option: Option, sentAt: number, now: number): void {
    const known = rests.of('account', option);
    const confirmed = known?.reason === 'credential' && sentAt > known.since;
    if (known?.reason === 'suspended' || (known?.reason === 'credential' && !confirmed)) return;
    const rest = { scope: 'account', timed: false, soft: false } as const;
    begin(option, confirmed ? { ...rest, reason: 'suspended', until: Number.POSITIVE_INFINITY } : { ...rest, reason: 'credential', until: now + CONFIRM_MS }, now);
  }

  function trip(option: Option, sentAt: number, failure: Exclude<UpstreamFailure, { kind: 'cancelled' }>, now: number): void {
    const scope = failure.scope ?? consequences[failure.kind].scope ?? 'target';
    const known = rests.of(scope, option);
    // Calls that were out when the breaker opened say nothing new.
    if (known?.soft === true && sentAt <= known.since) return;
    // What stands between us and a whole provider is seen at once, and often over as soon.
    const restMs = breaker.failed(scope, option, now, failure.unsent === true || scope === 'provider');
    const own = rests.of('account-model', option);
    // Where the model answers others, it is the account's own trouble.
    const counts = restMs === undefined && scope === 'target' && !(own?.soft === true && sentAt <= own.since);
    const ownMs = counts ? breaker.failed('account-model', option, now, false) : undefined;
    if (failure.retryAt !== undefined) begin(option, { scope, reason: failure.kind, until: failure.retryAt, timed: true, soft: true }, now);
    else if (restMs !== undefined) begin(option, { scope, reason: failure.kind, until: now + restMs, timed: false, soft: true }, now);
    else if (ownMs !== undefined) begin(option, { scope: 'account-model', reason: failure.kind, until: now + ownMs, timed: false, soft: true }, now);
    else if (brokeOff(failure)) begin(option, { scope: 'account-model', reason: failure.kind, until: now + BROKEN_MS, timed: true, soft: true }, now);
  }

  function ended(over: readonly Rest[], accounts: readonly Account[]): void {
    for (const rest of over) {
      for (const account of accounts) {
        if (rest.accountId === account.id) emit({ type: 'account-changed', account, state: 'active', reason: rest.reason });
      }
    }
  }

  return {
    ended,
    failed(option, sentAt, failure, now) {
      if (failure.kind !== 'cancelled') {
        const row = consequences[failure.kind];
        const scope = failure.scope ?? row.scope ?? 'account';
        switch (row.effect) {
          case 'rest':
            begin(option, { scope, reason: failure.kind, until: failure.retryAt ?? now + (row.restMs ?? 0), timed: failure.retryAt !== undefined, soft: false }, now);
            break;
          case 'suspend': suspend(option, sentAt, now); break;
          case 'retire':
            begin(option, { scope, reason: failure.kind, until: failure.retryAt ?? now + RETIRED_MS, timed: failure.retryAt !== undefined, soft: false }, now);
            break;
          case 'breaker': trip(option, sentAt, failure, now); break;
          case 'nothing': break;
        }
      }
      rests.undecided(option, sentAt);
    },
    answered(option, sentAt, now) {
      breaker.answered(option, now);
      ended(rests.answered(option, sentAt), [option.account]);
    },
  };
}
