/** What somebody with a pen but no key can do to the file: nothing that goes unnoticed. */
import { describe, expect, test } from '@jest/globals';
import { assert, jsonValue, property } from 'fast-check';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { canonical } from '../../src/vault/canonical.ts';
import { decodeContent, type StoredAccount, type VaultContent } from '../../src/vault/format.ts';
import { createKeyring } from '../../src/vault/keyring.ts';
import { decodeEnvelope } from '../../src/vault/private-file.ts';
import { randomBytes } from '../../src/vault/primitives.ts';
import { passphrase } from '../../src/vault/secret.ts';
import { cerebras, createWorkplace, furnish, groq, newKey, type Workplace } from './workplace.ts';

const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

const read = (text: string): VaultContent => decodeEnvelope(text, { path: 'vault', format: 'tollfree-vault', version: 1, decode: decodeContent });

const refuses = async (workplace: Workplace, key: ReturnType<typeof newKey>): Promise<string> => {
  await rm(`${workplace.file}.bak`, { force: true });
  const vault = await workplace.open();
  const refused: unknown = await vault.unlock(key).then(() => undefined, (error: unknown) => error);
  return typeof refused === 'object' && refused !== null && 'kind' in refused ? String(refused.kind) : 'accepted';
};

describe('every single bit', () => {
  test('of the file: refused before any key is asked for', async () => {
    const workplace = await createWorkplace();
    await furnish(workplace, [cerebras]);
    const file = Buffer.from(await workplace.text());
    expect(read(file.toString())).toEqual(await workplace.content());
    const accepted = [];
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      try {
        read(flipped(file, bit).toString());
        accepted.push(bit);
      } catch {
        // as it should be
      }
    }
    expect(accepted).toEqual([]);
  });

  test('of a sealed credential, and of everything it is bound to', () => {
    const keyring = createKeyring('vault', randomBytes(32));
    const binding = { id: 'account', provider: 'groq', origin: 'https://api.groq.com' };
    const record = keyring.seal(binding, Buffer.from(groq.key));
    expect(keyring.open(record, binding).toString()).toBe(groq.key);
    const sealed = Buffer.from(record.sealed, 'base64url');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      expect(() => keyring.open({ ...record, sealed: flipped(sealed, bit).toString('base64url') }, binding)).toThrow(/swapped or edited/);
    }
    for (const field of ['id', 'provider', 'origin'] as const) {
      const value = Buffer.from(binding[field]);
      for (let bit = 0; bit < value.length * 8; bit += 1) {
        expect(() => keyring.open(record, { ...binding, [field]: flipped(value, bit).toString('latin1') })).toThrow(/swapped or edited|Unicode/);
      }
    }
    expect(() => keyring.open({ ...record, dataKey: 'another' }, binding)).toThrow();
    expect(() => keyring.open({ ...record, sealed: record.sealed.slice(0, -2) }, binding)).toThrow();
    expect(() => keyring.open({ ...record, sealed: '' }, binding)).toThrow();
  });
});

const swapSealed = ([first, second, ...rest]: readonly StoredAccount[]): unknown[] => (first === undefined || second === undefined ? [] : [{ ...first, sealed: second.sealed }, { ...second, sealed: first.sealed }, ...rest]);
const first = (change: Partial<StoredAccount>) => (content: VaultContent) => ({ ...content, accounts: content.accounts.map((account, index) => (index === 0 ? { ...account, ...change } : account)) });

describe('an edit by hand, with the digest made to fit', () => {
  const edits: readonly (readonly [string, (content: VaultContent) => unknown, string])[] = [
    ['a record dropped', (content) => ({ ...content, accounts: content.accounts.slice(1) }), 'tampered'],
    ['a record doubled', (content) => ({ ...content, accounts: [...content.accounts, content.accounts[0]] }), 'tampered'],
    ['records moved', (content) => ({ ...content, accounts: content.accounts.toReversed() }), 'tampered'],
    ['credentials swapped', (content) => ({ ...content, accounts: swapSealed(content.accounts) }), 'tampered'],
    ['another destination', first({ origin: 'https://evil.example' }), 'tampered'],
    ['another provider', first({ provider: 'openai' }), 'tampered'],
    ['another label', first({ label: 'mine' }), 'tampered'],
    ['a disabled account enabled', first({ enabled: false }), 'tampered'],
    ['limits lifted', first({ limits: { windows: [] } }), 'tampered'],
    ['another organisation', first({ organization: 'other' }), 'tampered'],
    ['a higher epoch', (content) => ({ ...content, epoch: content.epoch + 1 }), 'tampered'],
    ['another check', (content) => ({ ...content, check: 'A'.repeat(43) }), 'tampered'],
    ['another root name', (content) => ({ ...content, root: 'A'.repeat(22) }), 'tampered'],
    ['a data key swapped', (content) => ({ ...content, keyring: content.keyring.map((dataKey) => ({ ...dataKey, sealed: 'A'.repeat(96) })) }), 'tampered'],
    ['a data key renamed', (content) => ({ ...content, keyring: content.keyring.map((dataKey) => ({ ...dataKey, id: 'A'.repeat(22) })) }), 'tampered'],
    ['another vault id', (content) => ({ ...content, id: 'A'.repeat(22) }), 'wrong-secret'],
    ['a slot renamed', (content) => ({ ...content, slots: content.slots.map((slot) => ({ ...slot, id: 'A'.repeat(22) })) }), 'wrong-secret'],
    ['the slots doubled', (content) => ({ ...content, slots: [...content.slots, ...content.slots] }), 'tampered'],
  ];

  test.each(edits)('%s', async (_, change, kind) => {
    const workplace = await createWorkplace();
    const { key } = await furnish(workplace);
    await workplace.edit(change);
    expect(await refuses(workplace, key)).toBe(kind);
  });

  test('a slot that asks for less than it was made with opens nothing', async () => {
    const workplace = await createWorkplace();
    const vault = await workplace.open({ ops: 3, memoryKiB: 32 * 1024 });
    await vault.create([passphrase('correct horse')]);
    await workplace.edit((content) => ({ ...content, slots: content.slots.map((slot) => ({ ...slot, ops: 2 })) }));
    await expect((await workplace.open()).unlock(passphrase('correct horse'))).rejects.toMatchObject({ kind: 'wrong-secret' });
  });

  test('a running daemon keeps what it had and takes nothing over', async () => {
    const workplace = await createWorkplace();
    const { vault } = await furnish(workplace);
    const before = vault.accounts();
    await workplace.edit(first({ origin: 'https://evil.example' }));
    await expect(vault.reload()).rejects.toMatchObject({ kind: 'tampered' });
    await expect(vault.rotate()).rejects.toMatchObject({ kind: 'tampered' });
    expect(vault.accounts()).toEqual(before);
    expect(vault.credential(before[0] ?? never(), groq.origin)).toBe(groq.key);
  });

  test('records of another vault with the same key file', async () => {
    const [one, other] = [await createWorkplace(), await createWorkplace()];
    const key = newKey();
    for (const workplace of [one, other]) {
      const vault = await workplace.open();
      await vault.create([key]);
      await vault.add(groq);
    }
    const stolen = await other.content();
    await one.edit((content) => ({ ...content, accounts: stolen.accounts }));
    expect(await refuses(one, key)).toBe('tampered');
  });
});

describe('an older vault in place of the newest', () => {
  test('is noticed by the epoch, and accepted only on purpose', async () => {
    const workplace = await createWorkplace();
    const { vault, key } = await furnish(workplace, [groq]);
    await copyFile(workplace.file, `${workplace.file}.old`);
    await vault.add(cerebras);
    await vault.remove(vault.accounts()[0]?.id ?? '');
    await copyFile(`${workplace.file}.old`, workplace.file);
    await expect(vault.reload()).rejects.toMatchObject({ kind: 'rolled-back' });
    const again = await workplace.open();
    await expect(again.unlock(key)).rejects.toMatchObject({ kind: 'rolled-back', message: expect.stringContaining('change 2, where 4 was seen') as unknown });
    await rm(`${workplace.file}.epoch`);
    await again.unlock(key);
    expect(workplace.notices.join()).toContain('an older copy could not be told');
    expect(again.accounts().map(({ provider }) => provider)).toEqual(['groq']);
  });

  test('an epoch nobody vouches for counts as none', async () => {
    const workplace = await createWorkplace();
    const { key } = await furnish(workplace);
    for (const forged of [`999 ${'A'.repeat(43)}\n`, 'nonsense', '']) {
      await writeFile(`${workplace.file}.epoch`, forged);
      await (await workplace.open()).unlock(key);
    }
  });
});

describe('the canonical form', () => {
  test('two values share it only if JSON cannot tell them apart', () => {
    assert(
      property(jsonValue({ maxDepth: 4 }), jsonValue({ maxDepth: 4 }), (left, right) => {
        const same = canonical(left).equals(canonical(right));
        expect(same).toBe(sorted(left) === sorted(right));
      }),
    );
  });

  test('borders do not blur', () => {
    const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], [['ab', 'c']], [1], ['1'], [null], [], {}, [[]], [{}], { a: 'b' }, ['a', 'b'], [true], ['t']];
    expect(new Set(lists.map((value) => canonical(value).toString('hex'))).size).toBe(lists.length);
  });

  test('what has no such form is refused', () => {
    for (const value of [Number.NaN, Infinity, '\ud800', { '\udc00': 1 }, undefined, () => 1, 1n]) expect(() => canonical(value)).toThrow();
  });
});

/** JSON with its keys in order; -0 is 0 there too. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1))) : inner));
}

const never = (): never => {
  throw new Error('there is no account');
};
