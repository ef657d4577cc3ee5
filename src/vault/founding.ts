/** A new root key with everything under it: how a vault begins, is rekeyed, and is exported. */
import { resealed } from './accounts.ts';
import { VaultError } from './errors.ts';
import { newId, MAX_SLOTS, type Slot, type StoredAccount, type VaultContent } from './format.ts';
import { withScratch } from './guarded-memory.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { fillRandom, KEY_BYTES, type Cost } from './primitives.ts';
import type { Secret } from './secret.ts';
import { makeSlot } from './slots.ts';

/** A vault's content before it is counted and checked. */
export type Draft = Omit<VaultContent, 'epoch' | 'check'>;

export interface Founding {
  /** The vault's id. */
  readonly id: string;
  readonly secrets: readonly Secret[];
  readonly cost: Cost;
  /** Accounts to take along, and the keyring they are sealed by. */
  readonly heritage?: { readonly accounts: readonly StoredAccount[]; readonly keyring: Keyring };
}

export function found({ id, secrets, cost, heritage }: Founding): Promise<{ readonly draft: Draft; readonly keyring: Keyring }> {
  if (secrets.length === 0 || secrets.length > MAX_SLOTS) throw new VaultError('refused', `a vault opens in one to ${MAX_SLOTS} ways`);
  return withScratch(KEY_BYTES, async (root) => {
    fillRandom(root);
    const slots: Slot[] = [];
    for (const secret of secrets) slots.push(await makeSlot(id, root, secret, cost));
    const keyring = createKeyring(id, root);
    const accounts = heritage === undefined ? [] : resealed(heritage.accounts, heritage.keyring, keyring);
    return { draft: { id, root: newId(), slots, keyring: keyring.dataKeys, accounts }, keyring };
  });
}

/** The content as it is written: counted, and checked as a whole. */
export function sealed(draft: Draft, epoch: number, keyring: Keyring): VaultContent {
  const { id, root, slots, keyring: dataKeys, accounts } = draft;
  const content = { id, epoch, root, slots, keyring: dataKeys, accounts };
  return { ...content, check: keyring.check(content) };
}
