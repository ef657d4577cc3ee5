/**
 * The vault: accounts that can be listed at any time, and credentials that open only while it is unlocked and only for
 * the destination they were sealed for.
 */
import { FailureError } from '../failure.ts';
import type { Account } from '../types.ts';
import { accountOf, checkLabel, find, resealed, withChanged, withNew, without, type NewAccount } from './accounts.ts';
import { DEFAULT_COST, type Slot, type StoredAccount } from './format.ts';
import { found } from './founding.ts';
import { wipe } from './guarded-memory.ts';
import { createKeyring } from './keyring.ts';
import { readExport, writeExport } from './portable.ts';
import { hash, sameHash, type Cost } from './primitives.ts';
import type { Secret } from './secret.ts';
import { createSession, withRoot, type Session, type State, type Unlocked } from './session.ts';
import { makeSlot } from './slots.ts';

export interface VaultOptions {
  /** Usually `<data directory>/vault.json`. Its backup, its epoch and its lock live beside it. */
  readonly file: string;
  /** Named to others while this process writes. */
  readonly pid: number;
  readonly now: () => number;
  /** Something a person should know, though all goes on. */
  readonly notice?: (message: string) => void;
  /** What a guess at a new passphrase costs. For tests: anything but the default is too little or too slow. */
  readonly cost?: Cost;
}

export interface VaultStatus {
  readonly state: 'absent' | 'locked' | 'unlocked';
  readonly file: string;
  readonly accounts: number;
  /** The ways to open it. */
  readonly unlocks: readonly Slot['kind'][];
  /** How often it was changed. 0 where there is none. */
  readonly epoch: number;
  /** While unlocked: whether the system keeps the keys from being written to swap. */
  readonly keptFromSwap?: boolean;
}

export interface Vault {
  readonly status: () => VaultStatus;
  /** As the file lists them; checked against tampering only while unlocked. */
  readonly accounts: () => readonly Account[];
  /**
   * The credential, for this origin only. The same string every time while unlocked: a copy cannot be wiped, so there
   * should be one. Throws a FailureError: `vault-locked`, or `credential` where it was sealed for somewhere else.
   */
  readonly credential: (account: Account, origin: string) => string;
  /** Makes a vault that opens with each of these secrets, and leaves it unlocked. Throws `exists`. */
  readonly create: (secrets: readonly Secret[]) => Promise<void>;
  /** Throws `missing`, `wrong-secret`, `tampered`, `rolled-back`, `no-memory`, and what reading throws: `damaged`, `newer`, `not-private`. */
  readonly unlock: (secret: Secret) => Promise<void>;
  /** Forgets the keys. A credential already handed out cannot be called back. */
  readonly lock: () => void;
  /** Takes over what another process changed; true where anything did. A new root key locks the vault. */
  readonly reload: () => Promise<boolean>;
  readonly add: (account: NewAccount) => Promise<Account>;
  /** All or none. Throws `refused` with every mistake. */
  readonly addAll: (accounts: readonly NewAccount[]) => Promise<readonly Account[]>;
  readonly remove: (id: string) => Promise<void>;
  readonly rename: (id: string, label: string) => Promise<void>;
  readonly setEnabled: (id: string, enabled: boolean) => Promise<void>;
  /** A keyed hash for the last entry of the audit log. Undefined while locked. */
  readonly vouch: (entry: string) => string | undefined;
  /** Who already holds this key for this origin. Throws `locked`. */
  readonly holderOf: (key: string, origin: string) => Account | undefined;
  /** A new data key, and every credential sealed anew. */
  readonly rotate: () => Promise<void>;
  /** A new root key, opened by these secrets alone. */
  readonly rekey: (secrets: readonly Secret[]) => Promise<void>;
  /** Replaces the way to unlock of this secret's kind; `only` drops the other kinds too. Touches no credential. */
  readonly setSecret: (secret: Secret, options?: { readonly only?: boolean }) => Promise<void>;
  /** A copy with a root key of its own, in a new file that opens with this secret. Throws `exists`. */
  readonly exportTo: (file: string, secret: Secret) => Promise<void>;
  /** Adds the accounts of an exported vault; keys that are already here are left out. */
  readonly importFrom: (file: string, secret: Secret) => Promise<{ readonly added: readonly Account[]; readonly skipped: number }>;
}

/** Reads the file, where there is one. */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { file, cost = DEFAULT_COST } = options;
  const session = createSession({ ...options, cost, notice: options.notice ?? (() => undefined) });
  await session.reload();
  const stored = (): readonly StoredAccount[] => {
    const state = session.state();
    return state.at === 'absent' ? [] : state.content.accounts;
  };
  const edit = (change: (accounts: readonly StoredAccount[]) => readonly StoredAccount[]): Promise<void> =>
    session.change(({ content }) => ({ draft: { ...content, accounts: change(content.accounts) } }));
  const credentials = createCredentials(session);

  const addAll: Vault['addAll'] = async (wanted) => {
    let added: readonly StoredAccount[] = [];
    await session.change(({ content, keyring }) => {
      const accounts = withNew(content.accounts, wanted, keyring, Math.floor(options.now()));
      added = accounts.slice(content.accounts.length);
      return { draft: { ...content, accounts } };
    });
    return added.map(accountOf);
  };
  const add: Vault['add'] = async (wanted) => {
    const [account] = await addAll([wanted]);
    if (account === undefined) throw new Error('an account that was added is missing');
    return account;
  };

  return {
    status: () => statusOf(file, session.state()),
    accounts: () => stored().map(accountOf),
    credential: credentials.of,
    create: session.create,
    unlock: session.unlock,
    lock: () => {
      session.lock();
      credentials.forget();
    },
    reload: session.reload,
    add,
    addAll,
    remove: (id) => edit((accounts) => without(accounts, id)),
    rename: (id, label) => edit((accounts) => renamed(accounts, id, label)),
    setEnabled: (id, enabled) => edit((accounts) => withChanged(accounts, id, { enabled })),
    holderOf: (key, origin) => {
      const holder = holderOf(session.unlocked(), key, origin);
      return holder && accountOf(holder);
    },
    vouch: (entry) => {
      const state = session.state();
      return state.at === 'unlocked' ? state.keyring.auditCheck(entry) : undefined;
    },
    rotate: () =>
      session.change(({ content, keyring: old }) =>
        withRoot(old, (root) => {
          const keyring = createKeyring(content.id, root);
          return { draft: { ...content, keyring: keyring.dataKeys, accounts: resealed(content.accounts, old, keyring) }, keyring };
        }),
      ),
    rekey: (secrets) =>
      session.change(async ({ content, keyring: old }) => ({ ...(await found({ id: content.id, secrets, cost, heritage: { accounts: content.accounts, keyring: old } })), backup: 'same' })),
    setSecret: (secret, { only = false } = {}) =>
      session.change(async ({ content, keyring }) => {
        const slot = await withRoot(keyring, (root) => makeSlot(content.id, root, secret, cost));
        const others = only ? [] : content.slots.filter(({ kind }) => kind !== secret.kind);
        return { draft: { ...content, slots: [...others, slot] }, backup: 'same' };
      }),
    exportTo: (path, secret) => writeExport(path, { secret, cost, from: session.unlocked() }),
    importFrom: async (path, secret) => {
      const here = session.unlocked();
      const found = await readExport(path, secret);
      const fresh = found.filter(({ key, origin }) => holderOf(here, key, origin) === undefined);
      return { added: await addAll(fresh.map((account) => withFreeLabel(account, stored()))), skipped: found.length - fresh.length };
    },
  };
}

function statusOf(file: string, state: State): VaultStatus {
  if (state.at === 'absent') return { state: 'absent', file, accounts: 0, unlocks: [], epoch: 0 };
  const { accounts, slots, epoch } = state.content;
  return { state: state.at, file, accounts: accounts.length, unlocks: slots.map(({ kind }) => kind), epoch, ...(state.at === 'unlocked' && { keptFromSwap: state.keyring.keptFromSwap }) };
}

function renamed(accounts: readonly StoredAccount[], id: string, label: string): readonly StoredAccount[] {
  const others = accounts.filter((account) => account.id !== id);
  checkLabel(label, find(accounts, id).provider, others);
  return withChanged(accounts, id, { label });
}

/** An imported label that is taken gets the next free one instead: nobody should have to edit a sealed file. */
function withFreeLabel({ label, ...account }: NewAccount, accounts: readonly StoredAccount[]): NewAccount {
  const taken = label === undefined || accounts.some((other) => other.provider === account.provider && other.label === label);
  return taken ? account : { ...account, label };
}

function holderOf({ content, keyring }: Unlocked, key: string, origin: string): StoredAccount | undefined {
  const wanted = hash(key);
  return content.accounts.find((account) => {
    if (account.origin !== origin) return false;
    const plain = keyring.open(account, account);
    const same = sameHash(hash(plain.toString('latin1')), wanted);
    wipe(plain);
    return same;
  });
}

/** Opens credentials, each once: copies of a string cannot be wiped, so there should be one. */
function createCredentials(session: Session): { readonly of: Vault['credential']; readonly forget: () => void } {
  const opened = new Map<string, string>();
  const known: { list: readonly StoredAccount[]; byId: ReadonlyMap<string, StoredAccount> } = { list: [], byId: new Map() };

  const lookUp = (list: readonly StoredAccount[], wanted: string): StoredAccount | undefined => {
    if (known.list !== list) {
      Object.assign(known, { list, byId: new Map(list.map((account) => [account.id, account])) });
      for (const id of opened.keys()) if (!known.byId.has(id)) opened.delete(id);
    }
    return known.byId.get(wanted);
  };

  return {
    forget: () => {
      opened.clear();
    },
    of: ({ id, provider, label }, origin) => {
      const state = session.state();
      if (state.at !== 'unlocked') {
        opened.clear();
        throw new FailureError({ kind: 'vault-locked', message: 'the vault is locked; the operator can unlock it with POST /admin/vault/unlock' });
      }
      const account = lookUp(state.content.accounts, id);
      if (account === undefined) throw new FailureError({ kind: 'credential', message: `${provider}/${label} is no longer in the vault` });
      // The cipher would refuse as well; this one can say why.
      if (account.origin !== origin || account.provider !== provider) throw new FailureError({ kind: 'credential', message: `the key of ${provider}/${label} was not sealed for ${origin}; add it again to use it there` });
      const credential = opened.get(id) ?? readable(state.keyring.open(account, { id, provider, origin }));
      opened.set(id, credential);
      return credential;
    },
  };
}

function readable(plain: Buffer): string {
  const credential = plain.toString('latin1');
  wipe(plain);
  return credential;
}
