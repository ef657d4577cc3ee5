/** `npm run setup`: accounts added one after the other, with what a newcomer wants to know beside each question. */
import type { Command } from 'commander';
import { providersOf } from '../routing/lookup.ts';
import type { Account, Catalogue, Provider } from '../types.ts';
import { checkLabel, freeLabel } from '../vault/accounts.ts';
import type { Vault } from '../vault/vault.ts';
import { importAccounts } from './accounts.ts';
import { cleanKey, doubtAbout, gain, judged, limitsLine, nameOf, newAccount, recognise, refuseDuplicate, scopeNote, withChecker, type Candidate } from './accounts/adding.ts';
import { totalDailyRequests } from './accounts/capacity.ts';
import { openOrCreate } from './accounts/local-vault.ts';
import { chooseOpening } from './accounts/opening.ts';
import { prove } from './accounts/proof.ts';
import { terminalOf, type Terminal } from './accounts/terminal.ts';
import type { Context } from './context.ts';
import { describe } from './errors.ts';
import { readCatalogue } from './local.ts';
import { plural } from './numbers.ts';

export function registerSetup(program: Command, context: Context): void {
  program
    .command('setup')
    .description('add accounts, one after the other; without a terminal, a YAML list of them from standard input')
    .option('--no-check', 'do not ask the providers whether the keys are good')
    .action(async ({ check }: { readonly check: boolean }) => {
      const terminal = terminalOf(context);
      if (terminal === undefined) await importAccounts(context, '-', { check, output: 'text' });
      else await converse({ context, terminal, check, catalogue: await readCatalogue(context) });
    });
}

interface Conversation {
  readonly context: Context;
  readonly terminal: Terminal;
  readonly catalogue: Catalogue;
  readonly check: boolean;
}

async function converse(conversation: Conversation): Promise<void> {
  const { context, terminal, catalogue } = conversation;
  terminal.open('tollfree: add your free accounts');
  const vault = await openOrCreate(context, () => chooseOpening(context, terminal));
  if (vault.accounts().length > 0) terminal.say(`here already: ${vault.accounts().map(nameOf).join(', ')}`);
  let last: Account | undefined;
  do last = (await addOne(conversation, vault)) ?? last;
  while (await terminal.confirm('add another?', last === undefined));
  const daily = totalDailyRequests(vault.accounts(), catalogue);
  terminal.say(`${plural(vault.accounts().length, 'account')}, together up to ${plural(daily, 'request')} a day`);
  if (last !== undefined && (await terminal.confirm(`prove it with one answer from ${last.provider}? it costs one request`))) {
    await prove({ context, terminal, catalogue, vault, account: last });
    await vault.audit.record({ by: 'cli', act: 'key proven', on: [nameOf(last)] });
  }
  terminal.close('start it with `npm start`, then point any OpenAI client at http://127.0.0.1:8000/v1');
}

/** One account, or undefined where it came to nothing: a mistake is told and does not end the conversation. */
async function addOne(conversation: Conversation, vault: Vault): Promise<Account | undefined> {
  const { context, terminal, check } = conversation;
  try {
    const candidate = await askKey(conversation);
    if (candidate === undefined) return undefined;
    refuseDuplicate(vault, candidate);
    if (check) await withChecker(context, (ask) => terminal.busy(`asking ${candidate.provider.title} about the key`, async () => judged(await ask(candidate), candidate.provider), (words) => words));
    const account = await vault.add(newAccount({ ...candidate, ...(await askDetails(terminal, candidate.provider, vault.accounts())) }));
    terminal.say(`sealed as ${nameOf(account)}, for ${account.origin} only: ${gain(account, vault.accounts(), candidate.provider)}`);
    return account;
  } catch (error) {
    const { message, hint } = describe(error);
    if (message === 'stopped') throw error;
    terminal.warn(`${message}${hint === undefined ? '' : `\n${hint}`}`);
    return undefined;
  }
}

async function askKey({ terminal, catalogue }: Conversation): Promise<Candidate | undefined> {
  const providers = providersOf(catalogue);
  const chosen = await askProvider(terminal, providers);
  terminal.note(chosen.title, tell(chosen));
  const key = cleanKey(await terminal.hidden(`key of ${chosen.title}`, (answer) => (cleanKey(answer) === '' ? 'paste the key, or press ctrl-c' : undefined)));
  const provider = await confirmProvider(terminal, { chosen, key, providers });
  return provider && { provider, key };
}

async function askDetails(terminal: Terminal, provider: Provider, accounts: readonly Account[]): Promise<Pick<Candidate, 'label' | 'organization'>> {
  const organization = await askOrganization(terminal, provider, accounts);
  const label = await terminal.text('a label for it', { initial: freeLabel(provider.name, accounts), judge: (answer) => labelFault(answer, provider.name, accounts) });
  return { label, ...(organization !== undefined && { organization }) };
}

async function askProvider(terminal: Terminal, providers: readonly Provider[]): Promise<Provider> {
  const name = await terminal.search(
    'which provider? (type to search)',
    providers.map((provider) => ({ value: provider.name, label: provider.title, hint: [provider.status === 'trial' ? 'trial' : '', limitsLine(provider)].filter((part) => part !== '').join(' · ') })),
  );
  const found = providers.find((provider) => provider.name === name);
  return found ?? askProvider(terminal, providers);
}

function tell(provider: Provider): string {
  const { signUpUrl, notes } = provider;
  return [...(signUpUrl === undefined ? [] : [`get a key at ${signUpUrl}`]), ...[limitsLine(provider), scopeNote(provider), notes?.trim()].filter((line) => line !== undefined && line !== '')].join('\n');
}

interface Doubtful {
  readonly chosen: Provider;
  readonly key: string;
  readonly providers: readonly Provider[];
}

/** The one whose key it is. Undefined where the person has second thoughts. */
async function confirmProvider(terminal: Terminal, { chosen, key, providers }: Doubtful): Promise<Provider | undefined> {
  const doubt = doubtAbout(key, chosen, providers);
  if (doubt === undefined) return chosen;
  const like = recognise(key, providers);
  if (like !== undefined && like.name !== chosen.name && (await terminal.confirm(`${doubt}; add it to ${like.title} instead?`))) return like;
  return (await terminal.confirm(`${doubt}; add it to ${chosen.title} all the same?`, false)) ? chosen : undefined;
}

/** The same name again unless they say otherwise: most people have one organisation, and counting it twice would lead into refusals. */
async function askOrganization(terminal: Terminal, { quotaScope, name }: Provider, accounts: readonly Account[]): Promise<string | undefined> {
  if (quotaScope !== 'organization' && quotaScope !== 'project') return undefined;
  const known = accounts.findLast((account) => account.provider === name && account.organization !== undefined)?.organization;
  const answer = await terminal.text(`which ${quotaScope} there is it of? (any name; keys of one share its quota)`, { initial: known ?? 'personal' });
  return answer.trim() === '' ? undefined : answer.trim();
}

function labelFault(label: string, provider: string, accounts: readonly Account[]): string | undefined {
  try {
    checkLabel(label, provider, accounts);
    return undefined;
  } catch (error) {
    const { message, hint } = describe(error);
    return [message, hint].filter((part) => part !== undefined).join('; ');
  }
}
