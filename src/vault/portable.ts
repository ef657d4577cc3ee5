/** Taking accounts elsewhere: an export is a vault of its own, with its own root key, in a file that opens with another secret. */
import { stat } from 'node:fs/promises';
import { systemCode } from '../files.ts';
import type { NewAccount } from './accounts.ts';
import { writeDurably } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { decodeContent, FORMAT, MAX_FILE_BYTES, newId, VERSION } from './format.ts';
import { found, sealed } from './founding.ts';
import { wipe, withScratch } from './guarded-memory.ts';
import { openKeyring } from './keyring.ts';
import { decodeEnvelope, encodeEnvelope, readBounded } from './private-file.ts';
import { KEY_BYTES, type Cost } from './primitives.ts';
import type { Secret } from './secret.ts';
import { verify, type Unlocked } from './session.ts';
import { openSlots } from './slots.ts';

export interface ExportOptions {
  readonly secret: Secret;
  readonly cost: Cost;
  readonly from: Unlocked;
}

/** Throws `exists`, `disk`. */
export async function writeExport(path: string, { secret, cost, from }: ExportOptions): Promise<void> {
  const there = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (there !== undefined) throw new VaultError('exists', `${path} exists already`, { hint: 'choose another name' });
  const { draft, keyring } = await found({ id: newId(), secrets: [secret], cost, heritage: { accounts: from.content.accounts, keyring: from.keyring } });
  const content = sealed(draft, 1, keyring);
  keyring.wipe();
  await writeDurably(path, encodeEnvelope(content, { format: FORMAT, version: VERSION }), 'untouched');
}

/** The accounts with their keys. Throws what unlocking a vault throws. */
export async function readExport(path: string, secret: Secret): Promise<readonly NewAccount[]> {
  const text = await readBounded(path, { maxBytes: MAX_FILE_BYTES, follow: true });
  if (text === undefined) throw new VaultError('missing', `there is no ${path}`);
  const content = decodeEnvelope(text, { path, format: FORMAT, version: VERSION, decode: decodeContent });
  return withScratch(KEY_BYTES, async (root) => {
    await openSlots(content.id, content.slots, secret, root);
    const keyring = openKeyring(content.id, root, content.keyring);
    try {
      verify(content, keyring);
      return content.accounts.map((account) => {
        const { provider, label, organization, limits, enabled, origin } = account;
        const plain = keyring.open(account, account);
        const key = plain.toString('latin1');
        wipe(plain);
        return { provider, label, ...(organization !== undefined && { organization }), ...(limits !== undefined && { limits }), enabled, origin, key };
      });
    } finally {
      keyring.wipe();
    }
  });
}
