/** A vault whose every act is written down, whoever does it: a command, a route or the daemon itself. */
import type { Account } from '../types.ts';
import { VaultError } from '../vault/errors.ts';
import type { Vault } from '../vault/vault.ts';
import type { Act } from './chain.ts';

export type RecordAct = (act: Act) => Promise<void>;

const nameOf = ({ provider, label }: Pick<Account, 'provider' | 'label'>): string => `${provider}/${label}`;

/** `by`: who uses it. */
export function auditedVault(vault: Vault, by: string, record: RecordAct): Vault {
  /** What was tried and refused is written down as well; nothing that was only looked up. */
  const told = async <T>(act: string, job: () => Promise<T>, on: (result: T | undefined) => readonly string[] = () => []): Promise<T> => {
    try {
      const result = await job();
      await record(actOf(by, act, on(result)));
      return result;
    } catch (error) {
      await record({ ...actOf(by, act, on(undefined)), result: error instanceof VaultError ? error.kind : 'failed' });
      throw error;
    }
  };
  const byId = (id: string): readonly string[] => vault.accounts().filter((account) => account.id === id).map(nameOf);
  /** Named before it is gone. */
  const toldOf = (act: string, id: string, job: () => Promise<void>, more: readonly string[] = []): Promise<void> => {
    const names = [...byId(id), ...more];
    return told(act, job, () => names);
  };

  return {
    ...vault,
    create: (secrets) => told('vault made', () => vault.create(secrets)),
    unlock: (secret) => told('vault unlocked', () => vault.unlock(secret)),
    add: (account) => told('account added', () => vault.add(account), (added) => [added === undefined ? account.provider : nameOf(added)]),
    addAll: (accounts) => told('accounts added', () => vault.addAll(accounts), (added = []) => added.map(nameOf)),
    remove: (id) => toldOf('account removed', id, () => vault.remove(id)),
    rename: (id, label) => toldOf('account renamed', id, () => vault.rename(id, label), [label]),
    setEnabled: (id, enabled) => toldOf(enabled ? 'account enabled' : 'account disabled', id, () => vault.setEnabled(id, enabled)),
    rotate: () => told('data key rotated', () => vault.rotate()),
    rekey: (secrets) => told('root key renewed', () => vault.rekey(secrets), () => secrets.map(({ kind }) => kind)),
    setSecret: (secret, options) => told('way to unlock changed', () => vault.setSecret(secret, options), () => [options?.only === true ? `${secret.kind} only` : secret.kind]),
    exportTo: (file, secret) => told('accounts exported', () => vault.exportTo(file, secret), () => [file]),
    importFrom: (file, secret) => told('accounts imported', () => vault.importFrom(file, secret), (result) => [file, ...(result?.added.map(nameOf) ?? [])]),
  };
}

const actOf = (by: string, act: string, on: readonly string[]): Act => ({ by, act, ...(on.length > 0 && { on }) });
