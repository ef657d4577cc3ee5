/** What happened, as the log tells it. Never an answer or a secret; a prompt only where the operator says so. */
import { redact } from '../redact.ts';
import type { Attempt, ChatRequest, GatewayEvent, RequestSummary } from '../types.ts';

export interface LogEntry {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The same in one short line for people, put together when it is shown. */
  readonly line: () => string;
}

export interface Telling {
  /** Also who was passed over, and why. */
  readonly verbose: boolean;
  /** Also what was asked, redacted. */
  readonly bodies: boolean;
}

/** Undefined: not worth a line. */
export function entryOf(event: GatewayEvent, { verbose, bodies }: Telling): LogEntry | undefined {
  switch (event.type) {
    case 'request-finished': {
      const { request, summary } = event;
      const passed = verbose ? (summary.passedOver?.() ?? []) : [];
      return {
        level: summary.status >= 500 ? 'warn' : 'info',
        message: 'request',
        fields: { ...requestFields(request, summary), ...(bodies && { body: redact(JSON.stringify(request.body)) }), ...(passed.length > 0 && { passed_over: passed.slice(0, MOST_PASSED).map(tellAttempt) }) },
        line: () => [requestLine(request, summary), ...(verbose ? storyLines(summary.attempts, passed) : [])].join('\n'),
      };
    }
    case 'request-refused': {
      const { id, path, status, failure } = event.refusal;
      return { level: 'info', message: 'request refused', fields: { request_id: id, surface: path, status, failure }, line: () => `${status} ${path} ${failure}` };
    }
    case 'account-changed': {
      const { account, state, reason, until } = event;
      const when = until === undefined ? undefined : new Date(until).toISOString();
      const line = `${account.provider}/${account.label} is ${state}: ${reason}${when === undefined ? '' : ` until ${when}`}`;
      return { level: state === 'suspended' ? 'warn' : 'info', message: 'account', fields: { provider: account.provider, account: account.label, state, reason, until: when }, line: () => line };
    }
    case 'notice':
      return { level: event.level, message: event.message, fields: event.fields ?? {}, line: () => event.message };
    case 'request-started':
    case 'attempt-finished':
      return undefined;
    default:
      return event satisfies never;
  }
}

function requestFields(request: ChatRequest, summary: RequestSummary): Record<string, unknown> {
  return {
    request_id: request.id,
    key: request.caller.id ?? request.caller.key,
    project: request.caller.project,
    surface: request.surface,
    stream: request.stream,
    rule: summary.rule,
    words: summary.words,
    provider: summary.provider,
    model: summary.model,
    account: summary.account,
    attempts: summary.attempts.map(tellAttempt),
    queue_ms: Math.round(summary.queueMs),
    ttft_ms: summary.firstContentMs === undefined ? undefined : Math.round(summary.firstContentMs),
    total_ms: Math.round(summary.totalMs),
    tokens_in: summary.usage?.input,
    tokens_out: summary.usage?.output,
    cache: summary.cache,
    cost_usd: summary.costUsd,
    saved_usd: summary.savedUsd,
    status: summary.status,
    failure: summary.failure,
  };
}

/** As many as a person reads; a line stays bounded however many accounts there are. */
const MOST_PASSED = 50;

const tellAttempt = ({ provider, account, model, outcome, sent, startedAt, endedAt, retryAt }: Attempt): Record<string, unknown> => ({
  provider,
  account,
  model,
  outcome,
  sent,
  ms: Math.round(endedAt - startedAt),
  retry_at: retryAt === undefined ? undefined : new Date(retryAt).toISOString(),
});

function storyLines(attempts: readonly Attempt[], passed: readonly Attempt[]): string[] {
  const more = passed.length - MOST_PASSED;
  return [...attempts, ...passed.slice(0, MOST_PASSED)].map(attemptLine).concat(more > 0 ? [`    and ${more} more`] : []);
}

const attemptLine = ({ sent, provider, account, model, outcome, retryAt }: Attempt): string =>
  `    ${sent ? 'asked' : 'passed over'} ${provider}/${account} ${model}: ${outcome}${retryAt === undefined ? '' : ` until ${new Date(retryAt).toISOString()}`}`;

function requestLine(request: ChatRequest, summary: RequestSummary): string {
  const tries = summary.attempts.filter(({ sent }) => sent).length;
  return [
    summary.status,
    summary.rule ?? 'direct',
    summary.words.length > 0 ? `(${summary.words.join(', ')})` : undefined,
    summary.provider === undefined ? (summary.failure ?? '') : `→ ${summary.provider}/${summary.account ?? ''} ${summary.model ?? ''}`,
    tries > 1 ? `after ${tries} tries` : undefined,
    summary.usage ? `${summary.usage.input}+${summary.usage.output} tokens` : undefined,
    `${Math.round(summary.totalMs)} ms`,
    request.id,
  ].filter((piece) => piece !== undefined).join('  ');
}
