/**
 * Replaces a private file so that whoever looks, at any moment and after any crash, finds the old one or the new one.
 *
 * One writer at a time is the caller's part: the temporary file has a fixed name, so a crash leaves at most one behind
 * and the next write clears it away.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { geteuid } from 'node:process';
import { systemCode } from '../files.ts';
import { VaultError } from './errors.ts';

/** What `.bak` holds afterwards: the version before this one, this one too where the old must not be opened again, or what it held. */
export type Backup = 'previous' | 'same' | 'untouched';

export const backupOf = (path: string): string => `${path}.bak`;

/** Throws `disk` where the system refused; the old file is then whole. */
export async function writeDurably(path: string, text: string, backup: Backup = 'previous'): Promise<void> {
  try {
    const next = await writeBeside(path, text);
    if (backup === 'previous') await keepPrevious(path);
    await rename(next, path);
    await syncDirectory(dirname(path));
    if (backup === 'same') await rename(await writeBeside(backupOf(path), text), backupOf(path));
  } catch (error) {
    await rm(`${path}.tmp`, { force: true }).catch(() => undefined);
    throw diskError(path, error);
  }
}

/** Missing directories are made for the owner alone; one that others may enter is refused. */
export async function preparePrivateDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw diskError(directory, error);
  }
  const { uid, mode } = await stat(directory);
  // Not os.userInfo(): in a container the user often has no name, and it throws.
  if (uid !== geteuid?.()) throw new VaultError('not-private', `${directory} belongs to another user`, { hint: 'chown it to the user that runs tollfree, or set TOLLFREE_DATA_DIR to a directory of your own' });
  if ((mode & 0o077) !== 0) throw new VaultError('not-private', `${directory} is open to others (mode ${(mode & 0o777).toString(8)})`, { hint: `chmod 700 ${directory}` });
}

async function writeBeside(path: string, text: string): Promise<string> {
  const temporary = `${path}.tmp`;
  const bytes = Buffer.from(text);
  await rm(temporary, { force: true });
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
    const { size } = await file.stat();
    // A full disk can cut a file without an error.
    if (size !== bytes.length) throw new VaultError('disk', `${path}: only ${size} of ${bytes.length} bytes could be written`, { hint: 'free some space on the disk' });
  } finally {
    await file.close();
  }
  return temporary;
}

/** A hard link first: at no moment is there no file under the name. Some filesystems have no links. */
async function keepPrevious(path: string): Promise<void> {
  const backup = backupOf(path);
  const temporary = `${backup}.tmp`;
  await rm(temporary, { force: true });
  try {
    await link(path, temporary).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') throw error;
      return copyFile(path, temporary, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  await rename(temporary, backup);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space and try again; nothing was changed',
  EDQUOT: 'the disk quota is used up: free some space and try again; nothing was changed',
  EBUSY: 'the file itself is a mount point: mount its directory instead',
  EROFS: 'the disk is read-only: mount its directory writable',
  EACCES: 'the user running tollfree may not write there',
};

/** What to do about it, where the system's code says. */
export const diskHint = (error: unknown): string | undefined => hints[systemCode(error) ?? ''];

export function diskError(path: string, error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  const code = systemCode(error);
  const hint = diskHint(error);
  return new VaultError('disk', `${path} cannot be written${code === undefined ? '' : ` (${code})`}`, { cause: error, ...(hint !== undefined && { hint }) });
}
