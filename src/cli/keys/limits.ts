/** `tollfree keys limits`: what the keys of a project may use together, and all callers together. */
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { outputOption } from '../options.ts';
import { printRows, type Format } from '../output.ts';
import type { Answer } from '../shapes.ts';
import type { Column } from '../table.ts';
import { keyDesk } from './desk.ts';
import { collectBudget, collectLimit, describeLimits, writeLimits, type WrittenLimits } from './terms.ts';

interface Options {
  readonly project?: string;
  readonly budget?: WrittenLimits;
  readonly limit?: WrittenLimits;
  readonly remove?: true;
  readonly output: Format;
}

interface Row {
  readonly scope: string;
  readonly limits: WrittenLimits;
}

export function registerLimits(keys: Command, context: Context): void {
  keys
    .command('limits')
    .description('what all callers, or the keys of a project, may use together')
    .option('--project <project>', 'of this project, not of everybody')
    .option('--budget <usd/period>', 'worth at list price, e.g. 100/month; may be repeated', collectBudget)
    .option('--limit <name=number>', 'any limit, e.g. tokens_per_day=100000; may be repeated; those given replace those there were', collectLimit)
    .option('--remove', 'take its limits away')
    .addOption(outputOption())
    .action(async ({ project, budget, limit, remove, output }: Options) => {
      const desk = await keyDesk(context);
      const given = budget === undefined && limit === undefined ? undefined : { ...budget, ...limit };
      if (remove === true && given !== undefined) throw new CommandError('--remove takes limits away, and --limit and --budget set them', { hint: 'say one of them', status: 2 });
      const limits = remove === true ? null : given;
      const shared = limits === undefined ? await desk.shared() : await desk.changeShared(project === undefined ? { all: limits } : { projects: { [project]: limits } });
      printRows(context, { format: output, rows: rowsOf(shared, limits === undefined ? project : undefined), columns, empty: 'no limits are shared: `tollfree keys limits --limit NAME=NUMBER` sets one for everybody' });
    });
}

function rowsOf({ all, projects }: Answer<'SharedLimits'>, only: string | undefined): readonly Row[] {
  const rows = [{ scope: EVERYBODY, limits: all }, ...Object.entries(projects).map(([name, limits]) => ({ scope: name, limits }))];
  return rows.filter(({ scope, limits }) => Object.keys(limits).length > 0 && (only === undefined || scope === only));
}

/** No project can be called so: their names have no space. */
const EVERYBODY = 'all together';

const columns: readonly Column<Row>[] = [
  { title: 'project', cell: ({ scope }) => scope },
  { title: 'limits', cell: ({ limits }) => writeLimits(limits), show: ({ limits }) => describeLimits(limits) },
];
