/** How a failure is told: status, headers, and the envelope of OpenAI or of Anthropic. */
import { consequences } from '../failure.ts';
import type { Failure } from '../failure.ts';
import { redact } from '../redact.ts';
import type { Attempt } from '../types.ts';

export interface ToldError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Envelope;
}

export interface Envelope {
  readonly error: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** The official clients ignore a `Retry-After` above a minute and ask again after a second: told not to, they stop. */
const LONGEST_CLIENT_WAIT_MS = 60_000;

/** `now` and `retryAt` in epoch milliseconds. */
export function tellOpenAi(failure: Failure, requestId: string, now: number): ToldError {
  const { type, code } = consequences[failure.kind];
  return {
    ...headOf(failure, now),
    body: {
      error: {
        message: redact(failure.message),
        type,
        param: ('param' in failure ? failure.param : undefined) ?? null,
        code: codeOf(failure, code),
        request_id: requestId,
        ...attemptsOf(failure),
      },
    },
  };
}

/** Anthropic's errors have a type and a message; what else is known stands beside them. */
export function tellAnthropic(failure: Failure, requestId: string, now: number): ToldError & { readonly body: { readonly type: 'error' } } {
  const head = headOf(failure, now);
  const { code } = consequences[failure.kind];
  return {
    status: head.status,
    headers: { ...head.headers, 'request-id': requestId },
    body: {
      type: 'error',
      error: { type: ANTHROPIC_TYPES[head.status] ?? (head.status < 500 ? 'invalid_request_error' : 'api_error'), message: redact(inTheirWords(failure)), code: codeOf(failure, code), ...detailsOf(failure), ...attemptsOf(failure) },
      request_id: requestId,
    },
  };
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  499: 'api_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** `Retry-After` is rounded up: a client that obeys it is never early. */
function headOf(failure: Failure, now: number): Pick<ToldError, 'status' | 'headers'> {
  const { status } = consequences[failure.kind];
  const retryAt = 'retryAt' in failure ? failure.retryAt : undefined;
  const waitMs = retryAt === undefined ? undefined : Math.max(0, retryAt - now);
  const final = waitMs === undefined ? status < 500 : waitMs > LONGEST_CLIENT_WAIT_MS;
  return {
    status,
    headers: {
      // At once is when it has just failed: the official clients would do so.
      ...(waitMs !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))), 'retry-after-ms': String(Math.ceil(waitMs) || 1000) }),
      ...(final && { 'x-should-retry': 'false' }),
    },
  };
}

/** Claude Code shortens its conversation where an error says these words of Anthropic's, whatever its status and type. */
function inTheirWords(failure: Failure): string {
  const isTooLong = codeOf(failure, consequences[failure.kind].code) === consequences['too-long'].code;
  return isTooLong && !/prompt is too long/i.test(failure.message) ? `prompt is too long: ${failure.message}` : failure.message;
}

/** Where Anthropic's client looks for what it can do about a failure. */
function detailsOf(failure: Failure): { readonly details?: object } {
  return 'code' in failure && failure.code !== undefined ? { details: { error_code: failure.code } } : {};
}

function codeOf(failure: Failure, usual: string): string {
  return ('code' in failure ? failure.code : undefined) ?? usual;
}

function attemptsOf(failure: Failure): { readonly attempts?: readonly object[] } {
  return 'attempts' in failure ? { attempts: tellAttempts(failure.attempts) } : {};
}

const reasonOf = ({ provider, account, outcome, retryAt }: Attempt): string => [provider, account, outcome, retryAt].join(' ');

/** One window may rule out twenty models of an account: that is one reason, told once. So is what an account said when it was asked, and rests for since. */
function tellAttempts(attempts: readonly Attempt[]): readonly object[] {
  const heard = new Set(attempts.filter(({ sent }) => sent).map(reasonOf));
  const told = attempts.filter((attempt) => attempt.sent || !heard.has(reasonOf(attempt))).map(({ provider, account, model, outcome, sent, retryAt }) => ({
    key: [provider, account, outcome, sent ? model : '', retryAt].join(' '),
    entry: { provider, account, model, reason: outcome, ...(retryAt !== undefined && { retry_at: new Date(retryAt).toISOString() }) },
  }));
  return [...new Map(told.toReversed().map(({ key, entry }) => [key, entry])).values()].toReversed();
}
