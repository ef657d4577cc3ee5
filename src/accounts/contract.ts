/**
 * Whose turn it is: the one door between the gateway and everything that is counted.
 */
import type { Scope, UpstreamFailure } from '../failure.ts';
import type { AbortSignalLike, Account, AccountState, Attempt, ChatRequest, Fact, Rule, Target, Unit, Usage } from '../types.ts';

/** What a request still may use: it grows narrower with every failed attempt. */
export interface Demand {
  readonly request: ChatRequest;
  /** In the order to try. */
  readonly candidates: readonly Target[];
  /** True where this request must not go (again). */
  readonly excluded: (target: Target, account: Account, pool: string) => boolean;
  readonly signal: AbortSignalLike;
  /** A turn that comes later leaves no time for an answer, so nobody waits for it. The request's deadline where absent; asked where somebody has to wait. */
  readonly lastTurnAt?: () => number;
  /** The rule's; `round_robin` where absent. */
  readonly strategy?: Rule['strategy'];
}

/** The right to send one call: quota is already taken for it in every window. Ends with exactly one of settle, fail, cancel. */
export interface Lease {
  readonly target: Target;
  readonly account: Account;
  /** Accounts naming the same pool share one set of windows. */
  readonly pool: string;
  /** Milliseconds spent in the line. */
  readonly queuedMs: number;
  /** Who was passed over, and what ruled each of them out. Told when asked: only a verbose log wants to know. */
  readonly passedOver: () => readonly Attempt[];
  /** Corrects the windows by what upstream says of them. */
  learn(facts: readonly Fact[]): void;
  /** The answer is whole: what it used replaces what was reserved. */
  settle(usage: Usage | undefined): void;
  /** The attempt failed: the failure's row of the table is carried out. */
  fail(failure: UpstreamFailure, usage?: Usage): void;
  /** The client left: nobody's fault, and nothing is refunded. */
  cancel(usage?: Usage): void;
}

export interface Accounts {
  /**
   * The next turn: at once when anyone can serve, else in line until the earliest frees, if that is in time.
   * Throws `exhausted` (429) with the earliest true time, or `unavailable` (503), with what ruled each candidate out.
   */
  acquire(demand: Demand): Promise<Lease>;
  /** When each candidate could serve a request like this one, and what keeps it. Takes nothing. Promised where another process keeps the windows. */
  outlook(candidates: readonly Target[], request: ChatRequest): readonly Outlook[] | Promise<readonly Outlook[]>;
  /** Every account and window as it stands. */
  view(): readonly AccountView[];
  /** A new snapshot of accounts or catalogue; what was counted stays counted. */
  update(accounts: readonly Account[]): void;
  /** Ends rests by hand: one account's, or all. Returns how many ended. */
  clearRests(accountId?: string): number;
  /** What has failed of late or is left out for it. */
  breakers(): readonly BreakerView[];
  /** Requests waiting in line. */
  waiting(): number;
  /** The same, each at the provider it would rather have. */
  waitingByProvider(): ReadonlyMap<string, number>;
}

export interface Outlook {
  readonly target: Target;
  readonly account: Account;
  readonly pool: string;
  /** Now, or when it frees. Absent: not before a human acts. */
  readonly freeAt?: number;
  readonly reason: string;
}

export interface WindowView {
  readonly unit: Unit | 'concurrent';
  readonly seconds: number;
  /** Absent: the window of the whole pool. */
  readonly model?: string;
  readonly limit: number;
  readonly used: number;
  /** When it is whole again. */
  readonly resetsAt?: number;
  /** When it will be used up at the pace of the last hour, where that comes before its reset. */
  readonly emptyAt?: number;
  /** Where the limit is known from. */
  readonly source: 'configured' | 'header' | 'refusal' | 'endpoint';
}

export interface AccountView {
  readonly account: Account;
  readonly pool: string;
  readonly state: AccountState;
  /** The catalogue says that what its provider gives for nothing comes to an end. */
  readonly trial?: true;
  readonly rests: readonly { readonly scope: string; readonly model?: string; readonly until?: number; readonly reason: string }[];
  readonly windows: readonly WindowView[];
}

/** How broken something is: a model at a provider, one account's way to it, or a provider. */
export interface BreakerView {
  readonly scope: Scope;
  readonly provider: string;
  readonly model?: string;
  readonly accountId?: string;
  /** `half-open`: one probe goes first. */
  readonly state: 'closed' | 'open' | 'half-open';
  readonly until?: number;
  /** Failures since the last answer. */
  readonly consecutive: number;
  /** Of the last minute. */
  readonly calls: number;
  readonly failures: number;
}

export interface KeptAccounts extends Accounts {
  outlook(candidates: readonly Target[], request: ChatRequest): readonly Outlook[];
  /** What a provider says of an account without being called for an answer, e.g. its key endpoint. A limit it raised ends the rests of the old one. */
  learn(accountId: string, facts: readonly Fact[]): void;
  /** What a free check said of an account's key: a good one ends what a bad one brought about, a bad one suspends the account. */
  judge(accountId: string, good: boolean): void;
  /** Lets one request find out whether a suspended account works again, where nothing free can tell. */
  reopen(accountId: string): void;
  /** How far off the guesses of a request's tokens are: mean absolute error as a share of what was used, by `provider/model`. */
  estimateErrors(): ReadonlyMap<string, number>;
  /** Writes all there is to know into the journal, for a clean stop. */
  save(): void;
}
