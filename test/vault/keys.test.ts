/** New data keys, new roots, new passphrases, copies elsewhere. */
import { describe, expect, test } from '@jest/globals';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { passphrase } from '../../src/vault/secret.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { cerebras, createWorkplace, furnish, groq, newKey, openrouter } from './workplace.ts';

const keysOf = (vault: Vault): string[] => vault.accounts().map((account) => vault.credential(account, account.origin));
const all = [groq.key, cerebras.key, openrouter.key];

test('rotate: another data key, other sealed records, the same credentials', async () => {
  const workplace = await createWorkplace();
  const { vault, key } = await furnish(workplace);
  const before = await workplace.content();
  await vault.rotate();
  const after = await workplace.content();
  expect(after.keyring).toHaveLength(1);
  expect(after.keyring[0]?.id).not.toBe(before.keyring[0]?.id);
  expect(after.root).toBe(before.root);
  for (const [index, account] of after.accounts.entries()) {
    expect(account.sealed).not.toBe(before.accounts[index]?.sealed);
    expect({ ...account, sealed: '', dataKey: '' }).toEqual({ ...before.accounts[index], sealed: '', dataKey: '' });
  }
  expect(keysOf(vault)).toEqual(all);
  const again = await workplace.open();
  await again.unlock(key);
  expect(keysOf(again)).toEqual(all);
});

test('rekey: another root, and nothing of the old opens any more, not even the backup', async () => {
  const workplace = await createWorkplace();
  const { vault, key } = await furnish(workplace);
  await vault.rekey([passphrase('a new passphrase')]);
  expect(keysOf(vault)).toEqual(all);
  expect(await readFile(`${workplace.file}.bak`, 'utf8')).toBe(await workplace.text());
  const again = await workplace.open();
  await expect(again.unlock(key)).rejects.toMatchObject({ kind: 'wrong-secret' });
  await again.unlock(passphrase('a new passphrase'));
  expect(keysOf(again)).toEqual(all);
});

test('a rekey elsewhere locks a running vault until it is unlocked again', async () => {
  const workplace = await createWorkplace();
  const { vault: daemon, key } = await furnish(workplace);
  const command = await workplace.open();
  await command.unlock(key);
  const next = newKey();
  await command.rekey([next]);
  await expect(daemon.setEnabled(daemon.accounts()[0]?.id ?? '', false)).rejects.toMatchObject({ kind: 'locked' });
  expect(daemon.status().state).toBe('locked');
  await daemon.unlock(next);
  expect(keysOf(daemon)).toEqual(all);
});

describe('setSecret', () => {
  test('replaces the passphrase and leaves key files and credentials alone', async () => {
    const workplace = await createWorkplace();
    const { vault, key } = await furnish(workplace);
    await vault.setSecret(passphrase('the first one'));
    const before = await workplace.content();
    await vault.setSecret(passphrase('the second one'));
    const after = await workplace.content();
    expect(after.accounts).toEqual(before.accounts);
    expect(after.keyring).toEqual(before.keyring);
    expect(vault.status().unlocks).toEqual(['key', 'passphrase']);
    expect(await readFile(`${workplace.file}.bak`, 'utf8')).toBe(await workplace.text());
    const again = await workplace.open();
    await expect(again.unlock(passphrase('the first one'))).rejects.toMatchObject({ kind: 'wrong-secret' });
    await again.unlock(passphrase('the second one'));
    await again.unlock(key);
    expect(keysOf(again)).toEqual(all);
  });

  test('alone, where it is to be the only one', async () => {
    const workplace = await createWorkplace();
    const { vault, key } = await furnish(workplace);
    await vault.setSecret(passphrase('the only one'), { only: true });
    expect(vault.status().unlocks).toEqual(['passphrase']);
    await expect((await workplace.open()).unlock(key)).rejects.toMatchObject({ kind: 'wrong-secret' });
  });
});

describe('export and import', () => {
  test('carry accounts to another machine under another passphrase', async () => {
    const [here, there] = [await createWorkplace(), await createWorkplace()];
    const { vault } = await furnish(here);
    await vault.setEnabled(vault.accounts()[0]?.id ?? '', false);
    const file = join(here.directory, 'export.json');
    await vault.exportTo(file, passphrase('for the journey'));
    await expect(vault.exportTo(file, passphrase('for the journey'))).rejects.toMatchObject({ kind: 'exists' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain('canary');

    const { vault: other } = await furnish(there, [groq]);
    await expect(other.importFrom(file, passphrase('wrong journey'))).rejects.toMatchObject({ kind: 'wrong-secret' });
    await expect(other.importFrom(`${file}.gone`, passphrase('for the journey'))).rejects.toMatchObject({ kind: 'missing' });
    const { added, skipped } = await other.importFrom(file, passphrase('for the journey'));
    expect(skipped).toBe(1);
    expect(added).toMatchObject([{ provider: 'cerebras', organization: 'acme' }, { provider: 'openrouter', limits: openrouter.limits }]);
    expect(keysOf(other)).toEqual(all);
    expect(await other.importFrom(file, passphrase('for the journey'))).toEqual({ added: [], skipped: 3 });
  });

  test('a label that is taken gives way', async () => {
    const [here, there] = [await createWorkplace(), await createWorkplace()];
    const file = join(here.directory, 'export.json');
    const key = newKey();
    await (await furnish(here, [{ ...groq, label: 'work', enabled: false }])).vault.exportTo(file, key);
    const { vault } = await furnish(there, [{ ...groq, key: 'gsk_another_key', label: 'work' }]);
    await vault.importFrom(file, key);
    expect(vault.accounts()).toMatchObject([{ label: 'work', enabled: true }, { label: 'groq-1', enabled: false }]);
  });
});
