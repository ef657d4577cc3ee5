/** Lines of a file that grows and is rotated. */
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';

/** Soon enough to look live; a look at an unchanged file costs a stat. */
const LOOK_MS = 200;
const PIECE_BYTES = 65_536;
const LINE_FEED = 10;

export interface LastLines {
  /** Oldest first. */
  readonly lines: readonly string[];
  /** Where in the file the reading ended, in bytes: {@link newLines} goes on from there. */
  readonly end: number;
}

/** The last lines that are wanted, going back through the rotated files as far as needed. Undefined: there is no file. */
export async function lastLines(file: string, most: number, wanted: (line: string) => boolean): Promise<LastLines | undefined> {
  const newest = await readIfThere(file);
  if (newest === undefined) return undefined;
  const files: (readonly string[])[] = [];
  let found = 0;
  let bytes: Buffer | undefined = newest;
  for (let rotation = 1; bytes !== undefined && found < most; rotation += 1) {
    const here = bytes.toString().split('\n').filter((line) => line !== '' && wanted(line));
    files.unshift(here);
    found += here.length;
    bytes = await readIfThere(file.replace(/(\.\w+)$/, `${rotation}$1`));
  }
  return { lines: files.flat().slice(Math.max(0, found - most)), end: newest.length };
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => isNativeError(error) && 'code' in error && error.code === 'ENOENT';

/** Every line after the first `from` bytes, until the signal. A rotated file is read to its end before the next one is begun. */
export async function* newLines(file: string, from: number, signal: AbortSignal): AsyncGenerator<string> {
  let open = await openIfThere(file, from);
  try {
    while (!signal.aborted) {
      // Whether it was rotated is asked first: what is written until then is still in the old one.
      const rotated = open === undefined || (await inodeOf(file)) !== open.inode;
      if (open !== undefined) yield* open.read();
      if (rotated) {
        const next = await openIfThere(file, 0);
        if (next !== undefined) {
          await open?.close();
          open = next;
          continue;
        }
      }
      await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await open?.close();
  }
}

const inodeOf = async (file: string): Promise<number | undefined> => (await stat(file).catch(() => undefined))?.ino;

interface Opened {
  readonly inode: number;
  /** The lines that are whole by now. */
  readonly read: () => AsyncGenerator<string>;
  readonly close: () => Promise<void>;
}

async function openIfThere(file: string, from: number): Promise<Opened | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { ino: inode, size } = await handle.stat();
  const piece = Buffer.alloc(PIECE_BYTES);
  // Shorter than it was: another one, rotated in between.
  let position = size < from ? 0 : from;
  let begun = Buffer.alloc(0);
  return {
    inode,
    async *read() {
      for (;;) {
        const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        begun = Buffer.concat([begun, piece.subarray(0, bytesRead)]);
        for (let end = begun.indexOf(LINE_FEED); end >= 0; end = begun.indexOf(LINE_FEED)) {
          const line = begun.toString('utf8', 0, end);
          begun = begun.subarray(end + 1);
          if (line !== '') yield line;
        }
      }
    },
    close: () => handle.close(),
  };
}
