/**
 * Every way to fail, named once where it happens, and one table of what each means.
 *
 * Nobody else asks for a status code: the gateway reads where to go next, the accounts read what to change,
 * the surfaces read what to tell the client. A kind without a row does not compile.
 */
import type { AbortSignalLike, Attempt, Fact } from './types.ts';

/** What an upstream refusal is about. Wider than the failing call: all accounts of the pool, all callers of the model, … */
export type Scope = 'account' | 'account-model' | 'pool' | 'pool-model' | 'target' | 'provider';

interface Told {
  /** For people, safe to show to a client: no secrets, no raw HTML. */
  readonly message: string;
}

interface FromUpstream extends Told {
  /** The HTTP status upstream answered, where there was one. */
  readonly upstreamStatus?: number;
  /** When upstream said it can be asked again. Absent: it did not say. */
  readonly retryAt?: number;
  /** Narrows or widens the table's scope where upstream said what it counted. */
  readonly scope?: Scope;
  /** What the refusal said about windows. */
  readonly facts?: readonly Fact[];
  /** Nothing reached upstream: refused, no such host, no TLS. What was taken for the call is given back. */
  readonly unsent?: boolean;
}

/** A deadline that ran out while an upstream kept silent. */
export type SilentPhase = 'connect' | 'first-content' | 'stall' | 'event' | 'total';

/** Failures of one attempt upstream: the loop decides by the table whether the client ever learns of them. */
export type UpstreamFailure =
  | (FromUpstream & { readonly kind: 'rate-minute' | 'rate-day' | 'balance' | 'credential' | 'model-access' | 'model-gone' | 'overloaded' | 'too-long' | 'policy' | 'broken-answer' | 'stale-connection' })
  | (FromUpstream & { readonly kind: 'silent'; readonly phase: SilentPhase })
  | (FromUpstream & {
      readonly kind: 'caller';
      readonly param?: string;
      readonly code?: string;
      /** Another model might take it: tools, images, a schema, or nobody said what is wrong. */
      readonly capability?: boolean;
      /** It is about a field, and does not say which. */
      readonly anyField?: boolean;
      /** The field is not taken there at all, whatever it says. */
      readonly unknownField?: boolean;
    })
  | (Told & { readonly kind: 'cancelled' });

/** Failures of the request itself: final, told to the client as they are. */
export type RequestFailure =
  | (Told & { readonly kind: 'invalid-request'; readonly param?: string; readonly code?: string })
  | (Told & { readonly kind: 'too-large' | 'unauthorized' | 'forbidden' | 'misdirected' | 'not-found' | 'method' | 'changed-meanwhile' | 'media-type' | 'vault-locked' | 'shutting-down' | 'internal' })
  | (Told & { readonly kind: 'no-such-model' | 'not-capable' | 'paid-model'; readonly param?: string; readonly code?: string })
  | (Told & { readonly kind: 'key-rate' | 'over-budget' | 'too-many-attempts' | 'too-busy'; readonly retryAt?: number })
  | (Told & { readonly kind: 'exhausted' | 'unavailable'; readonly retryAt?: number; readonly attempts: readonly Attempt[] });

export type Failure = UpstreamFailure | RequestFailure;
export type FailureKind = Failure['kind'];

/** What one kind of failure means. */
export interface Consequence {
  /** Told to the client when nothing better came of it. */
  readonly status: number;
  /** OpenAI's `error.type` and `error.code`. */
  readonly type: string;
  readonly code: string;
  /** Ask the same account once more, on a fresh socket, while nothing was received. */
  readonly again: boolean;
  /** Another account of the same pool may be asked. */
  readonly samePool: boolean;
  /** Another pool or provider may be asked. */
  readonly elsewhere: 'yes' | 'no' | 'larger-context' | 'if-the-rule-says' | 'if-capability';
  /** What changes for those who come after. */
  readonly effect: 'nothing' | 'rest' | 'suspend' | 'retire' | 'breaker';
  /** What rests, where upstream did not say more exactly. */
  readonly scope?: Scope;
  /** How long it rests where upstream gave no time; then a single probe goes first. Milliseconds. */
  readonly restMs?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Failures of one attempt. */
const upstreamConsequences: Readonly<Record<UpstreamFailure['kind'], Consequence>> = {
  // A minute is the shortest window anyone keeps: longer would waste quota, shorter would ask too early.
  'rate-minute': { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', again: false, samePool: false, elsewhere: 'yes', effect: 'rest', scope: 'pool-model', restMs: MINUTE },
  // A day's refusal without a time: one probe an hour costs at most 24 refusals and finds an early reset.
  'rate-day': { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', again: false, samePool: false, elsewhere: 'yes', effect: 'rest', scope: 'pool-model', restMs: HOUR },
  'balance': { status: 402, type: 'insufficient_quota', code: 'insufficient_quota', again: false, samePool: true, elsewhere: 'yes', effect: 'rest', scope: 'account', restMs: 6 * HOUR },
  'credential': { status: 502, type: 'api_error', code: 'upstream_credential', again: false, samePool: true, elsewhere: 'yes', effect: 'suspend', scope: 'account' },
  'model-access': { status: 403, type: 'permission_error', code: 'model_access', again: false, samePool: true, elsewhere: 'yes', effect: 'rest', scope: 'account-model', restMs: 6 * HOUR },
  'model-gone': { status: 404, type: 'invalid_request_error', code: 'model_not_found', again: false, samePool: false, elsewhere: 'yes', effect: 'retire', scope: 'target' },
  'overloaded': { status: 503, type: 'api_error', code: 'upstream_overloaded', again: true, samePool: true, elsewhere: 'yes', effect: 'breaker', scope: 'target' },
  // Either side may close a connection nobody uses, and now and then the next call is on its way by then: nobody's fault.
  'stale-connection': { status: 503, type: 'api_error', code: 'upstream_closed_connection', again: true, samePool: true, elsewhere: 'yes', effect: 'nothing', scope: 'target' },
  'silent': { status: 504, type: 'api_error', code: 'upstream_silent', again: false, samePool: false, elsewhere: 'yes', effect: 'breaker', scope: 'target' },
  'too-long': { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded', again: false, samePool: false, elsewhere: 'larger-context', effect: 'nothing' },
  'policy': { status: 400, type: 'invalid_request_error', code: 'content_filter', again: false, samePool: false, elsewhere: 'if-the-rule-says', effect: 'nothing' },
  'caller': { status: 400, type: 'invalid_request_error', code: 'invalid_request', again: false, samePool: false, elsewhere: 'if-capability', effect: 'nothing' },
  'broken-answer': { status: 502, type: 'api_error', code: 'upstream_broken_answer', again: false, samePool: true, elsewhere: 'yes', effect: 'breaker', scope: 'target' },
  // nginx's 499: nobody is left to read it, but the log and the metrics are.
  'cancelled': { status: 499, type: 'api_error', code: 'client_closed_request', again: false, samePool: false, elsewhere: 'no', effect: 'nothing' },
};

/** Failures of the request itself. */
const requestConsequences: Readonly<Record<RequestFailure['kind'], Consequence>> = {
  'invalid-request': final(400, 'invalid_request_error', 'invalid_request'),
  'unauthorized': final(401, 'authentication_error', 'invalid_api_key'),
  'forbidden': final(403, 'permission_error', 'forbidden'),
  'paid-model': final(403, 'permission_error', 'paid_model'),
  'not-found': final(404, 'invalid_request_error', 'unknown_url'),
  'no-such-model': final(404, 'invalid_request_error', 'model_not_found'),
  'not-capable': final(400, 'invalid_request_error', 'not_capable'),
  'method': final(405, 'invalid_request_error', 'method_not_allowed'),
  'changed-meanwhile': final(409, 'invalid_request_error', 'changed_meanwhile'),
  'too-large': final(413, 'invalid_request_error', 'request_too_large'),
  'media-type': final(415, 'invalid_request_error', 'unsupported_media_type'),
  'misdirected': final(421, 'invalid_request_error', 'unknown_host'),
  'key-rate': final(429, 'rate_limit_error', 'key_rate_limit_exceeded'),
  'over-budget': final(429, 'insufficient_quota', 'budget_exceeded'),
  'too-many-attempts': final(429, 'rate_limit_error', 'too_many_attempts'),
  'exhausted': final(429, 'rate_limit_error', 'all_accounts_exhausted'),
  'unavailable': final(503, 'api_error', 'no_provider_available'),
  'vault-locked': final(503, 'api_error', 'vault_locked'),
  'too-busy': final(503, 'api_error', 'server_overloaded'),
  'shutting-down': final(503, 'api_error', 'shutting_down'),
  'internal': final(500, 'api_error', 'internal_error'),
};

/** The one table. `test/readme.test.ts` holds README's against it. */
export const consequences: Readonly<Record<FailureKind, Consequence>> = { ...upstreamConsequences, ...requestConsequences };

function final(status: number, type: string, code: string): Consequence {
  return { status, type, code, again: false, samePool: false, elsewhere: 'no', effect: 'nothing' };
}

/** Whether one attempt failed, and another may not: everything else is final. */
export function isUpstreamFailure(failure: Failure): failure is UpstreamFailure {
  return failure.kind in upstreamConsequences;
}

/** Carries a {@link Failure} through `throw`. */
export class FailureError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'FailureError';
    this.failure = failure;
  }
}

/** Why a request ends from our side of the wire: the client left, unless the signal says better, e.g. at a shutdown. */
export function whyLeft({ reason }: AbortSignalLike): FailureError {
  return reason instanceof FailureError ? reason : new FailureError({ kind: 'cancelled', message: 'whoever asked has left' });
}

/** The failure behind anything thrown. What nobody named is `internal`, and its own words stay inside. */
export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  return { kind: 'internal', message: 'something went wrong inside tollfree; the log has the details under this request id' };
}
