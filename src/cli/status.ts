/** `tollfree status`: who can serve, and what is left. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { untouched } from '../http/left.ts';
import { createAdminClient, NoDaemonError, type AdminClient } from './admin-client.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { parseMetrics, sumOf, type Sample } from './metrics.ts';
import { plural } from './numbers.ts';
import { outputOption } from './options.ts';
import { printJson, printLines, printRows, type Format } from './output.ts';
import { detailFor, renderStatus } from './status-view.ts';
import type { AccountStatus, ProviderStatus } from './shapes.ts';
import type { StatusPicture, Traffic } from './status/frame.ts';
import type { Column } from './table.ts';
import { clip, wrap } from './text.ts';

interface Options {
  readonly watch?: true;
  readonly all?: true;
  readonly output: Format;
}

interface Shown extends Options {
  readonly provider?: string;
}

export function registerStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('accounts and their windows, and when they will be spent')
    .argument('[provider]', 'only the accounts of this one')
    .option('-w, --watch', 'keep showing, once a second, until Ctrl-C')
    .option('-a, --all', 'every account and window, not only the fullest')
    .addOption(outputOption())
    .action(async (provider: string | undefined, options: Options) => {
      const client = await createAdminClient(context);
      const known: Known = {};
      const glance = (before?: Count): Promise<Look> => look({ client, known, provider, before, now: context.now() });
      const shownAs = { ...options, ...(provider !== undefined && { provider }) };
      if (options.watch === true) await watch(context, glance, shownAs);
      else show(context, await glance(), shownAs);
    });
}

/** What the counters said, and when: two of them make a rate. */
interface Count {
  readonly requests: number;
  readonly at: number;
}

/** Asked for once: it changes by the week, and is longer than all the rest. */
interface Known {
  catalogue?: readonly ProviderStatus[];
}

interface Look {
  readonly picture: StatusPicture;
  readonly catalogue: readonly ProviderStatus[];
  readonly count: Count;
}

interface Glance {
  readonly client: AdminClient;
  readonly known: Known;
  readonly provider: string | undefined;
  readonly before: Count | undefined;
  readonly now: number;
}

async function look({ client, known, provider, before, now }: Glance): Promise<Look> {
  known.catalogue ??= (await client.askAll('/admin/providers', 'Providers')).providers;
  const [answer, { reason, problems, workers }, metrics] = await Promise.all([client.askAll('/admin/accounts', 'Accounts'), client.ask('/health', 'Health'), client.fetch('/metrics').then((response) => response.text())]);
  const accounts = answer.accounts.filter((account) => provider === undefined || account.provider === provider);
  if (provider !== undefined && accounts.length === 0) throw new CommandError(`there is no account at ${JSON.stringify(provider)}`, { hint: '`tollfree accounts list` shows those there are' });
  const samples = parseMetrics(metrics).filter(({ labels }) => labels['surface'] !== AT_THE_DOOR);
  const requests = sumOf(samples, 'tollfree_requests_total');
  // Alone, the counter can only tell the average since the start.
  const since = before ?? { requests: 0, at: sumOf(samples, 'process_start_time_seconds') * 1000 };
  const traffic: Traffic = { requests, perSecond: Math.max(0, requests - since.requests) / Math.max(1, (now - since.at) / 1000), failed: failedOf(samples) };
  const health = { problems, ...(reason !== undefined && { reason }), ...(workers && { workers }) };
  return { picture: { ...answer, accounts, address: client.address, traffic, health }, catalogue: known.catalogue, count: { requests, at: now } };
}

/** The surface of those who were turned away before it was known what they ask for. */
const AT_THE_DOOR = 'none';

/** Not the caller's own doing: nobody was free, or nobody could. */
const failedOf = (samples: readonly Sample[]): number =>
  samples.filter(({ name, labels: { status = '' } }) => name === 'tollfree_requests_total' && (status === '429' || status.startsWith('5'))).reduce((sum, { value }) => sum + value, 0);

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
  { title: 'empty_at', cell: ({ window }) => window.empty_at },
  { title: 'source', cell: ({ window }) => window.source },
];

function show(context: Context, seen: Look, options: Shown): void {
  const { picture } = seen;
  if (options.output === 'json') printJson(context, tell(picture));
  else if (options.output === 'csv') printRows(context, { format: options.output, rows: picture.accounts.flatMap((account) => account.windows.map((window) => ({ account, window }))), columns, empty: '' });
  else printLines(context, draw(context, seen, options));
}

/** In the daemon's own words, and what was counted beside them. */
const tell = ({ traffic, health, ...picture }: StatusPicture): unknown => ({ ...picture, ...health, ...(traffic !== undefined && { requests: traffic.requests, requests_per_second: traffic.perSecond, failed: traffic.failed }) });

const draw = ({ out, now }: Context, { picture, catalogue }: Look, { all, provider }: Shown): string[] => {
  const usual = provider === undefined ? detailFor(picture.accounts.length) : 'accounts';
  return renderStatus({ ...picture, accounts: picture.accounts.map((account) => inFull(account, catalogue)) }, { width: out.width(), paint: out.paint, now: now(), detail: all === true ? 'windows' : usual });
};

/** With the windows nothing was asked of yet: what is left is all of them. */
function inFull(account: AccountStatus, catalogue: readonly ProviderStatus[]): AccountStatus {
  const provider = catalogue.find(({ name }) => name === account.provider);
  return provider === undefined ? account : { ...account, windows: [...account.windows, ...untouched(account.windows, provider)] };
}

/** A glance a second is live for a person and nothing for the daemon. */
const INTERVAL_MS = 1000;

const ALTERNATE_SCREEN = '\u001B[?1049h\u001B[?25l';
const MAIN_SCREEN = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

async function watch(context: Context, glance: (before?: Count) => Promise<Look>, options: Shown): Promise<void> {
  const { out } = context;
  const signal = context.stopped();
  const screen = out.terminal && options.output === 'table';
  let seen: Look | NoDaemonError | undefined;
  const redraw = (): void => {
    if (seen !== undefined) out.write(HOME + screenful(context, seen, options).map((line) => `${line}${CLEAR_LINE}`).join('\n') + CLEAR_BELOW);
  };
  if (screen) {
    out.write(ALTERNATE_SCREEN);
    out.stream.on('resize', redraw);
  }
  try {
    while (!signal.aborted) {
      seen = await lookAgain(glance, seen);
      if (screen) redraw();
      else if (!(seen instanceof NoDaemonError)) show(context, seen, options);
      await pause(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    out.stream.off('resize', redraw);
    if (screen) out.write(MAIN_SCREEN);
  }
}

/** A daemon that is being restarted is no reason to stop watching. */
const lookAgain = (glance: (before?: Count) => Promise<Look>, seen: Look | NoDaemonError | undefined): Promise<Look | NoDaemonError> =>
  glance(seen instanceof NoDaemonError ? undefined : seen?.count).catch((error: unknown) => {
    if (error instanceof NoDaemonError) return error;
    throw error;
  });

/** What fits the window; the last row stays free, so that nothing ever scrolls. */
function screenful({ out, ...context }: Context, seen: Look | NoDaemonError, options: Shown): string[] {
  const lines = seen instanceof NoDaemonError ? wrap(`${seen.message}; still watching, Ctrl-C ends`, out.width()) : draw({ ...context, out }, seen, options);
  const room = Math.max(1, out.height() - 1);
  return lines.length <= room ? lines : [...lines.slice(0, room - 1), out.paint('dim', clip(`${plural(lines.length - room + 1, 'more line')} below: make the window taller`, out.width()))];
}
