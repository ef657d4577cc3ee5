/** What an operator does with accounts while the daemon runs. */
import { unknownProvider } from '../config/accounts-file.ts';
import { FailureError, failureOf } from '../failure.ts';
import type { AccountCheck, AccountDesk } from '../http/admin-accounts.ts';
import type { Inquiry } from '../providers/inquire.ts';
import type { Account, Catalogue, Fact, Provider } from '../types.ts';
import type { DaemonVault } from './open-vault.ts';

export interface AccountDeskOptions {
  readonly vault: DaemonVault;
  readonly catalogue: () => Catalogue;
  readonly inquiry: Inquiry;
  /** Hears what a key's own endpoint says of its limits. */
  readonly learn: (accountId: string, facts: readonly Fact[]) => void;
  /** Hears that a key was found good: what suspended its account is over. */
  readonly foundGood: (accountId: string) => void;
}

export function createAccountDesk({ vault, catalogue, inquiry, learn, foundGood }: AccountDeskOptions): AccountDesk {
  const providerOf = (name: string): Provider => {
    const { providers } = catalogue();
    const provider = providers.get(name);
    if (provider === undefined) throw new FailureError({ kind: 'invalid-request', param: 'provider', message: unknownProvider(name, providers) });
    return provider;
  };
  const accountOf = (id: string): Account => {
    const account = vault.accounts().find((one) => one.id === id);
    if (account === undefined) throw new FailureError({ kind: 'not-found', message: `there is no account ${JSON.stringify(id)}` });
    return account;
  };
  const ask = async (provider: Provider, key: string): Promise<AccountCheck & { readonly facts: readonly Fact[] }> => {
    try {
      return await inquiry.checkKey(provider, key);
    } catch (error) {
      return { ok: false, message: `${provider.title} could not be asked: ${failureOf(error).message}`, facts: [] };
    }
  };

  return {
    async add({ check: wantsCheck, ...wanted }) {
      const provider = providerOf(wanted.provider);
      const key = wanted.key.trim();
      const holder = await vault.change(async ({ holderOf }) => holderOf(key, new URL(provider.baseUrl).origin));
      if (holder !== undefined) throw new FailureError({ kind: 'invalid-request', param: 'key', message: `this key is in the vault already, as ${holder.provider}/${holder.label}; one key is one quota, however often it is added` });
      const check = wantsCheck ? await ask(provider, key) : undefined;
      if (check?.ok === false) throw new FailureError({ kind: 'invalid-request', param: 'key', message: `${check.message}; nothing was added` });
      const account = await vault.change(({ add }) => add({ ...wanted, key, origin: provider.baseUrl }));
      if (check !== undefined) learn(account.id, check.facts);
      return { account, ...(check && { check: tell(check) }) };
    },
    async test(id) {
      const account = accountOf(id);
      const provider = providerOf(account.provider);
      const check = await ask(provider, vault.credential(account, new URL(provider.baseUrl).origin));
      learn(id, check.facts);
      // Where there is no way to ask, nothing was found.
      if (check.ok && provider.keyCheckPath !== undefined) foundGood(id);
      return tell(check);
    },
    async change(id, { enabled, label }) {
      const account = accountOf(id);
      await vault.change(async ({ setEnabled, rename }) => {
        if (label !== undefined && label !== account.label) await rename(id, label);
        if (enabled !== undefined && enabled !== account.enabled) await setEnabled(id, enabled);
      });
      return accountOf(id);
    },
    async remove(id) {
      accountOf(id);
      await vault.change(({ remove }) => remove(id));
    },
  };
}

const tell = ({ ok, message, tier }: AccountCheck): AccountCheck => ({ ok, message, ...(tier !== undefined && { tier }) });
