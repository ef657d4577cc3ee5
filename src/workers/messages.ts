/** What an owner and its workers say to each other: JSON over the channel between the processes, several messages at a time. */
import type { Outlook } from '../accounts/accounts.ts';
import type { Settings } from '../config/settings.ts';
import type { Failure, UpstreamFailure } from '../failure.ts';
import type { VirtualKey } from '../keys/virtual-key.ts';
import type { Account, Attempt, ChatRequest, Fact, GatewayEvent, Provider, RequestSummary, Rule, Rules, Usage } from '../types.ts';

/** A turn's number, given by the worker that asks for it. */
type Numbered = { readonly turn: number };

/** Who could answer, in the order to try: `provider/model`, one a line. The same text again is the same list again, and costs one look. */
export type TargetNames = string;

/** As much of a request as is counted, told and remembered by the owner: nothing of the prompt but how a long one begins. */
export type ToldRequest = { readonly [Name in keyof ChatRequest]: ChatRequest[Name] | undefined };

export interface Ask extends Numbered {
  readonly type: 'ask';
  readonly id: string;
  /** With a request's first ask: it is let in, or refused, with it. */
  readonly request?: ToldRequest;
  readonly targets: TargetNames;
  readonly strategy?: Rule['strategy'] | undefined;
  readonly lastTurnAt?: number | undefined;
  /** `place in targets, account id`. */
  readonly excluded?: readonly string[];
}

/** It hears, and is to be told how to start; it takes connections. */
export type Presence = { readonly type: 'here' } | { readonly type: 'ready' };

export type ToOwner =
  | Presence
  | Ask
  | (Numbered & { readonly type: 'outlook'; readonly id: string; readonly targets: TargetNames })
  /** Nobody waits for that turn any more. */
  | (Numbered & { readonly type: 'leave' })
  | (Numbered & { readonly type: 'learn'; readonly facts: readonly Fact[] })
  | (Numbered & { readonly type: 'settle' | 'cancel'; readonly usage: Usage | undefined })
  | (Numbered & { readonly type: 'fail'; readonly failure: UpstreamFailure; readonly usage: Usage | undefined })
  | { readonly type: 'attempt'; readonly id: string; readonly attempt: Attempt }
  /** Its attempts were told one by one. */
  | { readonly type: 'finished'; readonly id: string; readonly summary: Omit<RequestSummary, 'attempts' | 'passedOver'> }
  | { readonly type: 'event'; readonly event: GatewayEvent };

/** What a worker is told once. */
export interface Start {
  readonly type: 'start';
  readonly host: string;
  readonly port: number;
  /** Where the owner answers what is none of a worker's business. */
  readonly socketPath: string;
  readonly version: string;
  readonly settings: Settings;
  readonly allowedHosts: readonly string[] | undefined;
  readonly loopback: boolean;
  /** Whether signed tokens are taken: the owner reads them. */
  readonly signed: boolean;
  /** Epoch milliseconds at the zero of the machine's monotonic clock: one time for all processes. */
  readonly epoch: number;
}

/** Snapshots in force from now on; those that are absent have not changed. */
export interface State {
  readonly type: 'state';
  readonly providers?: readonly Provider[];
  readonly rules?: Rules;
  readonly keys?: readonly VirtualKey[];
  readonly accounts?: readonly Account[];
}

/** An outlook by place in the list that was asked about and by account. */
export interface ToldOutlook extends Pick<Outlook, 'pool' | 'freeAt' | 'reason'> {
  readonly place: number;
  readonly account: string;
}

/** What a call needs to be made. */
export interface Credential {
  readonly account: string;
  /** Sealed for this origin, and sent nowhere else. */
  readonly origin: string;
  /** Or why there is none. */
  readonly secret: string | { readonly failure: Failure };
}

export type ToWorker =
  | Start
  | State
  | (Numbered & { readonly type: 'turn'; readonly place: number; readonly account: string; readonly pool: string; readonly queuedMs: number; readonly credential?: Credential })
  /** `refused`: the request was not let in, and is told as that. */
  | (Numbered & { readonly type: 'no'; readonly failure: Failure; readonly refused?: true })
  | (Numbered & { readonly type: 'outlooks'; readonly outlooks: readonly ToldOutlook[] })
  /** Its key was revoked. */
  | { readonly type: 'expelled'; readonly id: string; readonly failure: Failure }
  /** The vault was locked. */
  | { readonly type: 'forget' }
  | { readonly type: 'drain'; readonly milliseconds: number };

export interface Post<Message> {
  readonly post: (message: Message) => void;
  /** Sends what waits, now. */
  readonly flush: () => void;
}

/** Joins what is said within one turn of the event loop: a message alone would cost two system calls and two wake-ups. */
export function createPost<Message>(send: (batch: readonly Message[]) => void): Post<Message> {
  const state: { waiting: Message[] } = { waiting: [] };
  const flush = (): void => {
    const batch = state.waiting;
    if (batch.length === 0) return;
    state.waiting = [];
    send(batch);
  };
  return {
    post(message) {
      if (state.waiting.push(message) === 1) setImmediate(flush);
    },
    flush,
  };
}

/** The machine's monotonic clock, which all its processes share, less this process's own. */
export function monotonicOffset(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6 - performance.now();
}
