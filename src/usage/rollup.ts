/** What one entry adds to its day: the sums that every statistic is read from. */
import { attemptAt, requestAt } from './entry.ts';
import type { Cells, Entry } from './entry.ts';
import { bucketOf, BUCKETS } from './latency.ts';

/** What sums are kept apart by. Empty where it does not apply: nobody answered, or the door was open and there was no key. */
const DIMENSIONS = ['day', 'key_id', 'key', 'project', 'provider', 'model', 'account'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/**
 * The tables of sums, each with what its rows are kept apart by. The first has everything apart: days × keys × accounts ×
 * models. Nearly every report asks for one side alone, and reads the table that has only that.
 */
export const ROLLUPS = {
  days: DIMENSIONS,
  days_by_key: ['day', 'key_id', 'key', 'project'],
  days_by_account: ['day', 'provider', 'model', 'account'],
} as const satisfies Readonly<Record<string, readonly Dimension[]>>;
export type Rollup = keyof typeof ROLLUPS;
export const rollups = Object.keys(ROLLUPS) as readonly Rollup[];

/** How many whole answers fell into each bucket of {@link bucketOf}. */
export const latencyColumns = Array.from({ length: BUCKETS }, (_, index) => `latency_${String(index).padStart(2, '0')}`);

/**
 * `failures` are requests without a whole answer; `failed_attempts` what it took to answer, or not to. `used` are requests
 * that were answered or used tokens; `unpriced` and `unvalued` those of them whose cost and whose savings nobody knows:
 * the sums beside them leave those out.
 */
const PLAIN_SUMS = [
  'requests', 'failures', 'attempts', 'failed_attempts', 'tokens_in', 'tokens_out', 'estimated', 'used', 'cost_nano_usd', 'unpriced', 'saved_nano_usd', 'unvalued',
  'total_ms', 'queue_ms', 'first_content_ms', 'first_contents',
] as const;
export const SUMS: readonly string[] = [...PLAIN_SUMS, ...latencyColumns];
const FIRST_LATENCY = PLAIN_SUMS.length;

/** One row of a rollup: the dimensions' values and the sums, each in its order. */
export interface DayTotal {
  readonly dimensions: readonly string[];
  readonly sums: readonly number[];
}

export const DAY_MS = 86_400_000;

/** UTC, so that a day is the same day wherever the daemon runs next. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

interface Totals {
  readonly all: () => DayTotal[];
  /** To be added to; nothing so far where the combination is new. */
  readonly sumsFor: (dimensions: readonly string[]) => number[];
}

function createTotals(): Totals {
  const totals = new Map<string, { readonly dimensions: readonly string[]; readonly sums: number[] }>();
  return {
    all: () => [...totals.values()],
    sumsFor(dimensions) {
      const name = dimensions.join('\u0000');
      const known = totals.get(name);
      if (known !== undefined) return known.sums;
      const sums = SUMS.map(() => 0);
      totals.set(name, { dimensions, sums });
      return sums;
    },
  };
}

/** The same sums, as another rollup keeps them apart. */
export function rolledUp(totals: readonly DayTotal[], rollup: Rollup): DayTotal[] {
  const places = ROLLUPS[rollup].map((name) => DIMENSIONS.indexOf(name));
  const { all, sumsFor } = createTotals();
  for (const { dimensions, sums } of totals) {
    const into = sumsFor(places.map((place) => dimensions[place] ?? ''));
    for (const [place, sum] of sums.entries()) into[place] = (into[place] ?? 0) + sum;
  }
  return all();
}

/** The entries' sums, one a combination of dimensions: a batch of hundreds of requests touches a handful. */
export function totalsOf(entries: readonly Entry[]): DayTotal[] {
  const { all, sumsFor } = createTotals();
  const days = new Map<number, string>();

  function dayAt(at: number): string {
    const number = Math.floor(at / DAY_MS);
    const day = days.get(number) ?? dayOf(at);
    days.set(number, day);
    return day;
  }

  for (const { request, attempts } of entries) {
    const text = (place: number): string => textAt(request, place);
    const asked = [dayAt(numberAt(request, requestAt.received_at)), text(requestAt.key_id), text(requestAt.key), text(requestAt.project)];
    addRequest(sumsFor([...asked, text(requestAt.provider), text(requestAt.model), text(requestAt.account)]), request);
    for (const attempt of attempts) {
      const sums = sumsFor([...asked, textAt(attempt, attemptAt.provider), textAt(attempt, attemptAt.model), textAt(attempt, attemptAt.account)]);
      add(sums, 'attempts', 1);
      if (attempt[attemptAt.outcome] !== 'ok') add(sums, 'failed_attempts', 1);
    }
  }
  return all();
}

const placeOf: ReadonlyMap<string, number> = new Map(SUMS.map((name, place) => [name, place]));

function add(sums: number[], name: (typeof PLAIN_SUMS)[number], amount: number): void {
  const place = placeOf.get(name) ?? 0;
  sums[place] = (sums[place] ?? 0) + amount;
}

function addRequest(sums: number[], request: Cells): void {
  const number = (place: number): number => numberAt(request, place);
  const known = (place: number): boolean => request[place] !== null;
  add(sums, 'requests', 1);
  add(sums, 'tokens_in', number(requestAt.tokens_in));
  add(sums, 'tokens_out', number(requestAt.tokens_out));
  add(sums, 'estimated', number(requestAt.estimated));
  add(sums, 'cost_nano_usd', number(requestAt.cost_nano_usd));
  add(sums, 'saved_nano_usd', number(requestAt.saved_nano_usd));
  add(sums, 'queue_ms', number(requestAt.queue_ms));
  if (known(requestAt.first_content_ms)) {
    add(sums, 'first_content_ms', number(requestAt.first_content_ms));
    add(sums, 'first_contents', 1);
  }
  const answered = !known(requestAt.failure);
  if (answered || known(requestAt.tokens_in)) {
    add(sums, 'used', 1);
    if (!known(requestAt.cost_nano_usd)) add(sums, 'unpriced', 1);
    if (!known(requestAt.saved_nano_usd)) add(sums, 'unvalued', 1);
  }
  if (!answered) {
    add(sums, 'failures', 1);
    return;
  }
  add(sums, 'total_ms', number(requestAt.total_ms));
  const latency = FIRST_LATENCY + bucketOf(number(requestAt.total_ms));
  sums[latency] = (sums[latency] ?? 0) + 1;
}

function textAt(cells: Cells, place: number): string {
  const cell = cells[place];
  return typeof cell === 'string' ? cell : '';
}

function numberAt(cells: Cells, place: number): number {
  const cell = cells[place];
  return typeof cell === 'number' ? cell : 0;
}
