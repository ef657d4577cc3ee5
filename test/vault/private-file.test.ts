/** The file outlives crashes, full disks and bad copies of itself. */
import { describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, copyFile, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { geteuid } from 'node:process';
import { writeDurably } from '../../src/vault/durable-write.ts';
import { createPrivateFile } from '../../src/vault/private-file.ts';
import { createWorkplace, furnish, groq } from './workplace.ts';

const dist = (name: string): string => JSON.stringify(new URL(`../../dist/vault/${name}.js`, import.meta.url).href);
const run = (code: string, ...values: readonly string[]): readonly string[] => ['--input-type=module', '-e', code, ...values];

/** Whether this machine lets us have mounts of our own. */
const mountable = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs none /tmp']).status === 0;

const listOf = (path: string): ReturnType<typeof createPrivateFile<readonly number[]>> =>
  createPrivateFile({ path, format: 'test-list', version: 1, maxBytes: 1e6, decode: (content) => content as readonly number[] });

describe('a bad file', () => {
  test.each([
    ['cut short', (file: string) => truncate(file, 200)],
    ['empty', (file: string) => truncate(file, 0)],
    ['of zeros', (file: string) => writeFile(file, Buffer.alloc(500))],
    ['of something else', (file: string) => writeFile(file, '{"accounts": []}')],
  ])('%s, is set aside and its backup taken, and that is told', async (_, spoil) => {
    const workplace = await createWorkplace();
    const { key } = await furnish(workplace, [groq]);
    const last = await workplace.open();
    await last.unlock(key);
    await last.add({ ...groq, key: 'gsk_the_last_change' });
    await spoil(workplace.file);
    const spoilt = await readFile(workplace.file);

    const vault = await workplace.open();
    await vault.unlock(key);
    expect(vault.accounts()).toHaveLength(1);
    expect(workplace.notices).toEqual([expect.stringMatching(/vault\.json.*took its backup, which may lack the last change; the bad file is now .*vault\.json\.bad-2026-11-20T120000/), expect.stringContaining('the last change to the vault is missing')]);
    const aside = (await readdir(workplace.directory)).find((name) => name.includes('.bad-'));
    expect(await readFile(join(workplace.directory, aside ?? ''))).toEqual(spoilt);
    // The backup stands in for it, and work goes on: with a number nobody used before.
    await vault.add({ ...groq, key: 'gsk_after_recovery' });
    expect(vault.status().epoch).toBe(4);
    expect(vault.accounts()).toHaveLength(2);
    const again = await workplace.open();
    await again.unlock(key);
    expect(again.accounts()).toEqual(vault.accounts());
  });

  test('that is gone is not begun anew while its backup is there', async () => {
    const workplace = await createWorkplace();
    const { key } = await furnish(workplace, [groq]);
    await rm(workplace.file);
    const vault = await workplace.open();
    await vault.unlock(key);
    expect(workplace.notices.join()).toContain('is missing');
    expect(await readdir(workplace.directory)).toEqual(['vault.json', 'vault.json.bak', 'vault.json.epoch']);
  });

  test('with a bad backup is left alone, both of them', async () => {
    const workplace = await createWorkplace();
    await furnish(workplace);
    await truncate(workplace.file, 100);
    await truncate(`${workplace.file}.bak`, 50);
    await expect(workplace.open()).rejects.toMatchObject({ kind: 'damaged', message: expect.stringMatching(/is not whole, and its backup .* is damaged too/) as unknown, hint: expect.stringContaining('nothing was overwritten') as unknown });
    expect((await stat(workplace.file)).size).toBe(100);
    expect((await stat(`${workplace.file}.bak`)).size).toBe(50);
  });

  test('is no way back to an old state: a backup two changes behind is refused', async () => {
    const workplace = await createWorkplace();
    const { vault, key } = await furnish(workplace, [groq]);
    await copyFile(`${workplace.file}.bak`, `${workplace.file}.older`);
    await vault.add({ ...groq, key: 'gsk_a_later_one' });
    await copyFile(`${workplace.file}.older`, `${workplace.file}.bak`);
    await truncate(workplace.file, 10);
    await expect((await workplace.open()).unlock(key)).rejects.toMatchObject({ kind: 'rolled-back' });
  });
});

describe('writing', () => {
  test('keeps 0600 and the previous version', async () => {
    const { directory } = await createWorkplace();
    const path = join(directory, 'list.json');
    const file = listOf(path);
    expect(await file.read()).toBeUndefined();
    await file.write([1]);
    await file.write([1, 2]);
    expect(await file.read()).toEqual({ value: [1, 2] });
    for (const name of [path, `${path}.bak`]) expect((await stat(name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(`${path}.bak`, 'utf8'))).toMatchObject({ content: [1] });
    expect(await readdir(directory)).toEqual(['list.json', 'list.json.bak']);
  });

  test('makes its directory for the owner alone', async () => {
    const { directory } = await createWorkplace();
    await listOf(join(directory, 'new', 'list.json')).write([1]);
    expect((await stat(join(directory, 'new'))).mode & 0o777).toBe(0o700);
  });

  test('says which field is too many, however deep it lies', async () => {
    const path = join((await createWorkplace()).directory, 'deep'.repeat(30), 'list.json');
    await listOf(path).write([1]);
    await rm(`${path}.bak`, { force: true });
    await writeFile(path, '{"accounts": []}');
    await expect(listOf(path).read()).rejects.toMatchObject({ kind: 'damaged', message: expect.stringContaining('list.json.accounts must be absent') as unknown });
  });

  test('does not follow a link somebody put where the new version is written', async () => {
    const { directory } = await createWorkplace();
    const victim = join(directory, 'victim');
    await writeFile(victim, 'precious');
    await symlink(victim, join(directory, 'list.json.tmp'));
    await symlink(victim, join(directory, 'list.json.bak.tmp'));
    const file = listOf(join(directory, 'list.json'));
    await file.write([1]);
    await file.write([2]);
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect(await file.read()).toEqual({ value: [2] });
  });

  (mountable ? test : test.skip)('over a mounted file says what to mount instead', async () => {
    const { directory } = await createWorkplace();
    const path = join(directory, 'list.json');
    await listOf(path).write([1]);
    const code = `
      import { writeDurably } from ${dist('durable-write')};
      await writeDurably(process.argv[1], 'text').catch((error) => console.log(error.kind, error.hint));`;
    const out = execFileSync('unshare', ['-rm', 'sh', '-c', 'mount --bind "$0" "$0" && exec "$@"', path, process.execPath, ...run(code, path)], { encoding: 'utf8' });
    expect(out).toBe('disk the file itself is a mount point: mount its directory instead\n');
    expect(await listOf(path).read()).toEqual({ value: [1] });
  });

  (geteuid?.() === 0 ? test : test.skip)('works for a user without a name or a home, as in containers', async () => {
    const { directory } = await createWorkplace();
    await chown(directory, 54_321, 54_321);
    const code = `
      import { openVault } from ${dist('vault')};
      import { findUnlock, makeKeyFile } from ${dist('find-unlock')};
      const vault = await openVault({ file: process.argv[1], pid: process.pid, now: Date.now });
      await vault.create([await makeKeyFile(process.argv[1] + '.key')]);
      console.log(vault.status().state, await findUnlock({ environment: {}, unlocks: ['key'] }));`;
    expect(execFileSync(process.execPath, run(code, join(directory, 'vault.json')), { encoding: 'utf8', uid: 54_321, gid: 54_321, env: {} })).toBe('unlocked undefined\n');
  });

  test('into a directory that refuses says so and changes nothing', async () => {
    const { directory } = await createWorkplace();
    // Even root may not write over a directory.
    await mkdir(join(directory, 'list.json'));
    await expect(writeDurably(join(directory, 'list.json'), 'text', 'untouched')).rejects.toMatchObject({ kind: 'disk' });
    expect(await readdir(directory)).toEqual(['list.json']);
  });
});

describe('a full disk', () => {
  /** Writes ever longer lists until that fails, and says how. */
  const fill = `
    import { createPrivateFile } from ${dist('private-file')};
    const file = createPrivateFile({ path: process.argv[1], format: 'test-list', version: 1, maxBytes: 1e7, decode: (content) => content });
    let length = 10;
    try {
      for (; length < 1e6; length *= 2) await file.write(Array.from({ length }, (_, index) => index));
    } catch (error) {
      const { value } = await file.read();
      console.log(JSON.stringify({ kind: error.kind, hint: error.hint, cause: error.cause?.code, kept: value.length, failed: length }));
    }`;
  (mountable ? test : test.skip)('leaves the old version whole', async () => {
    const { directory } = await createWorkplace();
    const script = 'mount -t tmpfs -o size=256k,mode=700 none "$0" && exec "$@"';
    const out = execFileSync('unshare', ['-rm', 'sh', '-c', script, directory, process.execPath, ...run(fill, join(directory, 'list.json'))], { encoding: 'utf8' });
    const { kind, hint, cause, kept, failed } = JSON.parse(out) as Record<string, unknown>;
    expect({ kind, cause, hint }).toEqual({ kind: 'disk', cause: 'ENOSPC', hint: expect.stringContaining('the disk is full') as unknown });
    expect(kept).toBe(Number(failed) / 2);
  });

  test('or a limit on file sizes, which cuts in the middle of a write, does too', async () => {
    const { directory } = await createWorkplace();
    const out = execFileSync('bash', ['-c', `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`, process.execPath, ...run(fill, join(directory, 'list.json'))], { encoding: 'utf8' });
    const { kind, kept, failed } = JSON.parse(out) as Record<string, unknown>;
    expect(kind).toBe('disk');
    expect(kept).toBe(Number(failed) / 2);
    expect(await readdir(directory)).toEqual(['list.json', 'list.json.bak']);
  });
});

describe('kill -9', () => {
  /** Changes the vault as fast as it can: adds, rotates, rekeys under the same key. Says each change it was told is done. */
  const writer = `
    import { openVault } from ${dist('vault')};
    import { keyOf } from ${dist('secret')};
    const [, file, line, round] = process.argv;
    const secret = keyOf(line);
    const vault = await openVault({ file, pid: process.pid, now: Date.now, notice: console.error });
    await vault.unlock(secret);
    for (let index = 0; ; index += 1) {
      const account = await vault.add({ provider: 'groq', origin: 'https://api.groq.com', key: 'gsk_child_' + round + '_' + index, label: 'r' + round + '-' + index });
      process.stdout.write(account.label + '\\n');
      if (index % 3 === 1) await vault.rotate();
      if (index % 3 === 2) await vault.rekey([secret]);
    }`;
  const rounds = Number(process.env['KILL_ROUNDS'] ?? 8);

  test(`in the middle of any change leaves the old or the new: ${rounds} times`, async () => {
    const workplace = await createWorkplace();
    const { key } = await furnish(workplace, []);
    const line = `tollfree-key-1:${key.bytes.toString('base64url')}`;
    for (let round = 0; round < rounds; round += 1) {
      const child = spawn(process.execPath, run(writer, workplace.file, line, String(round)), { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      let killed = false;
      child.stdout.on('data', (piece: Buffer) => {
        said += piece.toString();
        if (killed) return;
        killed = true;
        // Somewhere within the next few changes: each takes some milliseconds.
        setTimeout(() => child.kill('SIGKILL'), Math.random() * 25);
      });
      expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
      const vault = await workplace.open();
      await vault.unlock(key);
      const labels = new Set(vault.accounts().map(({ label }) => label));
      const acknowledged = said.split('\n').slice(0, -1);
      expect(acknowledged.filter((label) => !labels.has(label))).toEqual([]);
      for (const account of vault.accounts()) expect(vault.credential(account, account.origin)).toMatch(/^gsk_child_\d+_\d+$/);
    }
    expect(workplace.notices.filter((notice) => !notice.includes('an older copy could not be told'))).toEqual([]);
    expect((await readdir(workplace.directory)).filter((name) => !/^vault\.json(\.bak|\.epoch|(\.bak|\.epoch)?\.tmp)?$/.test(name) && !name.startsWith('vault.lock.') && !name.startsWith('vault.new.'))).toEqual([]);
  }, 30_000 + rounds * 2000);
});
