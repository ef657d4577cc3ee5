/** What everybody who writes files needs and Node leaves to each. */
import { renameSync, writeFileSync, writeSync } from 'node:fs';

/** The system's code of an error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Throws what the system says, and where only a part was written: a full disk may take one without an error. */
export function writeWhole(descriptor: number, bytes: Uint8Array): void {
  const written = writeSync(descriptor, bytes);
  if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
}

/** Whoever reads finds the old text or the new one. A power cut may lose both: only for what can be made again. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
