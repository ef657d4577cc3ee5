/**
 * A JSON file for its owner alone: written durably, checked when read, and never begun anew over a bad one.
 *
 * The envelope `{ format, version, digest, content }` is for ever: a newer version can be told from a damaged file
 * because the digest is computed the same way for all of them.
 */
import { constants, type Stats } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { geteuid } from 'node:process';
import { systemCode } from '../files.ts';
import { backupOf, diskError, preparePrivateDirectory, writeDurably, type Backup } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { hash } from './primitives.ts';
import { fields, integer } from './shape.ts';

export interface PrivateFileOptions<T> {
  readonly path: string;
  /** Names what the file is, e.g. `tollfree-vault`. */
  readonly format: string;
  /** The newest version this program understands. */
  readonly version: number;
  readonly maxBytes: number;
  /** Checks every field. Throws `damaged`. */
  readonly decode: (content: unknown, version: number) => T;
}

export interface Found<T> {
  readonly value: T;
  /** Set where the file was bad or gone and its backup was read instead: what was wrong with it. */
  readonly problem?: VaultError;
}

export interface PrivateFile<T> {
  readonly path: string;
  /** Changes nothing on disk. Undefined: there is none. Throws `damaged` when neither file nor backup is good, `newer`, `not-private`. */
  readonly read: () => Promise<Found<T> | undefined>;
  /** `content` as `decode` takes it. Throws `disk`; the old file is then whole. One writer at a time, by lock where several processes write. */
  readonly write: (content: unknown, backup?: Backup) => Promise<void>;
  /** Moves a bad file to `.bad-<time>` and puts the backup in its place. Returns where the bad one went; undefined if there was none. */
  readonly setAside: (now: number) => Promise<string | undefined>;
}

export function createPrivateFile<T>(options: PrivateFileOptions<T>): PrivateFile<T> {
  const { path, format, version } = options;
  return {
    path,
    read: async () => {
      try {
        const text = await readPrivate(path, options.maxBytes);
        if (text !== undefined) return { value: decodeEnvelope(text, options) };
        return await readBackup(options, new VaultError('missing', `${path} is missing`));
      } catch (error) {
        if (!(error instanceof VaultError) || error.kind !== 'damaged') throw error;
        return await readBackup(options, error);
      }
    },
    write: async (content, backup) => {
      await preparePrivateDirectory(dirname(path));
      await writeDurably(path, encodeEnvelope(content, { format, version }), backup);
    },
    setAside: async (now) => {
      const good = await readPrivate(backupOf(path), options.maxBytes);
      if (good === undefined) throw new VaultError('missing', `${backupOf(path)} is missing`);
      const bad = `${path}.bad-${new Date(now).toISOString().replaceAll(':', '')}`;
      const moved = await rename(path, bad).then(() => bad, (error: unknown) => {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw diskError(path, error);
      });
      await writeDurably(path, good, 'untouched');
      return moved;
    },
  };
}

async function readBackup<T>(options: PrivateFileOptions<T>, problem: VaultError): Promise<Found<T> | undefined> {
  const backup = backupOf(options.path);
  const text = await readPrivate(backup, options.maxBytes);
  if (text === undefined && problem.kind === 'missing') return undefined;
  try {
    if (text !== undefined) return { value: decodeEnvelope(text, options), problem };
  } catch (error) {
    if (!(error instanceof VaultError) || error.kind !== 'damaged') throw error;
  }
  throw new VaultError('damaged', `${problem.message}, and ${text === undefined ? 'there is no backup' : `its backup ${backup} is damaged too`}`, {
    cause: problem,
    hint: `restore ${options.path} from a copy of yours; nothing was overwritten`,
  });
}

/** A file of ours. Undefined where there is none. Throws `not-private`, `damaged` (too large), `disk`. */
export const readPrivate = (path: string, maxBytes: number): Promise<string | undefined> => readBounded(path, { maxBytes, follow: false, inspect: assertPrivate });

export interface Bounds {
  readonly maxBytes: number;
  /** Go where a symbolic link leads. */
  readonly follow: boolean;
  /** Throws where the file's owner or mode is wrong. */
  readonly inspect?: (path: string, found: Stats) => void;
}

/** As {@link readPrivate}, for files that come from elsewhere. */
export async function readBounded(path: string, { maxBytes, follow, inspect }: Bounds): Promise<string | undefined> {
  try {
    // Without O_NONBLOCK, a named pipe in its place would hold us for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW));
    try {
      const found = await file.stat();
      if (!found.isFile()) throw new VaultError('not-private', `${path} is not a regular file`);
      inspect?.(path, found);
      if (found.size > maxBytes) throw new VaultError('damaged', `${path} is larger than the ${maxBytes} bytes it may be`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof VaultError) throw error;
    if (systemCode(error) === 'ENOENT') return undefined;
    if (systemCode(error) === 'ELOOP') throw new VaultError('not-private', `${path} is a symbolic link`, { hint: 'set TOLLFREE_DATA_DIR to the directory the file is really in' });
    throw new VaultError('disk', `${path} cannot be read (${systemCode(error) ?? 'unknown'})`, { cause: error });
  }
}

function assertPrivate(path: string, found: Stats): void {
  if (found.uid !== geteuid?.()) throw new VaultError('not-private', `${path} belongs to another user`, { hint: 'chown it to the user that runs tollfree' });
  assertClosed(path, found);
}

/** Others may not read it. */
export function assertClosed(path: string, { mode }: Stats): void {
  if ((mode & 0o077) !== 0) throw new VaultError('not-private', `${path} is open to others (mode ${(mode & 0o777).toString(8)})`, { hint: `chmod 600 ${path}` });
}

interface Header {
  readonly format: string;
  readonly version: number;
}

export function encodeEnvelope(content: unknown, { format, version }: Header): string {
  return `${JSON.stringify({ format, version, digest: digestOf({ format, version }, content), content }, null, 2)}\n`;
}

/** Says whether the file is whole, not who wrote it: it needs no key, and no constant time. */
const digestOf = ({ format, version }: Header, content: unknown): string => hash([format, version, content]).toString('base64url');

export function decodeEnvelope<T>(text: string, { path, format, version, decode }: Omit<PrivateFileOptions<T>, 'maxBytes'>): T {
  const envelope = fields(parseJson(text, path), path, ['format', 'version', 'digest', 'content']);
  if (envelope['format'] !== format) throw new VaultError('damaged', `${path} is not a ${format} file`);
  const written = integer(envelope['version'], `${path}: version`, 1, 0xffff);
  if (envelope['digest'] !== digestOf({ format, version: written }, envelope['content'])) throw new VaultError('damaged', `${path} is not as it was written`);
  if (written > version) throw new VaultError('newer', `${path} was written by a newer tollfree (format ${written}, this one knows ${version})`, { hint: 'update tollfree' });
  return decode(envelope['content'], written);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new VaultError('damaged', `${path} is not whole`, { cause: error });
  }
}
