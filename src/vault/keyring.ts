/**
 * The root key and the data keys of an unlocked vault, in one slab of guarded memory.
 *
 * Layout: the root key, the subkeys made of it, then the data keys in the order of the file.
 */
import { VaultError } from './errors.ts';
import { FORMAT, VERSION, MAX_DATA_KEYS, newId, type DataKey, type StoredAccount, type VaultContent } from './format.ts';
import { createGuardedMemory } from './guarded-memory.ts';
import { derive, fillRandom, hash, KEY_BYTES, open, sameHash, seal, sealedBytes } from './primitives.ts';

/** Subkeys of the root key, by their number in the derivation and their place in the slab. */
const subkeys = { keyring: 1, check: 2, epoch: 3, audit: 4 } as const;
const FIRST_DATA_KEY = 5;

/** What a credential is sealed for. None of it can be changed without the credential becoming unreadable. */
export type Binding = Pick<StoredAccount, 'id' | 'provider' | 'origin'>;
export type SealedCredential = Pick<StoredAccount, 'dataKey' | 'sealed'>;

export interface Keyring {
  readonly keptFromSwap: boolean;
  /** As they stand in the file. */
  readonly dataKeys: readonly DataKey[];
  readonly copyRoot: (into: Buffer) => void;
  readonly seal: (binding: Binding, credential: Buffer) => SealedCredential;
  /** The caller wipes it. Throws `tampered`. */
  readonly open: (sealed: SealedCredential, binding: Binding) => Buffer;
  readonly check: (content: Omit<VaultContent, 'check'>) => string;
  readonly epochCheck: (epoch: number) => string;
  /** For the last entry of the audit log. */
  readonly auditCheck: (entry: string) => string;
  readonly wipe: () => void;
}

/** The keyring of a file. Throws `tampered` where a data key is not sealed under this root. */
export function openKeyring(vault: string, root: Buffer, dataKeys: readonly DataKey[]): Keyring {
  const memory = rootMemory(root);
  memory.write((slab) => {
    for (const [index, { id, sealed }] of dataKeys.entries()) {
      if (!open(sealed, at(slab, subkeys.keyring), dataKeyBinding(vault, id), at(slab, FIRST_DATA_KEY + index))) throw tampered('a data key');
    }
  });
  return keyringIn(memory, vault, dataKeys);
}

/** A keyring with one fresh data key. */
export function createKeyring(vault: string, root: Buffer): Keyring {
  const memory = rootMemory(root);
  const id = newId();
  const sealed = memory.write((slab) => {
    const key = at(slab, FIRST_DATA_KEY);
    fillRandom(key);
    return seal(key, at(slab, subkeys.keyring), dataKeyBinding(vault, id));
  });
  return keyringIn(memory, vault, [{ id, sealed }]);
}

type Memory = ReturnType<typeof createGuardedMemory>;

const at = (slab: Buffer, place: number): Buffer => slab.subarray(place * KEY_BYTES, (place + 1) * KEY_BYTES);

function rootMemory(root: Buffer): Memory {
  const memory = createGuardedMemory(KEY_BYTES * (FIRST_DATA_KEY + MAX_DATA_KEYS));
  memory.write((slab) => {
    root.copy(at(slab, 0));
    for (const subkey of Object.values(subkeys)) derive(root, subkey, at(slab, subkey));
  });
  return memory;
}

function keyringIn(memory: Memory, vault: string, dataKeys: readonly DataKey[]): Keyring {
  const current = dataKeys.length - 1;
  const mac = (subkey: number, value: unknown): string => memory.read((slab) => hash(value, at(slab, subkey))).toString('base64url');
  return {
    keptFromSwap: memory.keptFromSwap,
    dataKeys,
    copyRoot: (into) => {
      memory.read((slab) => {
        at(slab, 0).copy(into);
      });
    },
    seal: (binding, credential) => {
      const dataKey = dataKeys[current]?.id ?? '';
      const sealed = memory.read((slab) => seal(credential, at(slab, FIRST_DATA_KEY + current), recordBinding(vault, dataKey, binding)));
      return { dataKey, sealed };
    },
    open: ({ dataKey, sealed }, binding) => {
      const index = dataKeys.findIndex(({ id }) => id === dataKey);
      const plain = Buffer.alloc(Math.max(1, sealedBytes(sealed)));
      const opened = index >= 0 && memory.read((slab) => open(sealed, at(slab, FIRST_DATA_KEY + index), recordBinding(vault, dataKey, binding), plain));
      if (!opened) throw tampered('a credential');
      return plain;
    },
    check: (content) => mac(subkeys.check, [FORMAT, VERSION, 'check', content]),
    epochCheck: (epoch) => mac(subkeys.epoch, [FORMAT, VERSION, 'epoch', vault, epoch]),
    auditCheck: (entry) => mac(subkeys.audit, [FORMAT, VERSION, 'audit', vault, entry]),
    wipe: () => {
      memory.wipe();
    },
  };
}

/** Equal checks, in constant time. */
export const sameCheck = (left: string, right: string): boolean => sameHash(Buffer.from(left), Buffer.from(right));

const tampered = (what: string): VaultError => new VaultError('tampered', `${what} does not open with the vault's own key: it was swapped or edited`, { hint: 'restore the vault from a copy of yours, or add the account again' });

const dataKeyBinding = (vault: string, id: string): unknown => [FORMAT, VERSION, 'data key', vault, id];

const recordBinding = (vault: string, dataKey: string, { id, provider, origin }: Binding): unknown => [FORMAT, VERSION, 'record', vault, dataKey, { account: id, field: 'credential', origin, provider }];
