/** Unlock slots: the root key, sealed once for each way to open the vault. */
import { VaultError } from './errors.ts';
import { FORMAT, VERSION, newId, type Slot } from './format.ts';
import { withScratch } from './guarded-memory.ts';
import { KEY_BYTES, SALT_BYTES, hash, open, randomBytes, seal, stretch, type Cost } from './primitives.ts';
import type { Secret } from './secret.ts';

/** Seals the root key for one more secret. */
export async function makeSlot(vault: string, root: Buffer, { kind, bytes }: Secret, cost: Cost): Promise<Slot> {
  const id = newId();
  const slot: Slot = kind === 'key' ? { kind, id, sealed: '' } : { kind, id, salt: randomBytes(SALT_BYTES).toString('base64url'), ...cost, sealed: '' };
  return withScratch(KEY_BYTES, async (wrapping) => {
    await wrappingKey(wrapping, vault, slot, bytes);
    return { ...slot, sealed: seal(root, wrapping, bound(vault, slot)) };
  });
}

/** Puts the root key into `root` and says which slot the secret opened. Throws `wrong-secret`, `no-memory`. */
export async function openSlots(vault: string, slots: readonly Slot[], secret: Secret, root: Buffer): Promise<Slot> {
  const fitting = slots.filter(({ kind }) => kind === secret.kind);
  for (const slot of fitting) {
    const opened = await withScratch(KEY_BYTES, async (wrapping) => {
      await wrappingKey(wrapping, vault, slot, secret.bytes);
      return open(slot.sealed, wrapping, bound(vault, slot), root);
    });
    if (opened) return slot;
  }
  const thing = secret.kind === 'key' ? 'key' : 'passphrase';
  if (fitting.length > 0) throw new VaultError('wrong-secret', `wrong ${thing}`, { hint: 'the vault is whole; try again' });
  throw new VaultError('wrong-secret', `this vault does not open with a ${thing}`, { hint: secret.kind === 'key' ? 'use its passphrase' : 'use its key file: set TOLLFREE_KEY_FILE' });
}

/** Cheaper to guess at than what is asked for today. */
export const isCheap = (slot: Slot, cost: Cost): boolean => slot.kind === 'passphrase' && (slot.ops < cost.ops || slot.memoryKiB < cost.memoryKiB);

async function wrappingKey(output: Buffer, vault: string, slot: Slot, secret: Buffer): Promise<void> {
  if (slot.kind === 'passphrase') await stretch(output, secret, Buffer.from(slot.salt, 'base64url'), slot);
  else hash([FORMAT, 'key slot', vault, slot.id], secret).copy(output);
}

/** Everything a slot says is bound to what it seals. */
function bound(vault: string, slot: Slot): unknown {
  return [FORMAT, VERSION, 'slot', vault, { ...slot, sealed: undefined }];
}
