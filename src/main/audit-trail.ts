/** The end of the audit log, for the dashboard. */
import { open } from 'node:fs/promises';

/** About a thousand entries. */
const TAIL_BYTES = 256 * 1024;
const MOST_ENTRIES = 100;

/** The newest entries first, as they stand in the file. None where there is no file yet. */
export async function auditTrail(path: string): Promise<readonly unknown[]> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.subarray(0, bytesRead).toString().split('\n');
    // The first may begin before the tail; a last without its end is still being written.
    return lines.slice(start === 0 ? 0 : 1, -1).slice(-MOST_ENTRIES).toReversed().flatMap(entryOf);
  } finally {
    await file.close();
  }
}

/** A damaged line is the check's matter: here it is left out. */
function entryOf(line: string): readonly unknown[] {
  try {
    return [JSON.parse(line) as unknown];
  } catch {
    return [];
  }
}
