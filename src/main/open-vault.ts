/** The vault as the daemon holds it: opened at start, read again when somebody changes it. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createAuditLog } from '../audit/audit-log.ts';
import { auditedVault } from '../audit/audited-vault.ts';
import type { RecordAct } from '../audit/audited-vault.ts';
import { createCredentialUses } from '../audit/credential-uses.ts';
import type { AdminVaultOptions } from '../http/admin-vault.ts';
import type { Account, Emit } from '../types.ts';
import { findUnlock } from '../vault/find-unlock.ts';
import { VaultError } from '../vault/errors.ts';
import { passphrase } from '../vault/secret.ts';
import { openVault } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import { auditTrail } from './audit-trail.ts';
import { asFailure } from './vault-failure.ts';

export interface DaemonVault {
  readonly accounts: () => readonly Account[];
  readonly credential: Vault['credential'];
  /** Nothing is locked away: the keys are in memory, or there is no vault yet. */
  readonly unlocked: () => boolean;
  readonly status: Vault['status'];
  /** By hand: it stays locked until somebody unlocks it by hand. */
  readonly lock: () => void;
  /** Throws a FailureError, as `change` and `rotate` do. */
  readonly unlock: (words: string) => Promise<void>;
  readonly rotate: () => Promise<void>;
  /** Whatever `act` does to the vault, the accounts follow. */
  readonly change: <T>(act: (vault: Vault) => Promise<T>) => Promise<T>;
  /** Takes over what other processes change from now on, and calls back when the accounts are others than before. */
  readonly follow: (changed: () => void) => void;
  /** Writes into the audit log what is done to other things than the vault. */
  readonly audit: RecordAct;
  /** Whether the audit log is whole, and its newest entries first. */
  readonly auditTrail: AdminVaultOptions['vault']['auditTrail'];
  readonly close: () => Promise<void>;
}

export interface DaemonVaultOptions {
  readonly file: string;
  readonly pid: number;
  readonly now: () => number;
  readonly environment: NodeJS.ProcessEnv;
  /** Asks a person, hidden; given where there is a terminal. */
  readonly prompt?: () => Promise<string | undefined>;
  readonly emit: Emit;
}

/** Several files change in one save: the lock, the vault, its backup. */
const SETTLE_MS = 50;
/** A line an hour and not one a request; a kill loses no more than an hour's counts, and the record has those. */
const USES_MS = 3_600_000;

export async function openDaemonVault({ file, pid, now, environment, prompt, emit }: DaemonVaultOptions): Promise<DaemonVault> {
  const tell = (level: 'info' | 'warn' | 'error', message: string): void => emit({ type: 'notice', level, message });
  const bare = await openVault({ file, pid, now, notice: (message) => tell('warn', message) });
  const auditPath = join(dirname(file), 'audit.log');
  const onTrouble = (problem: string | undefined): void =>
    emit({ type: 'notice', part: 'audit log', ...(problem === undefined ? { level: 'info', message: `${auditPath} is written again, with all that waited` } : { level: 'error', message: problem }) });
  const audit = createAuditLog({ path: auditPath, pid, now, vouch: bare.vouch, notice: (message) => tell('error', message), onTrouble });
  const vault = auditedVault(bare, 'daemon', audit.record);
  const uses = createCredentialUses(audit.record);
  const counting = setInterval(() => void uses.flush(), USES_MS).unref();

  const unlockFrom = async (ask?: () => Promise<string | undefined>): Promise<void> => {
    const { state, unlocks } = vault.status();
    if (state !== 'locked') return;
    const found = await findUnlock({ environment, unlocks, ...(ask && { prompt: ask }) });
    if (found === undefined) return tell('warn', 'the vault is locked; unlock it with POST /admin/vault/unlock');
    await vault.unlock(found.secret);
    tell('info', `the vault was unlocked by ${found.from}`);
    if (vault.status().keptFromSwap === false) tell('warn', 'keys in memory may reach swap: the memlock limit is too low (ulimit -l)');
  };
  await unlockFrom(prompt);
  const { problem } = audit.check();
  if (problem !== undefined) tell('error', `the audit log is not whole: ${problem}`);

  const byHand = { locked: false };
  const following: { changed: () => void; timer?: NodeJS.Timeout; watcher?: FSWatcher } = { changed: () => undefined };
  const reload = async (): Promise<void> => {
    try {
      if (!(await vault.reload())) return;
      if (!byHand.locked) await unlockFrom();
      following.changed();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      tell('warn', `${error.message}; the accounts stay as they were`);
    }
  };

  const change: DaemonVault['change'] = async (act) => {
    const result = await asFailure(() => act(vault));
    following.changed();
    return result;
  };

  return {
    accounts: () => vault.accounts(),
    credential(account, origin) {
      const credential = vault.credential(account, origin);
      uses.used(account);
      return credential;
    },
    unlocked: () => vault.status().state !== 'locked',
    status: () => vault.status(),
    auditTrail: async (page) => ({ ...(await auditTrail(auditPath, page)), ...audit.check() }),
    lock() {
      byHand.locked = true;
      vault.lock();
      tell('warn', 'the vault was locked');
    },
    async unlock(words) {
      await change(async ({ unlock }) => unlock(passphrase(words)));
      byHand.locked = false;
      tell('info', 'the vault was unlocked by hand');
    },
    rotate: () => change(({ rotate }) => rotate()),
    change,
    follow(changed) {
      following.changed = changed;
      following.watcher = watch(dirname(file), (_event, name) => {
        if (name !== basename(file)) return;
        clearTimeout(following.timer);
        following.timer = setTimeout(() => void reload(), SETTLE_MS);
      });
    },
    audit: audit.record,
    async close() {
      clearTimeout(following.timer);
      clearInterval(counting);
      following.watcher?.close();
      await uses.flush();
      vault.lock();
    },
  };
}
