/** `tollfree stats`: what was used, what it cost, and what it saved. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { ANSWERS } from '../http/answers.ts';
import { MOST_GROUPS } from '../http/usage-stats.ts';
import { firstDay } from '../usage/period.ts';
import { GROUPS } from '../usage/stats.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import type { Context } from './context.ts';
import { count, duration, roughly, usd } from './numbers.ts';
import { outputOption } from './options.ts';
import { printJson, printRows, type Format } from './output.ts';
import type { Answer as Told } from './shapes.ts';
import type { Column } from './table.ts';

interface Options {
  readonly by: string;
  readonly since: string;
  readonly until?: string;
  readonly output: Format;
}

type Answer = Told<'Usage'>;
type Row = Answer['total'] & Readonly<Partial<Record<string, string | number | null>>>;

export function registerStats(program: Command, context: Context): void {
  program
    .command('stats')
    .description('usage, cost and savings against list price')
    .addOption(new Option('--by <groups>', `${GROUPS.join(', ')}; or up to three of them with commas`).argParser(groupsIn).default('provider'))
    .option('--since <when>', '7d, 4w, 2026-08-01 or 2026-08; days are UTC', dayIn(context), '7d')
    .option('--until <when>', 'the first day no longer counted', dayIn(context))
    .addOption(outputOption())
    .action(async (options: Options) => show(context, await ask(await createAdminClient(context), options), options.output));
}

function groupsIn(written: string): string {
  const groups = written.split(',');
  if (groups.length <= MOST_GROUPS && groups.every((one) => GROUPS.some((known) => known === one))) return written;
  throw new InvalidArgumentError(`must be one of ${GROUPS.join(', ')}, or up to ${MOST_GROUPS} of them with commas`);
}

/** As it was written: the daemon reads it by its own clock. */
const dayIn = ({ now }: Context) => (written: string): string => {
  try {
    firstDay(written, 'it', now());
    return written;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
};

const ask = (client: AdminClient, { by, since, until }: Options): Promise<Answer> =>
  client.askAll(`/admin/usage-stats?${new URLSearchParams({ by, since, ...(until !== undefined && { until }) }).toString()}`, 'Usage');

function show(context: Context, answer: Answer, format: Format): void {
  const { by, since, until, rows, total } = answer;
  if (format === 'json') {
    printJson(context, answer);
    return;
  }
  if (format === 'csv') {
    printRows(context, { format, rows, columns: csvColumns(by), empty: '' });
    return;
  }
  const period = `from ${since}${until === null ? '' : ` until ${until}`} (UTC)`;
  if (rows.length > 0) context.words.write(`${period}\n`);
  printRows(context, { format, rows: rows.length === 0 ? [] : [...rows, { ...total, [by[0] ?? '']: 'total' }], columns: columnsFor(by), empty: `nothing was asked ${period}` });
}

/** What a request without an answer has instead of a provider. */
const NOBODY = '–';

const columnsFor = (by: readonly string[]): Column<Row>[] => [
  ...by.map((group): Column<Row> => ({ title: group, cell: (row) => row[group] ?? undefined, show: (row) => String(row[group] ?? '') || NOBODY })),
  { title: 'requests', cell: ({ requests }) => requests, show: ({ requests }) => count(requests), align: 'right' },
  { title: 'failed', cell: ({ failures }) => failures, show: ({ failures }) => count(failures), align: 'right', style: ({ failures }) => (failures > 0 ? 'yellow' : undefined) },
  { title: 'tokens in', cell: ({ tokens_in }) => tokens_in, show: ({ tokens_in }) => roughly(tokens_in), align: 'right' },
  { title: 'out', cell: ({ tokens_out }) => tokens_out, show: ({ tokens_out }) => roughly(tokens_out), align: 'right' },
  { title: 'cost', cell: ({ cost_usd }) => cost_usd ?? undefined, show: ({ cost_usd, unpriced_requests }) => amount(cost_usd, unpriced_requests), align: 'right' },
  { title: 'saved', cell: ({ saved_usd }) => saved_usd ?? undefined, show: ({ saved_usd, unvalued_requests }) => amount(saved_usd, unvalued_requests), align: 'right', style: () => 'green' },
  { title: 'median', cell: ({ p50_ms }) => p50_ms ?? undefined, show: ({ p50_ms }) => time(p50_ms), align: 'right' },
  { title: '95 %', cell: ({ p95_ms }) => p95_ms ?? undefined, show: ({ p95_ms }) => time(p95_ms), align: 'right' },
];

/** Unknown is said, never taken for nothing. */
function amount(value: number | null, unknown: number): string {
  if (value === null) return 'unknown';
  return unknown === 0 ? usd(value) : `${usd(value)} + ${count(unknown)} unknown`;
}

const time = (value: number | null): string => (value === null ? '' : duration(value));

/** Everything there is, under the names of the JSON. */
const csvColumns = (by: readonly string[]): Column<Row>[] =>
  [...by, ...Object.keys(ANSWERS.Usage.shape.total.shape)].map((title) => ({ title, cell: (row) => row[title] ?? (title.endsWith('_usd') ? 'unknown' : undefined) }));
