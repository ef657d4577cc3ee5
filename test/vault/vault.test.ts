import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { passphrase } from '../../src/vault/secret.ts';
import { MIN_COST } from '../../src/vault/format.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';

let directory = '';
const notices: string[] = [];
const open = (): Promise<Vault> => openVault({ file: join(directory, 'vault.json'), pid: process.pid, now: () => 1_763_650_000_000, notice: (message) => notices.push(message), cost: MIN_COST });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tollfree-vault-'));
  notices.length = 0;
});
afterEach(() => rm(directory, { recursive: true }));

const groq = { provider: 'groq', origin: 'https://api.groq.com/openai/v1', key: 'gsk_canary_0123456789' };

describe('a vault', () => {
  test('keeps keys over a restart, and gives them for their own origin only', async () => {
    const vault = await open();
    expect(vault.status().state).toBe('absent');
    await vault.create([passphrase('correct horse')]);
    const account = await vault.add(groq);
    expect(account).toMatchObject({ provider: 'groq', label: 'groq-1', enabled: true, origin: 'https://api.groq.com' });
    expect(vault.credential(account, 'https://api.groq.com')).toBe(groq.key);

    const again = await open();
    expect(again.status()).toMatchObject({ state: 'locked', accounts: 1, unlocks: ['passphrase'] });
    expect(again.accounts()).toEqual([account]);
    expect(() => again.credential(account, 'https://api.groq.com')).toThrow(/locked/);
    await expect(again.unlock(passphrase('wrong horse'))).rejects.toMatchObject({ kind: 'wrong-secret' });
    await again.unlock(passphrase('correct horse'));
    expect(again.credential(account, 'https://api.groq.com')).toBe(groq.key);
    expect(() => again.credential(account, 'https://evil.example')).toThrow(/not sealed for/);
    expect(() => again.credential({ ...account, origin: 'https://evil.example' }, 'https://evil.example')).toThrow(/not sealed for/);
    expect(notices).toEqual([]);
  });

  test('leaves private files and no key in any of them', async () => {
    const vault = await open();
    await vault.create([passphrase('correct horse')]);
    await vault.add(groq);
    const names = await readdir(directory);
    expect(names.sort()).toEqual(['vault.json', 'vault.json.bak', 'vault.json.epoch']);
    for (const name of names) {
      const path = join(directory, name);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      const text = await readFile(path, 'utf8');
      expect(text).not.toContain('canary');
      expect(text).not.toContain(Buffer.from(groq.key).toString('base64url').slice(4, 20));
    }
  });
});
