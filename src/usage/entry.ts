/** One finished request as the record keeps it: a row for the request, and one for each of its attempts. */
import type { ChatRequest, RequestSummary } from '../types.ts';

type Kind = 'text' | 'integer';
type Columns = Readonly<Record<string, Kind>>;

/**
 * Money is in billionths of a USD, so that sums stay exact; times are whole milliseconds. Null is unknown.
 * Never a prompt or an answer: only what a bill would say. Lines are written in this order: new columns go to the end.
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

/** The values of a row, in the order of its columns. Objects with names cost twice the bytes and three times the time. */
export type Cells = readonly (string | number | null)[];

export interface Entry {
  readonly request: Cells;
  /** Only what was sent. */
  readonly attempts: readonly Cells[];
}

/** Where each column's value is. */
export const requestAt = placesOf(requestColumns);
export const attemptAt = placesOf(attemptColumns);

function placesOf<C extends Columns>(columns: C): Readonly<Record<keyof C, number>> {
  return Object.fromEntries(Object.keys(columns).map((name, place) => [name, place])) as Record<keyof C, number>;
}

export function entryOf(request: ChatRequest, summary: RequestSummary): Entry {
  const { caller } = request;
  const { usage } = summary;
  return {
    request: cellsOf(requestColumns, {
      request_id: request.id,
      received_at: whole(request.receivedAt),
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
      tokens_in: whole(usage?.input),
      tokens_out: whole(usage?.output),
      cached_in: whole(usage?.cachedInput),
      reasoning: whole(usage?.reasoning),
      estimated: usage && Number(usage.estimated === true),
      cost_nano_usd: nanoUsd(summary.costUsd),
      saved_nano_usd: nanoUsd(summary.savedUsd),
      queue_ms: whole(summary.queueMs),
      first_content_ms: whole(summary.firstContentMs),
      total_ms: whole(summary.totalMs),
      overhead_ms: whole(summary.overheadMs),
    }),
    attempts: summary.attempts.filter(({ sent }) => sent).map(({ provider, model, account, outcome, startedAt, firstContentAt, endedAt, retryAt }) => cellsOf(attemptColumns, {
      provider,
      model,
      account,
      outcome,
      started_at: whole(startedAt),
      first_content_ms: firstContentAt && whole(firstContentAt - startedAt),
      total_ms: whole(endedAt - startedAt),
      retry_at: whole(retryAt),
    })),
  };
}

/** Every column must be said, so that none is forgotten; what is not known is undefined. */
function cellsOf<C extends Columns>(columns: C, row: { readonly [Name in keyof C]: (C[Name] extends 'text' ? string : number) | undefined }): Cells {
  const cells: (string | number | null)[] = [];
  for (const name in columns) cells.push(row[name] ?? null);
  return cells;
}

export const lineOf = ({ request, attempts }: Entry): string => JSON.stringify([request, ...attempts]);

/** An entry read back from its line; undefined for anything that is not one. Lines of versions with fewer or more columns are fine. */
export function readEntry(line: string): Entry | undefined {
  const value = parsed(line);
  if (!Array.isArray(value)) return undefined;
  const [request, ...attempts] = (value as readonly unknown[]).map((row, place) => cellsFrom(row, place === 0 ? requestKinds : attemptKinds));
  if (request === undefined || request[requestAt.received_at] === null || attempts.includes(undefined)) return undefined;
  return { request, attempts: attempts.filter((attempt) => attempt !== undefined) };
}

const requestKinds = Object.values<Kind>(requestColumns);
const attemptKinds = Object.values<Kind>(attemptColumns);

function cellsFrom(row: unknown, kinds: readonly Kind[]): Cells | undefined {
  if (!Array.isArray(row)) return undefined;
  const cells = kinds.map((_, place) => (row as Cells)[place] ?? null);
  return cells.every((cell, place) => cell === null || (kinds[place] === 'text' ? typeof cell === 'string' : Number.isSafeInteger(cell))) ? cells : undefined;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Providers report what they like. Nine hundred such numbers still add up exactly; times of this millennium's first centuries fit. */
const LARGEST = 1e13;

function whole(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : Math.round(Math.min(LARGEST, Math.max(0, value)));
}

const nanoUsd = (usd: number | undefined): number | undefined => whole(usd === undefined ? undefined : usd * 1e9);

/** The one text here that is a client's own: long enough for every model's name, too short to fill a disk. */
const LONGEST_ASKED = 200;
const clipped = (text: string): string => (text.length > LONGEST_ASKED ? text.slice(0, LONGEST_ASKED) : text);
