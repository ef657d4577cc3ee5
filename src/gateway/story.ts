/** What happened to one request: its attempts, and how it ended. Told once, when it is over. */
import type { Lease } from '../accounts/accounts.ts';
import { consequences, failureOf, FailureError } from '../failure.ts';
import type { Failure, FailureKind } from '../failure.ts';
import type { Match } from '../routing/classify.ts';
import type { Attempt, ChatRequest, Clock, Emit, Target, Usage } from '../types.ts';

export interface Story {
  readonly attempts: readonly Attempt[];
  /** Attempts begun so far. */
  readonly tries: () => number;
  readonly matched: (match: Match) => Match;
  /** Opens an attempt; the returned function closes it, once. */
  readonly tried: (lease: Lease) => OpenAttempt;
  /** Milliseconds waited on purpose before asking again: told with the time in line. */
  readonly paused: (milliseconds: number) => void;
  readonly answered: (lease: Lease, usage: Usage | undefined) => void;
  /** The cache was asked and had nothing. */
  readonly missed: () => void;
  /** Answered with what another call has brought: it used nothing, and saved all that the call was worth. */
  readonly repeated: (answer: Repeated) => void;
  /** The error to throw at the client: one failure that tells what all attempts came to. `begun`: the answer that broke, and what it used. */
  readonly failed: (error: unknown, begun?: Begun) => FailureError;
}

export interface Begun {
  readonly lease: Served;
  readonly usage: Usage | undefined;
}

/** Who answered. */
export type Served = Pick<Lease, 'target' | 'account' | 'queuedMs'>;

export interface Repeated extends Begun {
  /** Spent waiting for that other call. */
  readonly waitedMs?: number;
}

export interface Money {
  readonly costUsd?: number;
  readonly savedUsd?: number;
}

/** What the same answer costs and saves when nobody is asked for it. */
export function repeatedMoney({ costUsd, savedUsd }: Money): Money {
  return { costUsd: 0, ...(costUsd !== undefined && savedUsd !== undefined && { savedUsd: costUsd + savedUsd }) };
}

export interface OpenAttempt {
  /** The first content is here; after how many milliseconds. */
  readonly content: () => number;
  readonly end: (failure?: Failure) => void;
}

export interface StoryOptions {
  readonly now: Clock;
  readonly emit: Emit;
  readonly price: (target: Target, usage: Usage | undefined) => Money;
}

export function createStory({ now, emit, price }: StoryOptions, request: ChatRequest): Story {
  const attempts: Attempt[] = [];
  const known: { match?: Match; tries: number; firstContentAt?: number; lastFailure?: Failure; upstreamMs: number; queueMs: number; pausedMs: number; cache?: 'hit' | 'miss'; passedOver?: () => readonly Attempt[]; over: boolean } = { tries: 0, upstreamMs: 0, queueMs: 0, pausedMs: 0, over: false };

  const finish = (ending: { status: number; failure?: string; lease?: Served; usage?: Usage | undefined; money?: Money }): void => {
    if (known.over) return;
    known.over = true;
    const at = now();
    const { match, firstContentAt, queueMs } = known;
    emit({
      type: 'request-finished',
      request,
      summary: {
        status: ending.status,
        ...(match?.rule && { rule: match.rule.name }),
        words: match?.words.map(({ word }) => word) ?? [],
        attempts,
        ...(known.passedOver && { passedOver: known.passedOver }),
        ...(ending.lease && {
          provider: ending.lease.target.provider.name,
          account: ending.lease.account.label,
          model: ending.lease.target.model.name,
          ...(ending.money ?? price(ending.lease.target, ending.usage)),
        }),
        ...(ending.usage && { usage: ending.usage }),
        queueMs,
        ...(firstContentAt !== undefined && { firstContentMs: firstContentAt - request.receivedAt }),
        totalMs: at - request.receivedAt,
        overheadMs: Math.max(0, (firstContentAt ?? at) - request.receivedAt - known.upstreamMs - queueMs),
        ...(known.cache && { cache: known.cache }),
        ...(ending.failure !== undefined && { failure: ending.failure }),
      },
    });
  };

  return {
    attempts,
    tries: () => known.tries,
    matched: (match) => (known.match = match),
    paused(milliseconds) {
      known.queueMs += milliseconds;
      known.pausedMs += milliseconds;
    },
    tried(lease) {
      known.tries += 1;
      known.queueMs += lease.queuedMs;
      known.passedOver = lease.passedOver;
      const waitedMs = lease.queuedMs + known.pausedMs;
      known.pausedMs = 0;
      const startedAt = now();
      const times: { firstContentAt?: number } = {};
      const waited = (): void => {
        known.upstreamMs += now() - startedAt;
      };
      return {
        content() {
          waited();
          times.firstContentAt = known.firstContentAt = now();
          return times.firstContentAt - startedAt;
        },
        end(failure) {
          if (times.firstContentAt === undefined) waited();
          if (failure !== undefined) known.lastFailure = failure;
          const attempt: Attempt = {
            provider: lease.target.provider.name,
            account: lease.account.label,
            model: lease.target.model.name,
            outcome: failure?.kind ?? 'ok',
            sent: true,
            ...(failure && { message: failure.message }),
            ...(failure && 'retryAt' in failure && failure.retryAt !== undefined && { retryAt: failure.retryAt }),
            ...(waitedMs > 0 && { waitedMs }),
            startedAt,
            ...times,
            endedAt: now(),
          };
          attempts.push(attempt);
          emit({ type: 'attempt-finished', request, attempt });
        },
      };
    },
    answered(lease, usage) {
      finish({ status: 200, lease, usage });
    },
    missed() {
      known.cache = 'miss';
    },
    repeated({ lease, usage, waitedMs = 0 }) {
      if (known.over) return;
      known.cache = 'hit';
      known.upstreamMs += waitedMs;
      finish({ status: 200, lease, usage: { input: 0, output: 0 }, money: repeatedMoney(price(lease.target, usage)) });
    },
    failed(error, begun) {
      const cause = failureOf(error);
      if ('attempts' in cause) known.passedOver = () => cause.attempts;
      const failure = verdict(cause, attempts, known.lastFailure);
      finish({ status: consequences[failure.kind].status, failure: failure.kind, ...begun });
      return new FailureError(failure, { cause: error });
    },
  };
}

/** Nobody is left to ask: what the attempts before came to decides whether waiting helps (429) or not (503). */
function verdict(failure: Failure, sent: readonly Attempt[], last: Failure | undefined): Failure {
  if (failure.kind !== 'exhausted' && failure.kind !== 'unavailable') return failure;
  // All who could be asked found the same fault, and it is the question's.
  if (last !== undefined && failure.attempts.length === 0 && sent.every(({ outcome }) => isQuestions(outcome))) return last;
  const attempts = [...sent, ...failure.attempts];
  const times = attempts.flatMap(({ outcome, retryAt }) => (retryAt !== undefined && outcome.startsWith('rate-') ? [retryAt] : []));
  if (failure.retryAt !== undefined) times.push(failure.retryAt);
  const kind = times.length > 0 && attempts.some(({ outcome }) => outcome.startsWith('rate-')) ? 'exhausted' : failure.kind;
  const message = kind === 'unavailable' && failure.attempts.length === 0 && times.length === 0 && sent.length > 0 ? allFailed(sent) : failure.message;
  return { ...failure, kind, message, attempts, ...(times.length > 0 && { retryAt: Math.min(...times) }) };
}

const isQuestions = (outcome: string): boolean => outcome in consequences && (consequences[outcome as FailureKind].elsewhere !== 'yes');

const allFailed = (sent: readonly Attempt[]): string => `nobody could answer (${[...new Set(sent.map(({ provider, outcome }) => `${provider}: ${outcome}`))].join(', ')}); tollfree status tells more`;
