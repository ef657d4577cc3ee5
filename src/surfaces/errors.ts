/** How a failure is told: OpenAI's envelope, status and headers. */
import { consequences } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { Attempt } from '../types.ts';

export interface ToldError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: Readonly<Record<string, unknown>> };
}

/** The official clients ignore a `Retry-After` above a minute and ask again after a second: told not to, they stop. */
const LONGEST_CLIENT_WAIT_MS = 60_000;

/** `now` and `retryAt` in epoch milliseconds. `Retry-After` is rounded up: a client that obeys it is never early. */
export function tellOpenAi(failure: Failure, requestId: string, now: number): ToldError {
  const { status, type, code } = consequences[failure.kind];
  const retryAt = 'retryAt' in failure ? failure.retryAt : undefined;
  const waitMs = retryAt === undefined ? undefined : Math.max(0, retryAt - now);
  const final = waitMs === undefined ? status < 500 : waitMs > LONGEST_CLIENT_WAIT_MS;
  return {
    status,
    headers: {
      ...(waitMs !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))), 'retry-after-ms': String(Math.ceil(waitMs)) }),
      ...(final && { 'x-should-retry': 'false' }),
    },
    body: {
      error: {
        message: failure.message,
        type,
        param: ('param' in failure ? failure.param : undefined) ?? null,
        code: ('code' in failure ? failure.code : undefined) ?? code,
        request_id: requestId,
        ...('attempts' in failure && { attempts: tellAttempts(failure.attempts) }),
      },
    },
  };
}

/** One window may rule out twenty models of an account: that is one reason, told once. */
function tellAttempts(attempts: readonly Attempt[]): readonly object[] {
  const told = attempts.map(({ provider, account, model, outcome, sent, retryAt }) => ({
    key: [provider, account, outcome, sent ? model : '', retryAt].join(' '),
    entry: { provider, account, model, reason: outcome, ...(retryAt !== undefined && { retry_at: new Date(retryAt).toISOString() }) },
  }));
  return [...new Map(told.toReversed().map(({ key, entry }) => [key, entry])).values()].toReversed();
}
