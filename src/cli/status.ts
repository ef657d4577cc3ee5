/** `tollfree status`: who can serve, and what is left. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { createAdminClient, NoDaemonError, type AdminClient } from './admin-client.ts';
import type { Context } from './context.ts';
import { parseMetrics, sumOf } from './metrics.ts';
import { outputOption } from './options.ts';
import { printJson, printLines, printRows, type Format } from './output.ts';
import { accountsShape } from './shapes.ts';
import { renderStatus, type StatusPicture, type Traffic } from './status-view.ts';
import type { Column } from './table.ts';

interface Options {
  readonly watch?: true;
  readonly all?: true;
  readonly output: Format;
}

export function registerStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('accounts and their windows, live')
    .option('-w, --watch', 'keep showing, once a second, until Ctrl-C')
    .option('-a, --all', 'every window, not only the fullest of each account')
    .addOption(outputOption())
    .action(async (options: Options) => {
      const client = await createAdminClient(context);
      if (options.watch === true) await watch(context, client, options);
      else show(context, await look(client, undefined, context.now()), options);
    });
}

/** What the counters said, and when: two of them make a rate. */
interface Count {
  readonly requests: number;
  readonly at: number;
}

interface Look {
  readonly picture: StatusPicture;
  readonly count: Count;
}

async function look(client: AdminClient, before: Count | undefined, now: number): Promise<Look> {
  const [answer, metrics] = await Promise.all([client.ask('/admin/accounts', accountsShape), client.fetch('/metrics').then((response) => response.text())]);
  const samples = parseMetrics(metrics);
  const requests = sumOf(samples, 'tollfree_requests_total');
  // Alone, the counter can only tell the average since the start.
  const since = before ?? { requests: 0, at: sumOf(samples, 'process_start_time_seconds') * 1000 };
  const traffic: Traffic = { requests, perSecond: Math.max(0, requests - since.requests) / Math.max(1, (now - since.at) / 1000) };
  return { picture: { ...answer, address: client.address, traffic }, count: { requests, at: now } };
}

const columns: readonly Column<{ readonly account: StatusPicture['accounts'][number]; readonly window: StatusPicture['accounts'][number]['windows'][number] }>[] = [
  { title: 'provider', cell: ({ account }) => account.provider },
  { title: 'account', cell: ({ account }) => account.label },
  { title: 'state', cell: ({ account }) => account.state },
  { title: 'model', cell: ({ window }) => window.model },
  { title: 'unit', cell: ({ window }) => window.unit },
  { title: 'seconds', cell: ({ window }) => window.seconds, align: 'right' },
  { title: 'used', cell: ({ window }) => window.used, align: 'right' },
  { title: 'limit', cell: ({ window }) => window.limit, align: 'right' },
  { title: 'resets_at', cell: ({ window }) => window.resets_at },
];

function show(context: Context, { picture }: Look, { output, all }: Options): void {
  if (output === 'json') printJson(context, tell(picture));
  else if (output === 'csv') printRows(context, { format: output, rows: picture.accounts.flatMap((account) => account.windows.map((window) => ({ account, window }))), columns, empty: '' });
  else printLines(context, draw(context, picture, all === true));
}

/** In the daemon's own words, and what was counted beside them. */
const tell = ({ traffic, ...picture }: StatusPicture): unknown => ({ ...picture, ...(traffic !== undefined && { requests: traffic.requests, requests_per_second: traffic.perSecond }) });

const draw = ({ out, now }: Context, picture: StatusPicture, all: boolean): string[] => renderStatus(picture, { width: out.width(), paint: out.paint, now: now(), all });

/** A glance a second is live for a person and nothing for the daemon. */
const INTERVAL_MS = 1000;

const ALTERNATE_SCREEN = '\u001B[?1049h\u001B[?25l';
const MAIN_SCREEN = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

async function watch(context: Context, client: AdminClient, options: Options): Promise<void> {
  const { out } = context;
  const signal = context.stopped();
  const screen = out.terminal && options.output === 'table';
  if (screen) out.write(ALTERNATE_SCREEN);
  try {
    let before: Count | undefined;
    while (!signal.aborted) {
      const seen = await lookAgain(client, before, context.now());
      if (screen) out.write(HOME + screenful(context, seen, options.all === true).map((line) => `${line}${CLEAR_LINE}\n`).join('') + CLEAR_BELOW);
      else if (!(seen instanceof NoDaemonError)) show(context, seen, options);
      before = seen instanceof NoDaemonError ? undefined : seen.count;
      await pause(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    if (screen) out.write(MAIN_SCREEN);
  }
}

/** A daemon that is being restarted is no reason to stop watching. */
const lookAgain = (client: AdminClient, before: Count | undefined, now: number): Promise<Look | NoDaemonError> =>
  look(client, before, now).catch((error: unknown) => {
    if (error instanceof NoDaemonError) return error;
    throw error;
  });

function screenful(context: Context, seen: Look | NoDaemonError, all: boolean): string[] {
  if (seen instanceof NoDaemonError) return [`${seen.message}; still watching, Ctrl-C ends`];
  const lines = draw(context, seen.picture, all);
  const rows = context.out.height();
  return lines.length < rows ? lines : [...lines.slice(0, Math.max(0, rows - 2)), context.out.paint('dim', 'more below: make the window taller')];
}
