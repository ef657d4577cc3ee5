import { describe, expect, test } from '@jest/globals';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { FailureError } from '../../src/failure.ts';
import { passphrase } from '../../src/vault/secret.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { cerebras, createWorkplace, furnish, groq, newKey, openrouter } from './workplace.ts';

const caught = (act: () => unknown): FailureError => {
  try {
    act();
  } catch (error) {
    if (error instanceof FailureError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('a vault', () => {
  test('keeps keys over a restart, and gives them only while unlocked', async () => {
    const workplace = await createWorkplace();
    const vault = await workplace.open();
    expect(vault.status()).toMatchObject({ state: 'absent', accounts: 0 });
    await vault.create([passphrase('correct horse')]);
    const account = await vault.add(groq);
    expect(account).toEqual({ id: account.id, provider: 'groq', label: 'groq-1', enabled: true, origin: 'https://api.groq.com' });
    expect(vault.credential(account, 'https://api.groq.com')).toBe(groq.key);

    const again = await workplace.open();
    expect(again.status()).toMatchObject({ state: 'locked', accounts: 1, unlocks: ['passphrase'] });
    expect(again.accounts()).toEqual([account]);
    expect(caught(() => again.credential(account, 'https://api.groq.com')).failure.kind).toBe('vault-locked');
    await again.unlock(passphrase('correct horse'));
    expect(again.credential(account, 'https://api.groq.com')).toBe(groq.key);
    again.lock();
    expect(again.status().state).toBe('locked');
    expect(caught(() => again.credential(account, 'https://api.groq.com')).failure.kind).toBe('vault-locked');
    expect(workplace.notices).toEqual([]);
  });

  test('opens a credential for no other destination, provider or account', async () => {
    const { vault } = await furnish(await createWorkplace());
    const [account, other] = vault.accounts();
    if (account === undefined || other === undefined) throw new Error('no accounts');
    for (const origin of ['https://evil.example', 'http://api.groq.com', 'https://api.groq.com:8443', 'https://api.groq.com/', '']) {
      expect(caught(() => vault.credential(account, origin)).failure).toMatchObject({ kind: 'credential' });
      expect(caught(() => vault.credential({ ...account, origin }, origin)).failure).toMatchObject({ kind: 'credential' });
    }
    expect(caught(() => vault.credential({ ...account, provider: 'cerebras' }, account.origin)).failure.kind).toBe('credential');
    expect(caught(() => vault.credential({ ...account, id: other.id }, account.origin)).failure.kind).toBe('credential');
    expect(caught(() => vault.credential({ ...account, id: 'gone' }, account.origin)).failure.kind).toBe('credential');
  });

  test('leaves private files and no key in any of them', async () => {
    const workplace = await createWorkplace();
    await furnish(workplace);
    const names = await readdir(workplace.directory);
    expect(names.sort()).toEqual(['vault.json', 'vault.json.bak', 'vault.json.epoch']);
    for (const name of names) {
      const path = join(workplace.directory, name);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      const text = await readFile(path, 'utf8');
      expect(text).not.toContain('canary');
      expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('canary');
    }
  });

  test('adds all or none, and tells every mistake', async () => {
    const workplace = await createWorkplace();
    const { vault } = await furnish(workplace, [groq]);
    const before = await workplace.text();
    await expect(vault.addAll([cerebras, { ...groq, key: 'has spaces in it' }, { ...groq, label: 'groq-1' }, { ...groq, origin: 'http://api.groq.com' }, { ...groq, label: 'no/slash' }])).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/account 2: the key.*account 3: there is already.*account 4: .*not https.*account 5: .*no good label/s) as unknown,
    });
    expect(await workplace.text()).toBe(before);
    expect(vault.accounts()).toHaveLength(1);
  });

  test('seals for an origin, whatever the base url looks like', async () => {
    const { vault } = await furnish(await createWorkplace(), [{ ...groq, origin: 'HTTPS://API.groq.com:443/openai/v1/' }, { ...groq, origin: 'http://127.0.0.1:4010/v1' }]);
    expect(vault.accounts().map(({ origin }) => origin)).toEqual(['https://api.groq.com', 'http://127.0.0.1:4010']);
    for (const origin of ['http://10.0.0.1', 'http://localhost.evil.example', 'http://own.localhost', 'https://user:secret@api.groq.com', 'ftp://localhost', 'nonsense']) {
      const refused = await vault.add({ ...groq, origin }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ kind: 'refused' });
      expect(String(refused)).not.toContain('secret');
    }
  });

  test('edits accounts without touching their credentials', async () => {
    const { vault } = await furnish(await createWorkplace());
    const [first, second] = vault.accounts();
    if (first === undefined || second === undefined) throw new Error('no accounts');
    await vault.setEnabled(first.id, false);
    await vault.rename(first.id, 'work');
    await expect(vault.rename(second.id, 'a/b')).rejects.toMatchObject({ kind: 'refused' });
    expect(vault.accounts()[0]).toEqual({ ...first, enabled: false, label: 'work' });
    expect(vault.credential(first, first.origin)).toBe(groq.key);
    await vault.remove(first.id);
    expect(caught(() => vault.credential(first, first.origin)).failure.kind).toBe('credential');
    await expect(vault.remove(first.id)).rejects.toMatchObject({ kind: 'refused' });
    expect(vault.accounts().map(({ provider }) => provider)).toEqual(['cerebras', 'openrouter']);
  });

  test('knows a key it already holds, by key and origin', async () => {
    const { vault } = await furnish(await createWorkplace());
    expect(vault.holderOf(groq.key, groq.origin)).toMatchObject({ label: 'groq-1' });
    expect(vault.holderOf(groq.key, 'https://other.example')).toBeUndefined();
    expect(vault.holderOf(`${groq.key}x`, groq.origin)).toBeUndefined();
  });

  test('never begins anew over a vault that is there', async () => {
    const workplace = await createWorkplace();
    const { vault } = await furnish(workplace);
    await expect(vault.create([newKey()])).rejects.toMatchObject({ kind: 'exists' });
    await expect((await workplace.open()).create([newKey()])).rejects.toMatchObject({ kind: 'exists' });
  });

  test('sees what another process changed', async () => {
    const workplace = await createWorkplace();
    const { vault: daemon, key } = await furnish(workplace, [groq]);
    const command = await workplace.open();
    await command.unlock(key);
    const added = await command.add(cerebras);
    await command.rotate();
    expect(await daemon.reload()).toBe(true);
    expect(daemon.credential(added, added.origin)).toBe(cerebras.key);
    expect(await daemon.reload()).toBe(false);
    // Each edits what the other wrote, seen or not.
    await command.add(openrouter);
    await daemon.setEnabled(added.id, false);
    expect(daemon.accounts().map(({ provider, enabled }) => [provider, enabled])).toEqual([['groq', true], ['cerebras', false], ['openrouter', true]]);
  });

  test('is there for a daemon that started before it', async () => {
    const workplace = await createWorkplace();
    const daemon = await workplace.open();
    expect(await daemon.reload()).toBe(false);
    const { key } = await furnish(workplace);
    expect(await daemon.reload()).toBe(true);
    expect(daemon.status()).toMatchObject({ state: 'locked', accounts: 3 });
    await daemon.unlock(key);
    expect(daemon.status().state).toBe('unlocked');
  });

  test('changes made at once are made one after the other', async () => {
    const workplace = await createWorkplace();
    const { vault, key } = await furnish(workplace, []);
    const other = await workplace.open();
    await other.unlock(key);
    await Promise.all(Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? vault : other).add({ ...groq, key: `${groq.key}${index}` })));
    await vault.reload();
    expect(new Set(vault.accounts().map(({ label }) => label)).size).toBe(12);
  });

  test.each([
    ['a new passphrase', (vault: Vault) => vault.setSecret(passphrase('a new passphrase'))],
    ['a new root key', (vault: Vault) => vault.rekey([passphrase('a new passphrase')])],
  ])('locking in the middle of %s leaves the old vault', async (_, begin) => {
    const workplace = await createWorkplace();
    const { key } = await furnish(workplace);
    // Dear enough to be caught in the middle.
    const vault = await workplace.open({ ops: 10, memoryKiB: 128 * 1024 });
    await vault.unlock(key);
    const before = await workplace.text();
    const change = begin(vault);
    const refused = expect(change).rejects.toMatchObject({ name: 'VaultError' });
    while (!(await readdir(workplace.directory)).some((name) => name.startsWith('vault.lock.'))) await setImmediate();
    await setTimeout(50);
    vault.lock();
    await refused;
    expect(await workplace.text()).toBe(before);
    await vault.unlock(key);
    expect(vault.accounts().map((account) => vault.credential(account, account.origin))).toContain(groq.key);
  });
});
