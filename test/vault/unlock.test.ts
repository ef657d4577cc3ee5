import { describe, expect, test } from '@jest/globals';
import { chmod, chown, mkdir, symlink, rename } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { DEFAULT_COST, MAX_COST, MIN_COST, type VaultContent } from '../../src/vault/format.ts';
import { encodeEnvelope } from '../../src/vault/private-file.ts';
import { SALT_BYTES, stretch } from '../../src/vault/primitives.ts';
import { newPassphrase, passphrase } from '../../src/vault/secret.ts';
import { createWorkplace, furnish, groq, newKey } from './workplace.ts';

describe('what goes wrong at unlocking has a name', () => {
  test('a wrong passphrase, a wrong key, the wrong kind', async () => {
    const workplace = await createWorkplace();
    const { vault } = await furnish(workplace);
    await expect(vault.unlock(newKey())).rejects.toMatchObject({ kind: 'wrong-secret', message: 'wrong key' });
    await expect(vault.unlock(passphrase('correct horse'))).rejects.toMatchObject({ kind: 'wrong-secret', message: 'this vault does not open with a passphrase' });
    await vault.setSecret(passphrase('correct horse'));
    await expect(vault.unlock(passphrase('wrong horse'))).rejects.toMatchObject({ kind: 'wrong-secret', message: 'wrong passphrase', hint: expect.stringContaining('whole') as unknown });
  });

  test('nothing there', async () => {
    const vault = await (await createWorkplace()).open();
    await expect(vault.unlock(newKey())).rejects.toMatchObject({ kind: 'missing' });
    await expect(vault.add(groq)).rejects.toMatchObject({ kind: 'missing' });
  });

  test('a damaged file', async () => {
    const workplace = await createWorkplace();
    await (await workplace.open()).create([newKey()]);
    for (const text of ['', '{', '[]', 'null', '{"format":"tollfree-vault"}', (await workplace.text()).slice(0, -20), '\u0000'.repeat(100)]) {
      await workplace.put(text);
      await expect(workplace.open()).rejects.toMatchObject({ kind: 'damaged' });
      expect(await workplace.text()).toBe(text);
    }
  });

  test('a newer version is not damage, and stays as it is', async () => {
    const workplace = await createWorkplace();
    await furnish(workplace);
    const text = encodeEnvelope({ anything: ['else'] }, { format: 'tollfree-vault', version: 2 });
    await workplace.put(text);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'newer', hint: 'update tollfree' });
    expect(await workplace.text()).toBe(text);
  });

  test('too little memory for Argon2', async () => {
    const workplace = await createWorkplace();
    // More than any machine has, and not from a file, which may not ask for it.
    const vault = await workplace.open({ ops: 1, memoryKiB: 2 ** 32 - 1 });
    await expect(vault.create([passphrase('correct horse')])).rejects.toMatchObject({ kind: 'no-memory', message: expect.stringContaining('4194304 MiB') as unknown });
    expect(vault.status().state).toBe('absent');
  });

  test('others may read the file, or it is a link, or its directory is open', async () => {
    const workplace = await createWorkplace();
    await furnish(workplace);
    await chmod(workplace.file, 0o640);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'not-private', hint: expect.stringContaining('chmod 600') as unknown });
    await chmod(workplace.file, 0o600);
    await rename(workplace.file, `${workplace.file}.elsewhere`);
    await symlink(`${workplace.file}.elsewhere`, workplace.file);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'not-private', message: expect.stringContaining('symbolic link') as unknown });

    const open = await createWorkplace();
    await chmod(open.directory, 0o755);
    await expect((await open.open()).create([newKey()])).rejects.toMatchObject({ kind: 'not-private', hint: expect.stringContaining('chmod 700') as unknown });
  });

  (userInfo().uid === 0 ? test : test.skip)('somebody else owns it', async () => {
    const workplace = await createWorkplace();
    await furnish(workplace);
    await chown(workplace.file, 65_534, 65_534);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'not-private', message: expect.stringContaining('belongs to another user') as unknown });
  });

  test('a directory in the file’s place', async () => {
    const workplace = await createWorkplace();
    await mkdir(workplace.file);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'not-private' });
  });
});

describe('what a file may demand is bounded', () => {
  const slot = { kind: 'passphrase', id: 'A'.repeat(22), salt: 'A'.repeat(22), ops: MIN_COST.ops, memoryKiB: MIN_COST.memoryKiB, sealed: 'A'.repeat(96) };
  const account = { id: 'A'.repeat(22), provider: 'groq', label: 'a', enabled: true, origin: 'https://api.groq.com', addedAt: 1, dataKey: 'A'.repeat(22), sealed: 'A'.repeat(80) };
  const demands: readonly (readonly [string, (content: VaultContent) => unknown])[] = [
    ['too many rounds', (content) => ({ ...content, slots: [{ ...slot, ops: MAX_COST.ops + 1 }] })],
    ['too few rounds', (content) => ({ ...content, slots: [{ ...slot, ops: MIN_COST.ops - 1 }] })],
    ['too much memory', (content) => ({ ...content, slots: [{ ...slot, memoryKiB: MAX_COST.memoryKiB + 1 }] })],
    ['too little memory', (content) => ({ ...content, slots: [{ ...slot, memoryKiB: MIN_COST.memoryKiB - 1 }] })],
    ['a fraction', (content) => ({ ...content, slots: [{ ...slot, ops: 2.5 }] })],
    ['too many slots', (content) => ({ ...content, slots: Array.from({ length: 9 }, () => slot) })],
    ['too many data keys', (content) => ({ ...content, keyring: Array.from({ length: 9 }, () => content.keyring[0]) })],
    ['no data key', (content) => ({ ...content, keyring: [] })],
    ['too many accounts', (content) => ({ ...content, accounts: Array.from({ length: 10_001 }, () => content.accounts[0]) })],
    ['a negative epoch', (content) => ({ ...content, epoch: -1 })],
    ['a field nobody knows', (content) => ({ ...content, extra: 1 })],
    ['a salt in a key slot', (content) => ({ ...content, slots: [{ ...slot, kind: 'key' }] })],
    ['an endless credential', (content) => ({ ...content, accounts: content.accounts.map((account) => ({ ...account, sealed: 'A'.repeat(6000) })) })],
    ['a label that steers the terminal', (content) => ({ ...content, accounts: content.accounts.map((account) => ({ ...account, label: '\u001b[2J' })) })],
  ];

  test.each(demands)('%s', async (_, change) => {
    const workplace = await createWorkplace();
    await (await workplace.open()).create([newKey()]);
    // Without a backup that could be taken instead.
    await workplace.edit((content) => change({ ...content, accounts: [account] }));
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'damaged' });
  });

  test('a file that never ends', async () => {
    const workplace = await createWorkplace();
    await workplace.put(' '.repeat(16 * 1024 * 1024 + 1));
    await chmod(workplace.file, 0o600);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'damaged', message: expect.stringContaining('larger') as unknown });
  });

  test('nesting without end', async () => {
    const workplace = await createWorkplace();
    await workplace.put(`{"format":"tollfree-vault","version":1,"digest":"${'A'.repeat(43)}","content":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    await chmod(workplace.file, 0o600);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'damaged' });
  });
});

describe('the price of a passphrase', () => {
  test('is raised at the next unlock, and the old price opens nothing any more', async () => {
    const workplace = await createWorkplace();
    const cheap = await workplace.open(MIN_COST);
    await cheap.create([passphrase('correct horse'), newKey()]);
    await cheap.add(groq);
    const dearer = { ops: MIN_COST.ops + 1, memoryKiB: MIN_COST.memoryKiB + 1024 };
    const vault = await workplace.open(dearer);
    await vault.unlock(passphrase('correct horse'));
    expect((await workplace.content()).slots[0]).toMatchObject(dearer);
    expect((await workplace.content()).slots[1]).toMatchObject({ kind: 'key' });
    const epoch = vault.status().epoch;
    const again = await workplace.open(dearer);
    await again.unlock(passphrase('correct horse'));
    expect(again.status().epoch).toBe(epoch);
    expect(again.credential(again.accounts()[0] ?? never(), groq.origin)).toBe(groq.key);
  });

  test('is 3 rounds of 256 MiB unless a test says otherwise', () => {
    expect(DEFAULT_COST).toEqual({ ops: 3, memoryKiB: 256 * 1024 });
  });

  test('is paid off the event loop', async () => {
    const loop = { turns: 0, over: false };
    const turn = (): void => {
      loop.turns += 1;
      if (!loop.over) setImmediate(turn);
    };
    setImmediate(turn);
    const start = performance.now();
    await stretch(Buffer.alloc(32), Buffer.from('correct horse'), Buffer.alloc(SALT_BYTES), DEFAULT_COST);
    loop.over = true;
    expect(performance.now() - start).toBeGreaterThan(100);
    // A busy machine makes turns late; a blocked loop has none.
    expect(loop.turns).toBeGreaterThan(100);
  });

  test('the same words composed otherwise are the same passphrase; too few are none', () => {
    expect(passphrase('cafe\u0301').bytes).toEqual(passphrase('caf\u00e9').bytes);
    expect(() => passphrase('')).toThrow(/empty/);
    expect(() => newPassphrase('seven..')).toThrow(/fewer than 8/);
  });
});

const never = (): never => {
  throw new Error('there is no account');
};
