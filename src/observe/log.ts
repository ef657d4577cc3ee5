/** The log: one JSON line a request for machines, one short readable line on a terminal. Never a prompt, an answer or a secret. */
import { createLogger, format, transports } from 'winston';
import type { Logger } from 'winston';
import type { ChatRequest, GatewayEvent, RequestSummary } from '../types.ts';

const FILE_NAME = 'tollfree.log';

export interface LogOptions {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** Where lines are shown besides the file, usually standard error. */
  readonly stream?: NodeJS.WritableStream;
  readonly style: 'json' | 'pretty';
  /** Where `tollfree.log` is kept and rotated. Absent: no file. */
  readonly directory?: string;
  readonly maxSizeBytes: number;
  readonly maxFiles: number;
}

export interface Log {
  readonly observe: (event: GatewayEvent) => void;
  /** Resolves when every line is with the operating system. */
  readonly close: () => Promise<void>;
}

export function createLog({ level, stream, style, directory, maxSizeBytes, maxFiles }: LogOptions): Log {
  const json = format.combine(format.timestamp(), format.json({ replacer: (key, value: unknown) => (key === 'line' ? undefined : value) }));
  const pretty = format.printf(({ level: at, message, line }) => readable(at, typeof line === 'string' ? line : String(message)));
  const logger = createLogger({
    level,
    transports: [
      ...(directory === undefined
        ? []
        : [new transports.File({ format: json, dirname: directory, filename: FILE_NAME, maxsize: maxSizeBytes, maxFiles, tailable: true, options: { flags: 'a', mode: 0o600 } })]),
      ...(stream === undefined ? [] : [new transports.Stream({ stream, format: style === 'json' ? json : pretty })]),
    ],
  });
  return {
    observe: (event) => write(logger, event),
    close: async () => {
      const finished = new Promise<void>((resolve) => logger.once('finish', resolve));
      logger.end();
      await finished;
    },
  };
}

function write(logger: Logger, event: GatewayEvent): void {
  switch (event.type) {
    case 'request-finished': {
      const fields = requestFields(event.request, event.summary);
      logger.log(event.summary.status >= 500 ? 'warn' : 'info', 'request', { ...fields, line: requestLine(event.request, event.summary) });
      return;
    }
    case 'request-refused':
      logger.info('request refused', { request_id: event.id, surface: event.surface, status: event.status, failure: event.failure, line: `${event.status} ${event.surface} ${event.failure}` });
      return;
    case 'account-changed': {
      const { account, state, reason, until } = event;
      const when = until === undefined ? {} : { until: new Date(until).toISOString() };
      logger.log(state === 'suspended' ? 'warn' : 'info', 'account', { provider: account.provider, account: account.label, state, reason, ...when, line: `${account.provider}/${account.label} is ${state}: ${reason}${when.until ? ` until ${when.until}` : ''}` });
      return;
    }
    case 'notice':
      logger.log(event.level, event.message, { ...event.fields });
      return;
    case 'request-started':
    case 'attempt-finished':
      return;
    default:
      event satisfies never;
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
    attempts: summary.attempts.map(({ provider, account, model, outcome, sent, startedAt, endedAt, retryAt }) => ({
      provider,
      account,
      model,
      outcome,
      sent,
      ms: Math.round(endedAt - startedAt),
      ...(retryAt !== undefined && { retry_at: new Date(retryAt).toISOString() }),
    })),
    queue_ms: Math.round(summary.queueMs),
    ttft_ms: summary.firstContentMs === undefined ? undefined : Math.round(summary.firstContentMs),
    total_ms: Math.round(summary.totalMs),
    tokens_in: summary.usage?.input,
    tokens_out: summary.usage?.output,
    cost_usd: summary.costUsd,
    saved_usd: summary.savedUsd,
    status: summary.status,
    failure: summary.failure,
  };
}

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

function readable(level: string, line: string): string {
  return level === 'info' ? line : `${level}: ${line}`;
}
