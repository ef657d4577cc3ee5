/** `tollfree accounts`: the keys in the vault, by their labels. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Account } from '../types.ts';
import type { Vault } from '../vault/vault.ts';
import { cleanKey, destined, doubtAbout, gain, judged, nameOf, newAccount, refuseDuplicate, scopeNote, withChecker, type Candidate } from './accounts/adding.ts';
import { readImport, unknownProvider } from '../config/accounts-file.ts';
import { openLocalVault, openOrCreate, openUnlocked } from './accounts/local-vault.ts';
import { chooseOpening } from './accounts/opening.ts';
import { collectLimit, ownLimits, type WrittenLimits } from './accounts/own-limits.ts';
import { terminalOf } from './accounts/terminal.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { readCatalogue } from './local.ts';
import { count, per, plural } from './numbers.ts';
import { outputOption, textOrJsonOption } from './options.ts';
import { note, printJson, printLines, printRows, type Format } from './output.ts';
import { whileWaiting } from './waiting.ts';

interface AddOptions {
  readonly label?: string;
  readonly organization?: string;
  readonly keyStdin?: true;
  readonly limit?: WrittenLimits;
  readonly baseUrl?: string;
  readonly check: boolean;
  readonly output: 'text' | 'json';
}

export function registerAccounts(program: Command, context: Context): void {
  const accounts = program.command('accounts').description('the keys in the vault');
  accounts
    .command('add')
    .description('seal one key; it is asked for and not shown')
    .argument('<provider>', 'as config/providers.yaml names it')
    .option('--label <label>', 'what to call it; by default the provider and a number')
    .option('--organization <name>', 'accounts of one organization or project share its quota, where the provider counts so')
    .option('--key-stdin', 'read the key from standard input')
    .option('--limit <name=number>', 'a limit of your own, e.g. rpm=30; may be repeated', collectLimit)
    .option('--base-url <url>', 'seal the key for another destination than the provider’s own')
    .option('--no-check', 'do not ask the provider whether the key is good')
    .addOption(textOrJsonOption())
    .action((name: string, options: AddOptions) => add(context, name, options));
  accounts.command('list').description('every account, without its key').addOption(outputOption()).action(({ output }: { readonly output: Format }) => list(context, output));
  accounts
    .command('test')
    .description('ask the providers whether the keys are still good')
    .argument('[label]', 'one account only')
    .addOption(outputOption())
    .action((label: string | undefined, { output }: { readonly output: Format }) => check(context, label, output));
  for (const [verb, description, change] of changes) {
    accounts
      .command(verb)
      .description(description)
      .argument('<label>', 'the label, or <provider>/<label> where two share one')
      .action(async (label: string) => {
        const vault = await openUnlocked(context);
        const account = byLabel(vault.accounts(), label);
        await change(vault, account);
        context.words.write(`${verb === 'remove' ? 'removed' : `${verb}d`} ${nameOf(account)}\n`);
      });
  }
  accounts
    .command('import')
    .description('seal a YAML list of {provider, label, key, organization, limits, base_url}; all or none')
    .argument('<file>', '- for standard input')
    .option('--no-check', 'do not ask the providers whether the keys are good')
    .addOption(textOrJsonOption())
    .action((file: string, options: ImportOptions) => importAccounts(context, file, options));
}

const changes: readonly (readonly [string, string, (vault: Vault, account: Account) => Promise<void>])[] = [
  ['enable', 'let an account answer again', (vault, { id }) => vault.setEnabled(id, true)],
  ['disable', 'keep an account, but do not use it', (vault, { id }) => vault.setEnabled(id, false)],
  ['remove', 'forget an account and its key', (vault, { id }) => vault.remove(id)],
];

async function add(context: Context, name: string, options: AddOptions): Promise<void> {
  const { label, organization, limit, baseUrl, output } = options;
  const { providers } = await readCatalogue(context);
  const known = providers.get(name);
  if (known === undefined) throw new CommandError(unknownProvider(name, providers), { status: 2, hint: 'config/providers.yaml lists them; an entry there adds one' });
  if (known.status === 'retired') note(context, `${known.title} no longer has a free tier, says the catalogue`);
  const provider = destined(known, baseUrl);
  const key = cleanKey(options.keyStdin === true ? await textOf(context.stdin) : await askKey(context, provider.title));
  const candidate: Candidate = { provider, key, ...(label !== undefined && { label }), ...(organization !== undefined && { organization }), ...(limit !== undefined && { limits: ownLimits(limit, provider) }) };
  const doubt = doubtAbout(key, provider, providers.values());
  if (doubt !== undefined) note(context, doubt);
  if (baseUrl !== undefined && new URL(known.baseUrl).origin !== new URL(baseUrl).origin) note(context, `the key is used once TOLLFREE_BASE_URL_${name.toUpperCase().replaceAll('-', '_')} or the catalogue leads to ${new URL(baseUrl).origin}`);

  const vault = await openLocalOrCreate(context);
  refuseDuplicate(vault, candidate);
  if (options.check) context.words.write(`${judged(await withChecker(context, (check) => check(candidate)), provider)}\n`);
  const account = await vault.add(newAccount(candidate));
  const scope = scopeNote(provider);
  if (scope !== undefined) note(context, scope);
  context.words.write(`${gain(account, vault.accounts(), provider)}\n`);
  if (output === 'json') printJson(context, account);
  else printLines(context, [`added ${nameOf(account)}`]);
}

const openLocalOrCreate = (context: Context): Promise<Vault> => {
  const terminal = terminalOf(context);
  return openOrCreate(context, terminal && (() => chooseOpening(context, terminal)));
};

async function askKey(context: Context, title: string): Promise<string> {
  const terminal = terminalOf(context);
  if (terminal === undefined) throw new CommandError('there is no terminal to ask for the key', { status: 2, hint: 'give it on standard input with --key-stdin' });
  return terminal.hidden(`key of ${title}`, (answer) => (answer.trim() === '' ? 'paste the key, or press ctrl-c' : undefined));
}

async function list(context: Context, format: Format): Promise<void> {
  const vault = await openLocalVault(context);
  printRows(context, {
    format,
    rows: vault.accounts(),
    columns: [
      { title: 'provider', cell: ({ provider }) => provider },
      { title: 'label', cell: ({ label }) => label },
      { title: 'organization', cell: ({ organization }) => organization },
      { title: 'state', cell: ({ enabled }) => (enabled ? 'enabled' : 'disabled'), style: ({ enabled }) => (enabled ? undefined : 'dim') },
      { title: 'own limits', cell: ({ limits }) => limits?.windows.map(({ unit, limit, seconds }) => `${count(limit)} ${per(unit, seconds)}`).join(' · ') },
      { title: 'sealed for', cell: ({ origin }) => origin },
    ],
    empty: vault.status().state === 'absent' ? 'there is no vault yet: `npm run setup` makes one' : 'the vault holds no account: `tollfree accounts add PROVIDER`',
  });
}

async function check(context: Context, label: string | undefined, format: Format): Promise<void> {
  const { providers } = await readCatalogue(context);
  const vault = await openUnlocked(context);
  const asked = label === undefined ? vault.accounts() : [byLabel(vault.accounts(), label)];
  const rows = await whileWaiting(context.words, `asking about ${plural(asked.length, 'key')}`, () =>
    withChecker(context, (checkOne) =>
      Promise.all(
        asked.map(async (account) => {
          const provider = providers.get(account.provider);
          const about = { provider: account.provider, label: account.label };
          if (provider === undefined) return { ...about, result: 'unknown', detail: 'the catalogue no longer knows this provider' };
          if (new URL(provider.baseUrl).origin !== account.origin) return { ...about, result: 'refused', detail: `the key is sealed for ${account.origin}; add it again to use it at ${provider.baseUrl}` };
          return { ...about, ...(await checkOne({ provider, key: vault.credential(account, account.origin) })) };
        }),
      ),
    ),
  );
  await vault.audit.record({ by: 'cli', act: 'keys tested', on: asked.map(nameOf) });
  printRows(context, {
    format,
    rows,
    columns: [
      { title: 'provider', cell: (row) => row.provider },
      { title: 'label', cell: (row) => row.label },
      { title: 'result', cell: (row) => row.result, style: ({ result }) => (result === 'good' ? 'green' : result === 'refused' ? 'red' : 'yellow') },
      { title: 'detail', cell: (row) => row.detail },
    ],
    empty: 'the vault holds no account',
  });
  const bad = rows.filter(({ result }) => result === 'refused' || result === 'unknown').length;
  if (bad > 0) throw new CommandError(`${plural(bad, 'key')} could not be confirmed`);
}

interface ImportOptions {
  readonly check: boolean;
  readonly output: 'text' | 'json';
}

/** All or none. */
export async function importAccounts(context: Context, file: string, { check, output }: ImportOptions): Promise<void> {
  const catalogue = await readCatalogue(context);
  const text = file === '-' ? await textOf(context.stdin) : await readFile(resolve(context.directory, file), 'utf8');
  const candidates = readImport(text, file === '-' ? 'standard input' : file, catalogue).flatMap(({ provider: name, key, base_url: baseUrl, limits, label, organization }): Candidate[] => {
    const known = catalogue.providers.get(name);
    if (known === undefined) return [];
    const provider = destined(known, baseUrl);
    return [{ provider, key: cleanKey(key), ...(label !== undefined && { label }), ...(organization !== undefined && { organization }), ...(limits !== undefined && { limits: ownLimits(limits, provider) }) }];
  });
  const vault = await openLocalOrCreate(context);
  refuseTwice(candidates);
  for (const candidate of candidates) refuseDuplicate(vault, candidate);
  if (check) {
    await withChecker(context, async (checkOne) => {
      const answers = await whileWaiting(context.words, `asking about ${plural(candidates.length, 'key')}`, () => Promise.all(candidates.map(checkOne)));
      for (const [index, candidate] of candidates.entries()) {
        const answer = answers[index];
        if (answer !== undefined) context.words.write(`${judged(answer, candidate.provider)}\n`);
      }
    });
  }
  const added = await vault.addAll(candidates.map(newAccount));
  if (output === 'json') printJson(context, added);
  else printLines(context, added.map((account) => `added ${nameOf(account)}`));
  if (file !== '-') note(context, `${file} still holds the keys in plain text: delete it`);
}

function refuseTwice(candidates: readonly Candidate[]): void {
  const seen = new Set<string>();
  for (const [index, { key, provider }] of candidates.entries()) {
    const name = `${provider.baseUrl} ${key}`;
    if (seen.has(name)) throw new CommandError(`the key of account ${index + 1} is in the list twice`, { hint: 'one key is one quota, however often it is added; nothing was added' });
    seen.add(name);
  }
}

/** By label, by provider/label, or by id. */
export function byLabel(accounts: readonly Account[], wanted: string): Account {
  const fitting = accounts.filter((account) => account.label === wanted || nameOf(account) === wanted || account.id === wanted);
  const [account, other] = fitting;
  if (account === undefined) throw new CommandError(`no account is called ${JSON.stringify(wanted)}`, { hint: '`tollfree accounts list` shows them' });
  if (other !== undefined) throw new CommandError(`several accounts are called ${JSON.stringify(wanted)}`, { hint: `say which: ${fitting.map(nameOf).join(', ')}` });
  return account;
}
