/** docs/vault-format.md, held against the code: its vectors, its sample, its figures. */
import { describe, expect, test } from '@jest/globals';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { canonical } from '../../src/vault/canonical.ts';
import { DEFAULT_COST, MAX_COST, MAX_DATA_KEYS, MAX_RECORDS, MAX_SLOTS, MIN_COST } from '../../src/vault/format.ts';
import { decodeEnvelope, encodeEnvelope } from '../../src/vault/private-file.ts';
import { derive, hash, KEY_BYTES, open, seal, stretch } from '../../src/vault/primitives.ts';
import { keyOf, passphrase } from '../../src/vault/secret.ts';
import { createWorkplace } from './workplace.ts';

interface Vectors {
  readonly canonical: readonly { readonly value: unknown; readonly bytes: string }[];
  readonly digest: { readonly format: string; readonly version: number; readonly content: unknown; readonly digest: string };
  readonly subkeys: { readonly root: string; readonly keyring: string; readonly check: string; readonly epoch: string };
  readonly passphraseSlot: { readonly passphrase: string; readonly salt: string; readonly ops: number; readonly memoryKiB: number; readonly wrappingKey: string };
  readonly keySlot: { readonly key: string; readonly vault: string; readonly slot: string; readonly wrappingKey: string };
  readonly record: { readonly dataKey: string; readonly nonce: string; readonly credential: string; readonly associatedData: unknown; readonly sealed: string };
}

const page = await readFile(new URL('../../docs/vault-format.md', import.meta.url), 'utf8');
const block = (name: string): string => new RegExp(`\`\`\`json ${name}\n(.*?)\`\`\``, 's').exec(page)?.[1] ?? '';
const vectors = JSON.parse(block('vectors')) as Vectors;
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('the published vectors', () => {
  test('canonical form', () => {
    for (const { value, bytes } of vectors.canonical) expect(canonical(value).toString('hex')).toBe(bytes);
  });

  test('digest', () => {
    const { format, version, content, digest } = vectors.digest;
    expect(JSON.parse(encodeEnvelope(content, { format, version }))).toEqual({ format, version, digest, content });
    expect(decodeEnvelope(JSON.stringify(vectors.digest), { path: 'vector', format, version, decode: (decoded) => decoded })).toEqual(content);
  });

  test('subkeys', () => {
    const { root, ...subkeys } = vectors.subkeys;
    const made = [1, 2, 3].map((number) => {
      const output = Buffer.alloc(KEY_BYTES);
      derive(hex(root), number, output);
      return output.toString('hex');
    });
    expect(made).toEqual([subkeys.keyring, subkeys.check, subkeys.epoch]);
  });

  test('slots', async () => {
    const { passphrase: words, salt, ops, memoryKiB, wrappingKey } = vectors.passphraseSlot;
    const output = Buffer.alloc(KEY_BYTES);
    await stretch(output, passphrase(words).bytes, Buffer.from(salt, 'base64url'), { ops, memoryKiB });
    expect(output.toString('hex')).toBe(wrappingKey);
    const { key, vault, slot, wrappingKey: fromKey } = vectors.keySlot;
    expect(hash(['tollfree-vault', 'key slot', vault, slot], hex(key)).toString('hex')).toBe(fromKey);
  });

  test('a record', () => {
    const { dataKey, nonce, credential, associatedData, sealed } = vectors.record;
    expect(seal(Buffer.from(credential), hex(dataKey), associatedData, hex(nonce))).toBe(sealed);
    const plain = Buffer.alloc(credential.length);
    expect(open(sealed, hex(dataKey), associatedData, plain)).toBe(true);
    expect(plain.toString()).toBe(credential);
  });
});

test.each([
  ['passphrase', passphrase('correct horse battery staple')],
  ['key', keyOf('tollfree-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8')],
])('the published vault opens with its %s', async (_, secret) => {
  const workplace = await createWorkplace();
  await writeFile(workplace.file, block('vault'));
  await chmod(workplace.file, 0o600);
  const vault = await workplace.open();
  if (secret === undefined) throw new Error('the key is no key');
  await vault.unlock(secret);
  const [account] = vault.accounts();
  expect(account).toMatchObject({ provider: 'groq', label: 'work', organization: 'acme', origin: 'https://api.groq.com' });
  expect(account && vault.credential(account, account.origin)).toBe('gsk_example_key');
});

const mib = (kib: number): string => (kib < 1024 * 1024 ? `${kib / 1024} MiB` : `${kib / 1024 / 1024} GiB`);

test('the page names the bounds of the code', () => {
  for (const claim of [
    `cost ${DEFAULT_COST.ops} operations over ${mib(DEFAULT_COST.memoryKiB)}`,
    `fewer than ${MIN_COST.ops} operations or ${mib(MIN_COST.memoryKiB)}, and more than ${MAX_COST.ops} or ${mib(MAX_COST.memoryKiB)}`,
    `one to ${MAX_SLOTS} ways`,
    `one to ${MAX_DATA_KEYS} data keys`,
    `up to ${MAX_RECORDS.toLocaleString('en-US')}`,
  ]) {
    expect(page.replaceAll(/\s+/g, ' ')).toContain(claim);
  }
});
