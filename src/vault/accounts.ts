/** The accounts in a vault's content: what may be added, and how the list is edited. No keys in sight but on their way in. */
import type { Account, Limits } from '../types.ts';
import { VaultError } from './errors.ts';
import { decodeLimits, LABEL, MAX_RECORDS, newId, ORGANIZATION, PROVIDER, type StoredAccount } from './format.ts';
import type { Keyring } from './keyring.ts';
import { originOf } from './origin.ts';

export interface NewAccount {
  readonly provider: string;
  /** `<provider>-<n>` where absent. */
  readonly label?: string;
  readonly organization?: string;
  readonly limits?: Limits;
  readonly enabled?: boolean;
  /** Where the key will be sent: a base URL or its origin. */
  readonly origin: string;
  readonly key: string;
}

/** Printable ASCII without spaces is what fits a header; shorter than eight is no key but a slip of the hand. */
const CREDENTIAL = /^[\x21-\x7e]{8,4096}$/;

export const accountOf = ({ id, provider, label, organization, limits, enabled, origin }: StoredAccount): Account => ({
  id,
  provider,
  label,
  ...(organization !== undefined && { organization }),
  ...(limits !== undefined && { limits }),
  enabled,
  origin,
});

/** The list with the new ones at its end, sealed. Throws `refused` with every mistake; all or none. */
export function withNew(accounts: readonly StoredAccount[], wanted: readonly NewAccount[], keyring: Keyring, now: number): readonly StoredAccount[] {
  const list = [...accounts];
  const mistakes: string[] = [];
  for (const [index, account] of wanted.entries()) {
    try {
      list.push(sealNew(account, list, keyring, now));
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      // One alone says best itself what to do about it.
      if (wanted.length === 1) throw error;
      mistakes.push(`account ${index + 1}: ${error.message}`);
    }
  }
  if (list.length > MAX_RECORDS) mistakes.push(`a vault holds at most ${MAX_RECORDS} accounts`);
  if (mistakes.length > 0) throw new VaultError('refused', mistakes.join('; '), { hint: 'nothing was added' });
  return list;
}

function sealNew(wanted: NewAccount, list: readonly StoredAccount[], keyring: Keyring, now: number): StoredAccount {
  const { provider, organization, limits, key } = wanted;
  if (!PROVIDER.test(provider)) throw new VaultError('refused', `${JSON.stringify(provider)} is no provider's name`);
  const label = wanted.label ?? freeLabel(provider, list);
  checkLabel(label, provider, list);
  if (organization !== undefined && !ORGANIZATION.test(organization)) throw new VaultError('refused', 'the organisation must be 1 to 128 visible characters');
  if (!CREDENTIAL.test(key)) throw new VaultError('refused', 'the key must be 8 to 4096 visible characters without spaces');
  const binding = { id: newId(), provider, origin: originOf(wanted.origin) };
  return {
    ...binding,
    label,
    ...(organization !== undefined && { organization }),
    ...(limits !== undefined && { limits: decodeLimits(limits, 'limits') }),
    enabled: wanted.enabled ?? true,
    addedAt: now,
    ...keyring.seal(binding, Buffer.from(key)),
  };
}

/** Throws `refused`. */
export function checkLabel(label: string, provider: string, list: readonly Pick<StoredAccount, 'provider' | 'label'>[]): void {
  if (!LABEL.test(label)) throw new VaultError('refused', `${JSON.stringify(label)} is no good label`, { hint: 'up to 64 letters, digits, spaces and . _ @ + -' });
  if (list.some((other) => other.provider === provider && other.label === label)) throw new VaultError('refused', `there is already an account ${provider}/${label}`, { hint: 'choose another label, or remove that account first' });
}

/** `groq-1` and so on: unique over all providers, so that it alone names the account. */
export function freeLabel(provider: string, list: readonly Pick<StoredAccount, 'label'>[]): string {
  const taken = new Set(list.map(({ label }) => label));
  let number = 1;
  while (taken.has(`${provider}-${number}`)) number += 1;
  return `${provider}-${number}`;
}

/** One account changed; the credential stays as it is sealed. Throws `refused` where there is none. */
export function withChanged(accounts: readonly StoredAccount[], id: string, change: Partial<Pick<StoredAccount, 'label' | 'enabled'>>): readonly StoredAccount[] {
  find(accounts, id);
  return accounts.map((account) => (account.id === id ? { ...account, ...change } : account));
}

export function without(accounts: readonly StoredAccount[], id: string): readonly StoredAccount[] {
  find(accounts, id);
  return accounts.filter((account) => account.id !== id);
}

export function find(accounts: readonly StoredAccount[], id: string): StoredAccount {
  const found = accounts.find((account) => account.id === id);
  if (found === undefined) throw new VaultError('refused', 'there is no such account any more');
  return found;
}

/** Every credential sealed anew, by another keyring. */
export function resealed(accounts: readonly StoredAccount[], from: Keyring, to: Keyring): readonly StoredAccount[] {
  return accounts.map((account) => {
    const plain = from.open(account, account);
    try {
      return { ...account, ...to.seal(account, plain) };
    } finally {
      plain.fill(0);
    }
  });
}
