/** `tollfree keys`: virtual keys, for people and programs that share the pool. */
import type { Command } from 'commander';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { keyDesk, type KeyDesk } from './keys/desk.ts';
import { registerLimits } from './keys/limits.ts';
import { collect, collectBudget, collectLimit, describeLimits, expiry, writeLimits, type WrittenLimits } from './keys/terms.ts';
import { outputOption, textOrJsonOption, wholeNumber } from './options.ts';
import { printJson, printLines, printRows, type Format } from './output.ts';
import type { IssuedKey, KeyStatus } from './shapes.ts';
import type { Column } from './table.ts';

interface CreateOptions {
  readonly project?: string;
  readonly rpm?: number;
  readonly budget?: WrittenLimits;
  readonly limit?: WrittenLimits;
  readonly userLimit?: WrittenLimits;
  readonly models?: readonly string[];
  readonly surface?: readonly string[];
  readonly priority?: number;
  readonly expires?: number;
  readonly output: 'text' | 'json';
}

const MOST_REQUESTS = 1e9;

export function registerKeys(program: Command, context: Context): void {
  const keys = program.command('keys').description('virtual keys: who may use the pool, for what and how much');
  keys
    .command('create')
    .description('make a key; its secret is printed once and stored nowhere')
    .argument('<name>', 'what logs, rules and statistics call it')
    .option('--project <project>', 'keys of one project can share limits')
    .option('--rpm <number>', 'requests a minute', wholeNumber(MOST_REQUESTS))
    .option('--budget <usd/period>', 'worth at list price, e.g. 5/day, 100/month, 20/total; may be repeated', collectBudget)
    .option('--limit <name=number>', 'any limit, e.g. tokens_per_day=100000; may be repeated', collectLimit)
    .option('--user-limit <name=number>', 'a limit of each user that requests name; may be repeated', collectLimit)
    .option('--models <glob>', 'models it may ask for, e.g. auto or groq/*; may be repeated', collect)
    .option('--surface <name>', 'surfaces it may use, e.g. chat; may be repeated', collect)
    .option('--priority <number>', 'the most urgent place in line it may ask for, 0 (first) to 9', wholeNumber(9))
    .option('--expires <when>', 'e.g. 30d, or a day', expiry(context.now))
    .addOption(textOrJsonOption())
    .action(async (name: string, { output, ...options }: CreateOptions) => issue(context, await (await keyDesk(context)).create(termsOf(name, options)), output));
  keys
    .command('list')
    .description('every key, without its secret')
    .addOption(outputOption())
    .action(async ({ output }: { readonly output: Format }) => {
      const rows = await (await keyDesk(context)).list();
      printRows(context, { format: output, rows, columns, empty: 'there is no virtual key: `tollfree keys create NAME` makes one' });
    });
  keys
    .command('revoke')
    .description('end a key at once and for ever')
    .argument('<id>', 'its id, or its name')
    .action(async (wanted: string) => {
      const desk = await keyDesk(context);
      const { name, id } = await desk.revoke(await idOf(desk, wanted));
      context.words.write(`revoked ${name} (${id})\n`);
    });
  keys
    .command('rotate')
    .description('give a key a new secret; the old one stops working at once')
    .argument('<id>', 'its id, or its name')
    .addOption(textOrJsonOption())
    .action(async (wanted: string, { output }: Pick<CreateOptions, 'output'>) => {
      const desk = await keyDesk(context);
      issue(context, await desk.rotate(await idOf(desk, wanted)), output);
    });
  registerLimits(keys, context);
}

function termsOf(name: string, { project, rpm, budget, limit, userLimit, models, surface, priority, expires }: Omit<CreateOptions, 'output'>): unknown {
  return {
    name,
    ...(project !== undefined && { project }),
    ...(models && { models }),
    ...(surface && { surfaces: surface }),
    limits: { ...(rpm !== undefined && { requests_per_minute: rpm }), ...budget, ...limit },
    ...(userLimit && { user_limits: userLimit }),
    ...(priority !== undefined && { priority }),
    ...(expires !== undefined && { expires_at: new Date(expires).toISOString() }),
  };
}

/** The secret alone is data, so that a script can take it as it is. */
function issue(context: Context, key: IssuedKey, output: 'text' | 'json'): void {
  context.words.write(`${key.name} (${key.id}): keep this secret now, it is not shown again\n`);
  if (output === 'json') printJson(context, key);
  else printLines(context, [key.secret]);
}

/** Revoked keys may share a name with one that works: a name means that one. */
async function idOf(desk: KeyDesk, wanted: string): Promise<string> {
  const all = await desk.list();
  const key = all.find(({ id }) => id === wanted) ?? all.findLast(({ name, state }) => name === wanted && state !== 'revoked') ?? all.findLast(({ name }) => name === wanted);
  if (key === undefined) throw new CommandError(`no virtual key is called ${JSON.stringify(wanted)}`, { hint: '`tollfree keys list` shows them' });
  return key.id;
}

const columns: readonly Column<KeyStatus>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'name', cell: ({ name }) => name },
  { title: 'project', cell: ({ project }) => project },
  { title: 'state', cell: ({ state }) => state, style: ({ state }) => (state === 'active' ? 'green' : 'dim') },
  { title: 'secret', cell: ({ hint }) => hint },
  { title: 'limits', cell: ({ limits }) => writeLimits(limits), show: ({ limits, used }) => describeLimits(limits, used) },
  { title: 'models', cell: ({ models }) => models?.join(' ') },
  { title: 'expires', cell: ({ expires_at: at }) => at, show: ({ expires_at: at }) => at?.slice(0, 10) ?? '' },
];
