import { describe, expect, test } from '@jest/globals';
import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultKeyFile, findUnlock, makeKeyFile, readKeyFile } from '../../src/vault/find-unlock.ts';
import { createWorkplace, furnish } from './workplace.ts';

const unlocks = ['passphrase', 'key'] as const;
const prompt = (): Promise<string> => Promise.resolve('typed');

async function sources(): Promise<Record<'TOLLFREE_PASSPHRASE' | 'TOLLFREE_PASSPHRASE_FILE' | 'TOLLFREE_KEY_FILE' | 'CREDENTIALS_DIRECTORY' | 'XDG_CONFIG_HOME', string>> {
  const { directory } = await createWorkplace();
  const at = (name: string): string => join(directory, name);
  await writeFile(at('words'), 'from a file\n', { mode: 0o600 });
  await makeKeyFile(at('key'));
  await mkdir(at('credentials'));
  await writeFile(at('credentials/tollfree'), 'from systemd', { mode: 0o400 });
  const environment = { TOLLFREE_PASSPHRASE: 'from the environment', TOLLFREE_PASSPHRASE_FILE: at('words'), TOLLFREE_KEY_FILE: at('key'), CREDENTIALS_DIRECTORY: at('credentials'), XDG_CONFIG_HOME: at('config') };
  await makeKeyFile(defaultKeyFile(environment));
  return environment;
}

describe('the first source that is named is the one', () => {
  test('in the order of the interface', async () => {
    const environment: Record<string, string> = await sources();
    const found: string[] = [];
    for (const name of ['TOLLFREE_PASSPHRASE', 'TOLLFREE_PASSPHRASE_FILE', 'TOLLFREE_KEY_FILE', 'CREDENTIALS_DIRECTORY', 'XDG_CONFIG_HOME', 'none']) {
      const { secret, from } = (await findUnlock({ environment, unlocks, prompt })) ?? { secret: undefined, from: 'nothing' };
      found.push(`${from.replace(/^.*\//, '')}: ${secret?.kind === 'passphrase' ? secret.bytes.toString() : secret?.kind}`);
      delete environment[name];
      if (name === 'XDG_CONFIG_HOME') environment['XDG_CONFIG_HOME'] = join(await createWorkplace().then(({ directory }) => directory), 'none');
    }
    expect(found).toEqual(['TOLLFREE_PASSPHRASE: from the environment', 'words: from a file', 'key: key', "systemd's credential: from systemd", 'vault.key: key', 'the terminal: typed']);
    expect(await findUnlock({ environment, unlocks })).toBeUndefined();
    expect(await findUnlock({ environment, unlocks: ['key'], prompt })).toBeUndefined();
  });

  test('one that is named and cannot be used is an error, not a reason to try the next', async () => {
    const { TOLLFREE_PASSPHRASE: _, ...environment } = await sources();
    const missing = { ...environment, TOLLFREE_PASSPHRASE_FILE: '/nowhere/words' };
    await expect(findUnlock({ environment: missing, unlocks })).rejects.toMatchObject({ kind: 'missing', message: expect.stringContaining('TOLLFREE_PASSPHRASE_FILE') as unknown });
    await chmod(environment.TOLLFREE_PASSPHRASE_FILE, 0o644);
    await expect(findUnlock({ environment, unlocks })).rejects.toMatchObject({ kind: 'not-private' });
    await expect(findUnlock({ environment: { TOLLFREE_KEY_FILE: join(environment.CREDENTIALS_DIRECTORY, 'tollfree') }, unlocks })).rejects.toMatchObject({ kind: 'refused', hint: expect.stringContaining('TOLLFREE_PASSPHRASE_FILE') as unknown });
    await expect(findUnlock({ environment: { TOLLFREE_KEY_FILE: '/dev/zero' }, unlocks })).rejects.toMatchObject({ kind: 'not-private' });
  });

  test('a default key file is only for vaults that open with a key', async () => {
    const { XDG_CONFIG_HOME } = await sources();
    expect(await findUnlock({ environment: { XDG_CONFIG_HOME }, unlocks: ['passphrase'] })).toBeUndefined();
  });

  test('secrets that platforms mount come by links, and as keys too', async () => {
    const { directory } = await createWorkplace();
    const key = await makeKeyFile(join(directory, 'data'));
    await symlink(join(directory, 'data'), join(directory, 'tollfree'));
    expect(await findUnlock({ environment: { CREDENTIALS_DIRECTORY: directory }, unlocks })).toMatchObject({ secret: key });
    expect(await findUnlock({ environment: { TOLLFREE_KEY_FILE: join(directory, 'tollfree') }, unlocks })).toMatchObject({ secret: key });
  });
});

test('a key file is made once, closed to others, and opens a vault', async () => {
  const workplace = await createWorkplace();
  const path = join(workplace.directory, 'keys', 'vault.key');
  const key = await makeKeyFile(path);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await expect(makeKeyFile(path)).rejects.toMatchObject({ kind: 'exists' });
  const { vault } = await furnish(workplace);
  await vault.setSecret(key, { only: true });
  await (await workplace.open()).unlock(await readKeyFile(path));
});
