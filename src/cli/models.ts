/** `tollfree models`: what can be asked, and how much of it is left. */
import type { Command } from 'commander';
import { untouched } from '../http/left.ts';
import type { Context } from './context.ts';
import { knowledgeOf } from './knowledge.ts';
import { count, per, roughly } from './numbers.ts';
import { outputOption } from './options.ts';
import { printRows, type Format } from './output.ts';
import type { AccountStatus, ProviderStatus } from './shapes.ts';
import type { Column } from './table.ts';

interface Options {
  readonly provider?: string;
  readonly all?: true;
  readonly output: Format;
}

interface Row {
  readonly provider: string;
  readonly model: string;
  readonly aliases: readonly string[];
  readonly context?: number;
  readonly capabilities: readonly string[];
  readonly limits: string;
  readonly free: boolean;
  readonly accounts?: number;
  /** Requests that could still be made in the present windows, over all accounts. */
  readonly left?: number;
}

export function registerModels(program: Command, context: Context): void {
  program
    .command('models')
    .description('models with their limits, and what is left while the daemon runs')
    .option('-p, --provider <name>', 'only of this provider')
    .option('-a, --all', 'also paid models, retired providers and providers without an account')
    .addOption(outputOption())
    .action(async ({ provider, all, output }: Options) => {
      const knowledge = await knowledgeOf(context);
      const [providers, accounts] = await Promise.all([knowledge.providers(), knowledge.accounts()]);
      const rows = providers
        .filter(({ name, status }) => (provider === undefined ? all === true || status !== 'retired' : name === provider))
        .flatMap((each) => each.models.map((model) => toRow(each, model, accounts)))
        .filter(({ free, accounts: held }) => all === true || (free && (provider !== undefined || held !== 0)));
      printRows(context, { format: output, rows, columns: columnsFor(accounts !== undefined), empty: 'no model; `tollfree models --all` shows those without an account too' });
    });
}

function toRow(provider: ProviderStatus, { name, aliases, context, capabilities, limits, price }: ProviderStatus['models'][number], accounts: readonly AccountStatus[] | undefined): Row {
  const held = accounts?.filter((account) => account.provider === provider.name && account.enabled);
  const left = held === undefined ? undefined : requestsLeft(held, provider, name);
  return {
    provider: provider.name,
    model: name,
    aliases,
    ...(context !== undefined && { context }),
    capabilities,
    limits: [...provider.limits.windows, ...limits.windows].map(({ unit, limit, seconds }) => `${roughly(limit)} ${per(unit, seconds)}`).join(', '),
    free: price.input === 0 && price.output === 0,
    ...(held !== undefined && { accounts: held.length }),
    ...(left !== undefined && { left }),
  };
}

/** Over the pools: the scarcest window of requests that counts this model. Undefined: requests are not counted. */
function requestsLeft(accounts: readonly AccountStatus[], provider: ProviderStatus, name: string): number | undefined {
  const pools = new Map(accounts.filter(({ state }) => state !== 'suspended').map((account) => [account.pool, account]));
  const each = [...pools.values()].map(({ windows, rests }) => {
    if (rests.some((rest) => rest.model === undefined || rest.model === name)) return 0;
    const counting = [...windows, ...untouched(windows, provider)].filter((window) => window.unit === 'requests' && (window.model ?? name) === name);
    return Math.min(...counting.map(({ limit, used }) => Math.max(0, limit - used)));
  });
  const sum = each.reduce((total, left) => total + left, 0);
  return Number.isFinite(sum) ? Math.floor(sum) : undefined;
}

function columnsFor(live: boolean): Column<Row>[] {
  return [
    { title: 'provider', cell: ({ provider }) => provider },
    { title: 'model', cell: ({ model }) => model },
    { title: 'context', cell: ({ context }) => context, show: ({ context }) => (context === undefined ? '' : roughly(context)), align: 'right' },
    ...(live
      ? ([
          { title: 'accounts', cell: ({ accounts }) => accounts, align: 'right' },
          { title: 'left', cell: ({ left }) => left, show: ({ left }) => (left === undefined ? '' : count(left)), align: 'right', style: ({ left }) => (left === 0 ? 'red' : 'green') },
        ] satisfies Column<Row>[])
      : []),
    { title: 'limits', cell: ({ limits }) => limits },
    { title: 'capabilities', cell: ({ capabilities }) => capabilities.join(' ') },
  ];
}
