/** What one entry adds to its day: the sums that every statistic is read from. */
import type { Entry, RequestRow } from './entry.ts';
import { bucketOf, BUCKETS } from './latency.ts';

/** What sums are kept apart by. Empty where it does not apply: nobody answered, or the door was open and there was no key. */
export const DIMENSIONS = ['day', 'key_id', 'key', 'project', 'provider', 'model', 'account'] as const;
type Dimension = (typeof DIMENSIONS)[number];
type Dimensions = Readonly<Record<Dimension, string>>;

export const latencyColumns = Array.from({ length: BUCKETS }, (_, index) => `latency_${String(index).padStart(2, '0')}`);

/**
 * `failures` are requests nobody answered; `failed_attempts` what it took to answer, or not to. `unpriced` and `unvalued`
 * are answers whose cost and whose list price nobody knows: the sums beside them leave those out.
 */
const PLAIN_SUMS = [
  'requests', 'failures', 'attempts', 'failed_attempts', 'tokens_in', 'tokens_out', 'estimated', 'cost_nano_usd', 'unpriced', 'saved_nano_usd', 'unvalued',
  'total_ms', 'queue_ms', 'first_content_ms', 'first_contents',
] as const;
export const SUMS: readonly string[] = [...PLAIN_SUMS, ...latencyColumns];

export interface DayTotal {
  readonly dimensions: Dimensions;
  readonly sums: Record<string, number>;
}

/** UTC, so that a day is the same day wherever the daemon runs next. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The entries' sums, one a combination of dimensions: a batch of a thousand requests touches a handful. */
export function totalsOf(entries: readonly Entry[]): DayTotal[] {
  const totals = new Map<string, DayTotal>();

  function add(dimensions: Dimensions, sums: Readonly<Record<string, number>>): void {
    const name = DIMENSIONS.map((dimension) => dimensions[dimension]).join('\u0000');
    const total = totals.get(name) ?? { dimensions, sums: {} };
    totals.set(name, total);
    for (const [column, amount] of Object.entries(sums)) total.sums[column] = (total.sums[column] ?? 0) + amount;
  }

  for (const { request, attempts } of entries) {
    const asked = { day: dayOf(request.received_at ?? 0), key_id: request.key_id ?? '', key: request.key ?? '', project: request.project ?? '' };
    add({ ...asked, ...answeredBy(request) }, requestSums(request));
    for (const attempt of attempts) add({ ...asked, ...answeredBy(attempt) }, { attempts: 1, failed_attempts: Number(attempt.outcome !== 'ok') });
  }
  return [...totals.values()];
}

const answeredBy = ({ provider = '', model = '', account = '' }: Pick<RequestRow, 'provider' | 'model' | 'account'>): Pick<Dimensions, 'provider' | 'model' | 'account'> => ({ provider, model, account });

function requestSums(request: RequestRow): Partial<Record<(typeof SUMS)[number], number>> & Record<string, number> {
  const answered = request.failure === undefined;
  return {
    requests: 1,
    failures: Number(!answered),
    tokens_in: request.tokens_in ?? 0,
    tokens_out: request.tokens_out ?? 0,
    estimated: request.estimated ?? 0,
    cost_nano_usd: request.cost_nano_usd ?? 0,
    unpriced: Number(answered && request.cost_nano_usd === undefined),
    saved_nano_usd: request.saved_nano_usd ?? 0,
    unvalued: Number(answered && request.saved_nano_usd === undefined),
    queue_ms: request.queue_ms ?? 0,
    ...(request.first_content_ms !== undefined && { first_content_ms: request.first_content_ms, first_contents: 1 }),
    ...(answered && { total_ms: request.total_ms ?? 0, [latencyColumns[bucketOf(request.total_ms ?? 0)] ?? '']: 1 }),
  };
}
