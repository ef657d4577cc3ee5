/**
 * Read this first: one request, from question to stream.
 *
 * A request is classified, its candidates are put in order, and then there is one loop: take a turn, call, and either
 * commit to the answer or read in the failure table where to go next. {@link answer} resolves at the **commit point**,
 * the first content of a stream or the last byte of a JSON answer. Before it a failure is the loop's business and the
 * client never learns of it; after it nothing is retried, because the client has already read a part.
 */
import type { Accounts, Lease } from './accounts/accounts.ts';
import { failureOf, FailureError, isUpstreamFailure, whyLeft } from './failure.ts';
import type { Failure } from './failure.ts';
import { throughCache } from './gateway/answer-cache.ts';
import type { AnswerCache } from './gateway/answer-cache.ts';
import { createConcessions } from './gateway/concessions.ts';
import type { Concessions } from './gateway/concessions.ts';
import { createExclusions } from './gateway/exclusions.ts';
import type { Exclusions } from './gateway/exclusions.ts';
import type { FirstContent } from './gateway/first-content.ts';
import { goOn } from './gateway/go-on.ts';
import { hedged } from './gateway/hedge.ts';
import { commitPoint, deadlines, isHeld, lastTurn, patienceWith } from './gateway/deadlines.ts';
import type { Patience } from './gateway/patience.ts';
import { mayResume, resumable } from './gateway/resume.ts';
import type { RetryBudget } from './gateway/retry-budget.ts';
import { createStory } from './gateway/story.ts';
import type { Money, OpenAttempt, Served, Story } from './gateway/story.ts';
import type { Untaken } from './gateway/untaken.ts';
import { countUsage } from './gateway/usage-count.ts';
import { candidates } from './routing/candidates.ts';
import { classify } from './routing/classify.ts';
import type { Match, RuleSet } from './routing/classify.ts';
import { arrival, createSource, END, sourceOf } from './source.ts';
import type { Source } from './source.ts';
import type { AbortSignalLike, Catalogue, ChatChunk, ChatRequest, Clock, Emit, Provider, Send, Target, Usage } from './types.ts';

/** What the loop needs, as a plain object: tests pass literals. */
export interface Gateway {
  readonly now: Clock;
  readonly rules: () => RuleSet;
  readonly catalogue: () => Catalogue;
  /** Whether anyone has an account there. */
  readonly usable: (provider: Provider) => boolean;
  readonly accounts: Pick<Accounts, 'acquire' | 'outlook' | 'view'>;
  readonly send: Send;
  readonly price: (target: Target, usage: Usage | undefined) => Money;
  readonly emit: Emit;
  readonly policy: () => Policy;
  readonly retries: RetryBudget;
  readonly firstContent: FirstContent;
  readonly untaken: Untaken;
  readonly cache: AnswerCache;
  /** 0 to 1. */
  readonly random: () => number;
}

/** The operator's part in the loop: `free_only` and the deadlines, in milliseconds. */
export interface Policy {
  readonly freeOnly: boolean;
  readonly firstContentMs: number;
  /** For a JSON answer, which shows nothing before its last byte. */
  readonly wholeAnswerMs: number;
  readonly stallMs: number;
  readonly totalMs: number;
  /** How late a stream gets a rival. Absent: never. */
  readonly hedgeMs?: number;
}

/** A certain answer: its first content is here, or all of it. */
export interface Answer {
  readonly match: Match;
  readonly lease: Served;
  /** Calls it took, this one included; none where it was told before. */
  readonly attempts: number;
  /** Known for certain once `chunks` has ended. */
  readonly usage: () => Usage | undefined;
  /** Fields of the question this model was not asked, because it or its provider does not take them. */
  readonly dropped: readonly string[];
  /** Absent: the cache was not asked. */
  readonly cache?: { readonly hit: boolean; readonly ageMs: number };
  /** Ends with the answer's own end, or throws the FailureError that broke it. Leaving early stops upstream. */
  readonly chunks: AsyncIterable<ChatChunk>;
}

/** From a call of its own. */
export interface CalledAnswer extends Answer {
  readonly lease: Lease;
}

/**
 * Answers a request from whoever can do it for free.
 *
 * Throws a FailureError when nobody can: `no-such-model`, `not-capable`, `paid-model`, `exhausted` (with the earliest
 * true time), `unavailable`, what the request itself did wrong, or `cancelled` when the client left.
 */
export async function answer(gateway: Gateway, request: ChatRequest, signal: AbortSignalLike): Promise<Answer> {
  gateway.emit({ type: 'request-started', request });
  gateway.retries.live();
  const story = createStory(gateway, request);
  try {
    const match = story.matched(classify(request, gateway.rules()));
    const targets = candidates(match, request, gateway.catalogue(), { freeOnly: gateway.policy().freeOnly, usable: gateway.usable });
    const turn: Turn = { gateway, request, match, targets, story, exclusions: createExclusions(), concessions: createConcessions(request, gateway.untaken), signal };
    return await throughCache(turn, askUpstream);
  } catch (error) {
    throw story.failed(error);
  }
}

function askUpstream(turn: Turn): Promise<Answer> {
  return mayResume(turn) ? tryAll(turn).then((certain) => resumable(turn, certain, tryAll)) : tryAll(turn);
}

/** One request on its way. */
export interface Turn {
  readonly gateway: Gateway;
  readonly request: ChatRequest;
  readonly match: Match;
  readonly targets: readonly Target[];
  readonly story: Story;
  readonly exclusions: Exclusions;
  readonly concessions: Concessions;
  readonly signal: AbortSignalLike;
  /** Of several attempts at once only one may commit; throws for the others. */
  readonly commit?: () => Promise<void>;
}

/** The loop: one candidate after the other, each at the moment it can serve. */
async function tryAll(turn: Turn): Promise<CalledAnswer> {
  const { gateway, request, match, targets, exclusions, signal } = turn;
  const strategy = match.rule?.strategy;
  for (;;) {
    const lease = await gateway.accounts.acquire({ request, candidates: targets, excluded: exclusions.excluded, signal, lastTurnAt: () => lastTurn(turn), ...(strategy && { strategy }) });
    const certain = await hedged(turn, lease, tryOnce);
    if (certain !== undefined) return certain;
  }
}

/** One attempt, up to the commit point. Undefined: it failed, unseen, and the loop goes on. */
async function tryOnce(turn: Turn, lease: Lease): Promise<CalledAnswer | undefined> {
  const { gateway, match, story, concessions } = turn;
  const patience = patienceWith(turn, lease);
  const attempt = story.tried(lease);
  try {
    const { stallMs } = deadlines(gateway.policy(), match, lease.target);
    const upstream = await gateway.send({ request: concessions.fit(lease.target), target: lease.target, account: lease.account, stallMs }, patience.signal);
    lease.learn(upstream.facts);
    const rest = sourceOf(upstream.chunks);
    const held = await readUntil(rest, commitPoint(turn));
    if (held.complete) turn.request.mustBeTellable?.(held.chunks);
    if (turn.commit !== undefined) await turn.commit();
    const afterMs = attempt.content();
    if (!isHeld(turn)) gateway.firstContent.noted(lease.target, afterMs);
    if (!held.complete) {
      patience.committed();
      forgetWords(turn.request);
    }
    return { match, lease, attempts: story.tries(), dropped: concessions.dropped(lease.target), ...deliver({ turn, lease, attempt, patience }, held, rest) };
  } catch (error) {
    patience.end();
    const failure = failureOf(patience.signal.aborted ? patience.signal.reason : error);
    end(lease, failure);
    attempt.end(failure);
    if (await goOn(turn, lease, failure)) return undefined;
    throw new FailureError(failure, { cause: error });
  }
}

/** It will be asked no more in the client's own words, and may be open for minutes. */
function forgetWords({ written }: ChatRequest): void {
  if (written !== undefined) written.text = undefined;
}

interface Held {
  readonly chunks: readonly ChatChunk[];
  readonly complete: boolean;
}

/** Reads up to the commit point, which is the end where no chunk is. Everything read is held for the client. */
async function readUntil(rest: Source<ChatChunk>, isPoint: (chunk: ChatChunk) => boolean): Promise<Held> {
  const chunks: ChatChunk[] = [];
  for (;;) {
    const chunk = rest.take();
    if (chunk === END) return { chunks, complete: true };
    if (chunk === undefined) {
      await arrival(rest);
      continue;
    }
    chunks.push(chunk);
    if (isPoint(chunk)) return { chunks, complete: false };
  }
}

interface Delivery {
  readonly turn: Turn;
  readonly lease: Lease;
  readonly attempt: OpenAttempt;
  readonly patience: Patience;
}

/** After the commit point: what is held, then the rest as it comes, and the books closed exactly once however it ends. */
function deliver({ turn, lease, attempt, patience }: Delivery, held: Held, rest: Source<ChatChunk>): Pick<Answer, 'chunks' | 'usage'> {
  const { story, signal } = turn;
  const state = { over: false };
  const { note, usage } = countUsage(turn.request);
  const close = (failure?: Failure): void => {
    if (state.over) return;
    state.over = true;
    patience.end();
    signal.removeEventListener('abort', left);
    end(lease, failure, usage());
    attempt.end(failure);
    if (failure === undefined) story.answered(lease, usage());
    else if (!mayResume(turn, failure)) story.failed(new FailureError(failure), { lease, usage: usage() });
  };
  const left = (): void => {
    if (!state.over) close(whyLeft(signal).failure);
  };

  held.chunks.forEach(note);
  if (held.complete) close();
  else signal.addEventListener('abort', left, { once: true });

  return { chunks: delivered({ held, rest, patience, note, close, left }), usage };
}

interface Books {
  readonly held: Held;
  readonly rest: Source<ChatChunk>;
  readonly patience: Patience;
  readonly note: (chunk: ChatChunk) => void;
  readonly close: (failure?: Failure) => void;
  readonly left: () => void;
}

function delivered({ held, rest, patience, note, close, left }: Books): Source<ChatChunk> {
  const state = { told: 0 };
  return createSource({
    take() {
      const chunk = held.chunks[state.told];
      if (chunk !== undefined) {
        state.told += 1;
        return chunk;
      }
      if (held.complete) return END;
      try {
        const next = rest.take();
        if (next === END) close();
        else if (next !== undefined) note(next);
        return next;
      } catch (error) {
        const failure = failureOf(patience.signal.aborted ? patience.signal.reason : error);
        close(failure);
        throw new FailureError(failure, { cause: error });
      }
    },
    when: rest.when,
    leave() {
      left();
      if (!held.complete) rest.leave();
    },
  });
}

/** The lease ends as the attempt did. What is no fault of upstream's costs the account nothing but the call. */
function end(lease: Lease, failure: Failure | undefined, usage?: Usage): void {
  if (failure === undefined) lease.settle(usage);
  else if (failure.kind === 'cancelled' || !isUpstreamFailure(failure)) lease.cancel(usage);
  else lease.fail(failure, usage);
}
