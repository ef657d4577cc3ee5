/** The audit log from its end on, for the dashboard. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Trail, TrailPage } from '../http/admin-vault.ts';
import { refused } from '../schema.ts';

/** About a thousand entries. Whoever goes further back has more read, up to the whole file. */
const TAIL_BYTES = 256 * 1024;

/** The newest entries first, as they stand in the file. None where there is no file yet. Throws `invalid-request` where `after` is none of them. */
export async function auditTrail(path: string, page: TrailPage): Promise<Trail> {
  const file = await open(path).catch(() => undefined);
  try {
    for (let bytes = TAIL_BYTES; ; bytes *= 4) {
      const { entries, all } = file === undefined ? { entries: [], all: true } : await tailOf(file, bytes);
      const trail = pageOf(entries, page);
      if (trail !== undefined && (all || trail.next !== undefined)) return trail;
      if (all) throw refused('after', 'must be what next said');
    }
  } finally {
    await file?.close();
  }
}

/** Undefined where `after` is none of these. */
function pageOf(entries: readonly unknown[], { after, limit }: TrailPage): Trail | undefined {
  const start = after === undefined ? 0 : entries.findIndex((entry) => hashIn(entry) === after) + 1;
  if (after !== undefined && start === 0) return undefined;
  const newest = entries.slice(start, start + limit);
  return { newest, ...(entries.length > start + limit && { next: hashIn(newest.at(-1)) }) };
}

/** The last so many bytes' entries, newest first, and whether that is all there are. */
async function tailOf(file: FileHandle, bytes: number): Promise<{ readonly entries: readonly unknown[]; readonly all: boolean }> {
  const { size } = await file.stat();
  const start = Math.max(0, size - bytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  const lines = buffer.subarray(0, bytesRead).toString().split('\n');
  // The first may begin before the tail; a last without its end is still being written.
  return { entries: lines.slice(start === 0 ? 0 : 1, -1).toReversed().flatMap(entryOf), all: start === 0 };
}

/** A damaged line is the check's matter: here it is left out. */
function entryOf(line: string): readonly unknown[] {
  try {
    return [JSON.parse(line) as unknown];
  } catch {
    return [];
  }
}

function hashIn(entry: unknown): string {
  return typeof entry === 'object' && entry !== null && 'hash' in entry && typeof entry.hash === 'string' ? entry.hash : '';
}
