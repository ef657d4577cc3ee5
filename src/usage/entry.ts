/** One finished request as the record keeps it: a row for the request, and one for each of its attempts. */
import type { ChatRequest, RequestSummary } from '../types.ts';

type Kind = 'text' | 'integer';
type Columns = Readonly<Record<string, Kind>>;
type Row<C extends Columns> = { readonly [Name in keyof C]?: (C[Name] extends 'text' ? string : number) | undefined };

/**
 * Money is in billionths of a USD, so that sums stay exact; times are whole milliseconds. Absent is unknown.
 * Never a prompt or an answer: only what a bill would say.
 */
export const requestColumns = {
  request_id: 'text', received_at: 'integer', key_id: 'text', key: 'text', project: 'text', surface: 'text', stream: 'integer', asked_model: 'text',
  rule: 'text', provider: 'text', model: 'text', account: 'text', status: 'integer', failure: 'text',
  tokens_in: 'integer', tokens_out: 'integer', cached_in: 'integer', reasoning: 'integer', estimated: 'integer',
  cost_nano_usd: 'integer', saved_nano_usd: 'integer', queue_ms: 'integer', first_content_ms: 'integer', total_ms: 'integer', overhead_ms: 'integer',
} as const satisfies Columns;

export const attemptColumns = {
  provider: 'text', model: 'text', account: 'text', outcome: 'text', started_at: 'integer', first_content_ms: 'integer', total_ms: 'integer', retry_at: 'integer',
} as const satisfies Columns;

export type RequestRow = Row<typeof requestColumns>;
export type AttemptRow = Row<typeof attemptColumns>;

export interface Entry {
  readonly request: RequestRow;
  /** Only what was sent. */
  readonly attempts: readonly AttemptRow[];
}

export function entryOf(request: ChatRequest, summary: RequestSummary): Entry {
  const { caller } = request;
  const { usage } = summary;
  return {
    request: {
      request_id: request.id,
      received_at: Math.round(request.receivedAt),
      key_id: caller.id,
      key: caller.key,
      project: caller.project,
      surface: request.surface,
      stream: Number(request.stream),
      asked_model: clipped(request.model),
      rule: summary.rule,
      provider: summary.provider,
      model: summary.model,
      account: summary.account,
      status: summary.status,
      failure: summary.failure,
      tokens_in: usage?.input,
      tokens_out: usage?.output,
      cached_in: usage?.cachedInput,
      reasoning: usage?.reasoning,
      estimated: usage === undefined ? undefined : Number(usage.estimated === true),
      cost_nano_usd: nano(summary.costUsd),
      saved_nano_usd: nano(summary.savedUsd),
      queue_ms: whole(summary.queueMs),
      first_content_ms: whole(summary.firstContentMs),
      total_ms: whole(summary.totalMs),
      overhead_ms: whole(summary.overheadMs),
    },
    attempts: summary.attempts.filter(({ sent }) => sent).map((attempt) => ({
      provider: attempt.provider,
      model: attempt.model,
      account: attempt.account,
      outcome: attempt.outcome,
      started_at: whole(attempt.startedAt),
      first_content_ms: attempt.firstContentAt === undefined ? undefined : whole(attempt.firstContentAt - attempt.startedAt),
      total_ms: whole(attempt.endedAt - attempt.startedAt),
      retry_at: whole(attempt.retryAt),
    })),
  };
}

/** An entry read back from its line; undefined for anything that is not one. Columns it does not know are left out. */
export function readEntry(line: string): Entry | undefined {
  const value = parsed(line);
  if (!isRecord(value)) return undefined;
  const request = readRow(requestColumns, value['request']);
  const attempts = Array.isArray(value['attempts']) ? value['attempts'].map((attempt) => readRow(attemptColumns, attempt)) : undefined;
  if (request?.received_at === undefined || attempts === undefined || attempts.includes(undefined)) return undefined;
  return { request, attempts: attempts.filter((attempt) => attempt !== undefined) };
}

function readRow<C extends Columns>(columns: C, value: unknown): Row<C> | undefined {
  if (!isRecord(value)) return undefined;
  const row: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(columns)) {
    const cell = value[name];
    if (cell === undefined) continue;
    if (kind === 'text' ? typeof cell !== 'string' : !Number.isSafeInteger(cell)) return undefined;
    row[name] = cell;
  }
  return row as Row<C>;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const NANO = 1e9;
const nano = (usd: number | undefined): number | undefined => (usd === undefined ? undefined : Math.round(usd * NANO));
const whole = (milliseconds: number | undefined): number | undefined => (milliseconds === undefined ? undefined : Math.round(milliseconds));

/** The one text here that is a client's own: long enough for every model's name, too short to fill a disk. */
const LONGEST_ASKED = 200;
const clipped = (text: string): string => (text.length > LONGEST_ASKED ? text.slice(0, LONGEST_ASKED) : text);
