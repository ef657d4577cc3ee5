/** The vault of this environment's data directory, opened and unlocked as a command needs it. */
import { join, resolve } from 'node:path';
import { createAuditLog, type AuditLog } from '../../audit/audit-log.ts';
import { auditedVault } from '../../audit/audited-vault.ts';
import { VaultError } from '../../vault/errors.ts';
import { findUnlock, fromEnvironment, TERMINAL, type FoundSecret } from '../../vault/find-unlock.ts';
import { passphrase } from '../../vault/secret.ts';
import { openVault, type Vault } from '../../vault/vault.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { note } from '../output.ts';
import { placesOf } from '../places.ts';
import { terminalOf } from './terminal.ts';

/** The vault, and the log of what is done to it. */
export interface LocalVault extends Vault {
  readonly audit: AuditLog;
}

/** As it is: locked, or absent. */
export async function openLocalVault(context: Context): Promise<LocalVault> {
  const directory = resolve(context.directory, placesOf(context).dataDirectory);
  const options = { pid: process.pid, now: context.now, notice: (message: string) => note(context, message) };
  const vault = await openVault({ ...options, file: join(directory, 'vault.json') });
  const audit = createAuditLog({ ...options, path: join(directory, 'audit.log'), vouch: vault.vouch, onTrouble: (problem) => problem !== undefined && options.notice(problem) });
  return { ...auditedVault(vault, 'cli', audit.record), audit };
}

export async function openUnlocked(context: Context): Promise<LocalVault> {
  const vault = await openLocalVault(context);
  await unlock(context, vault);
  return vault;
}

/** Returns what opened it. */
export async function unlock(context: Context, vault: Vault): Promise<FoundSecret> {
  const { state, unlocks, file } = vault.status();
  if (state === 'absent') throw new VaultError('missing', `there is no vault at ${file} yet`, { hint: '`npm run setup` or `tollfree accounts add` makes one' });
  const found = await tryUnlock(context, vault);
  if (found !== undefined) return found;
  throw new CommandError('the vault is locked and nothing here opens it', { hint: unlocks.includes('passphrase') ? 'set TOLLFREE_PASSPHRASE_FILE, or run this at a terminal' : 'set TOLLFREE_KEY_FILE' });
}

/** Three tries at the terminal, one with anything else. Undefined where there is nothing to try. */
export async function tryUnlock(context: Context, vault: Vault): Promise<FoundSecret | undefined> {
  const terminal = terminalOf(context);
  const prompt = terminal && ((): Promise<string> => terminal.hidden('passphrase of the vault', filled));
  const found = await findUnlock({ environment: context.environment, unlocks: vault.status().unlocks, ...(prompt !== undefined && { prompt }) });
  if (found === undefined) return undefined;
  let { secret } = found;
  for (let tries = found.from === TERMINAL ? 3 : 1; ; ) {
    try {
      await vault.unlock(secret);
      return { ...found, secret };
    } catch (error) {
      tries -= 1;
      if (!(error instanceof VaultError) || error.kind !== 'wrong-secret' || tries === 0 || prompt === undefined) throw withSource(error, found.from);
      terminal?.warn(error.message);
      secret = passphrase(await prompt());
    }
  }
}

/** Which of the several sources was wrong is half the answer. */
function withSource(error: unknown, from: string): unknown {
  if (!(error instanceof VaultError) || error.kind !== 'wrong-secret' || from === TERMINAL) return error;
  return new VaultError(error.kind, `${error.message} (from ${from})`, { cause: error, ...(error.hint !== undefined && { hint: error.hint }) });
}

const filled = (answer: string): string | undefined => (answer === '' ? 'type it, or press ctrl-c' : undefined);

/** Unlocked, and made first where there is none: with what the environment names, or as the person at the terminal chooses. */
export async function openOrCreate(context: Context, choose?: () => Promise<FoundSecret>): Promise<LocalVault> {
  const vault = await openLocalVault(context);
  if (vault.status().state !== 'absent') {
    await unlock(context, vault);
    return vault;
  }
  const found = (await fromEnvironment(context.environment)) ?? (await choose?.());
  if (found === undefined) {
    throw new CommandError('a new vault needs something to open it with', { hint: 'run `npm run setup` at a terminal, or set TOLLFREE_PASSPHRASE_FILE, or make a key with `tollfree vault key-file FILE` and set TOLLFREE_KEY_FILE' });
  }
  await vault.create([found.secret]);
  context.words.write(`made a new vault at ${vault.status().file}; it opens with ${found.from}\n`);
  return vault;
}
