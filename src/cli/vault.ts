/** `tollfree vault`: the sealed file itself, what opens it, and its keys. */
import { resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { AuditCheck } from '../audit/audit-log.ts';
import { makeKeyFile, readPassphraseFile, TERMINAL } from '../vault/find-unlock.ts';
import { newPassphrase, passphrase, type Secret } from '../vault/secret.ts';
import type { VaultStatus } from '../vault/vault.ts';
import { nameOf } from './accounts/adding.ts';
import { openLocalVault, openUnlocked, tryUnlock, unlock } from './accounts/local-vault.ts';
import { askNewPassphrase } from './accounts/opening.ts';
import { terminalOf } from './accounts/terminal.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { plural } from './numbers.ts';
import { textOrJsonOption } from './options.ts';
import { printJson, printLines } from './output.ts';

interface Output {
  readonly output: 'text' | 'json';
}

interface ImportOptions extends Output {
  readonly passphraseFile?: string;
}

export function registerVault(program: Command, context: Context): void {
  const vault = program.command('vault').description('the sealed file the keys are in, and what opens it');
  vault.command('status').description('what it holds, what opens it, and whether all of it is as it was written').addOption(textOrJsonOption()).action(({ output }: Output) => status(context, output));
  vault
    .command('rotate')
    .description('a new data key: every credential is sealed anew')
    .action(async () => {
      await (await openUnlocked(context)).rotate();
      say(context, 'every credential is sealed under a new data key');
    });
  vault
    .command('rekey')
    .description('a new root key, opened only by what opened the vault for this command')
    .action(() => rekey(context));
  vault
    .command('passphrase')
    .description('a new passphrase; other ways to open the vault stay')
    .option('--only', 'drop the other ways')
    .option('--stdin', 'read the new passphrase from standard input')
    .action((options: PassphraseOptions) => changePassphrase(context, options));
  vault
    .command('key-file')
    .description('make a key file; the vault, if there is one, opens with it from then on')
    .argument('<file>', 'where to put it: best not beside the vault')
    .option('--only', 'drop the other ways')
    .action((file: string, { only }: { readonly only?: true }) => keyFile(context, file, only === true));
  vault
    .command('export')
    .description('a copy of all accounts in a new file that opens with another passphrase')
    .argument('<file>')
    .option('--passphrase-file <file>', 'the passphrase of the exported file, instead of asking')
    .action((file: string, { passphraseFile }: { readonly passphraseFile?: string }) => exportTo(context, file, passphraseFile));
  vault
    .command('import')
    .description('add the accounts of an exported file; keys that are here already are left out')
    .argument('<file>')
    .option('--passphrase-file <file>', 'the passphrase of the exported file, instead of asking')
    .addOption(textOrJsonOption())
    .action((file: string, options: ImportOptions) => importFrom(context, file, options));
}

const say = ({ words }: Context, text: string): void => words.write(`${text}\n`);

async function status(context: Context, output: Output['output']): Promise<void> {
  const vault = await openLocalVault(context);
  const { state } = vault.status();
  const verified = state === 'locked' && (await tryUnlock(context, vault)) !== undefined;
  const now = vault.status();
  const audit = vault.audit.check();
  vault.lock();
  const { file, accounts, unlocks, epoch, keptFromSwap } = now;
  if (output === 'json') printJson(context, { file, state, accounts, unlocks, epoch, verified, kept_from_swap: keptFromSwap, audit });
  else printLines(context, [...describe(now, verified), ...describeAudit(audit, verified)]);
  if (audit.problem !== undefined) throw new CommandError(`the audit log is not whole: ${audit.problem}`, { hint: 'what stands before that place holds; compare the rest with a copy of yours, then move the log and its .seal away to begin a new one' });
  if (state === 'absent') throw new CommandError(`there is no vault at ${file}`, { hint: '`npm run setup` makes one' });
}

const ways: Readonly<Record<Secret['kind'], string>> = { passphrase: 'a passphrase', key: 'a key file' };

function describe({ state, file, accounts, unlocks, epoch, keptFromSwap }: VaultStatus, verified: boolean): string[] {
  if (state === 'absent') return [];
  return [
    `${file}: ${plural(accounts, 'account')}, change ${epoch}`,
    `opens with ${unlocks.map((kind) => ways[kind]).join(' or ')}`,
    verified ? 'whole: every account is as it was written' : 'locked: not checked against tampering',
    ...(keptFromSwap === undefined ? [] : [keptFromSwap ? 'keys in memory are kept from swap' : 'keys in memory may reach swap: the memlock limit is too low (ulimit -l)']),
  ];
}

function describeAudit({ entries, problem, vouched }: AuditCheck, verified: boolean): string[] {
  if (problem !== undefined) return [`audit log: ${problem}`];
  if (entries === 0) return [];
  return [`audit log: ${plural(entries, 'entry', 'entries')}, each as it was written${vouched ? '' : verified ? '; nobody vouches that none was made anew' : '; locked: not checked against being made anew'}`];
}

async function rekey(context: Context): Promise<void> {
  const vault = await openLocalVault(context);
  const { secret, from } = await unlock(context, vault);
  const dropped = vault.status().unlocks.filter((kind) => kind !== secret.kind);
  await vault.rekey([secret]);
  say(context, `the vault has a new root key and opens with ${from === TERMINAL ? 'the passphrase' : from}${dropped.length === 0 ? '' : '; other ways were dropped, add them again'}`);
  say(context, 'copies made before still open the old way: whoever may have one has the keys in it, so replace those at their providers');
}

interface PassphraseOptions {
  readonly only?: true;
  readonly stdin?: true;
}

async function changePassphrase(context: Context, options: PassphraseOptions): Promise<void> {
  const vault = await openUnlocked(context);
  const secret = newPassphrase(options.stdin === true ? (await textOf(context.stdin)).replace(/\r?\n$/, '') : await askNew(context, 'with --stdin, give the new one on standard input and the old one in TOLLFREE_PASSPHRASE_FILE'));
  await vault.setSecret(secret, { only: options.only === true });
  say(context, 'the vault opens with the new passphrase');
}

async function keyFile(context: Context, file: string, only: boolean): Promise<void> {
  const vault = await openLocalVault(context);
  const path = resolve(context.directory, file);
  const absent = vault.status().state === 'absent';
  if (!absent) await unlock(context, vault);
  const secret = await makeKeyFile(path);
  if (!absent) await vault.setSecret(secret, { only });
  say(context, `${path} opens ${absent ? 'the vault that will be made with it' : 'the vault'}: set TOLLFREE_KEY_FILE to it`);
}

async function exportTo(context: Context, file: string, passphraseFile: string | undefined): Promise<void> {
  const vault = await openUnlocked(context);
  const secret = passphraseFile === undefined ? newPassphrase(await askNew(context, 'name a file that holds it with --passphrase-file')) : await readPassphraseFile(resolve(context.directory, passphraseFile), '--passphrase-file');
  await vault.exportTo(resolve(context.directory, file), secret);
  say(context, `${file} holds ${plural(vault.accounts().length, 'account')}; it opens with its own passphrase`);
}

async function importFrom(context: Context, file: string, { output, passphraseFile }: ImportOptions): Promise<void> {
  const vault = await openUnlocked(context);
  const secret = passphraseFile === undefined ? passphrase(await askFor(context, file)) : await readPassphraseFile(resolve(context.directory, passphraseFile), '--passphrase-file');
  const { added, skipped } = await vault.importFrom(resolve(context.directory, file), secret);
  if (output === 'json') printJson(context, { added, skipped });
  else printLines(context, added.map((account) => `added ${nameOf(account)}`));
  if (skipped > 0) say(context, `${plural(skipped, 'key was', 'keys were')} here already`);
}

async function askFor(context: Context, file: string): Promise<string> {
  const terminal = terminalOf(context);
  if (terminal === undefined) throw new CommandError('there is no terminal to ask for the passphrase', { status: 2, hint: 'name a file that holds it with --passphrase-file' });
  return terminal.hidden(`passphrase of ${file}`);
}

async function askNew(context: Context, hint: string): Promise<string> {
  const terminal = terminalOf(context);
  if (terminal === undefined) throw new CommandError('there is no terminal to ask for the new passphrase', { status: 2, hint });
  return askNewPassphrase(terminal);
}
