/**
 * What YAML files came to when they were last read right. Parsing the catalogue and the rules takes a fresh process 0.3 s, a
 * third of its start; reading back what they came to takes a millisecond. A cache: without it all is as it was, only later.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { replaceFile } from '../files.ts';
import type { Source } from './document.ts';

export interface Parsed {
  /** Undefined: the file had another text. */
  readonly find: (source: Source) => unknown;
  readonly keep: (source: Source, value: unknown) => void;
}

export interface ParsedOptions {
  /** Where it is kept. */
  readonly path: string;
  /** Another version may read the same text in another way. */
  readonly version: string;
}

/** By file: the digest of its text, and what that came to. */
const kept = z.object({ version: z.string(), files: z.record(z.string(), z.object({ digest: z.string(), value: z.unknown() })) });
type Kept = z.infer<typeof kept>;

export function createParsed({ path, version }: ParsedOptions): Parsed {
  const { files } = read(path, version);
  return {
    find({ text, file }) {
      const known = files[file];
      return known?.digest === digestOf(text) ? known.value : undefined;
    },
    keep({ text, file }, value) {
      // YAML says things that JSON cannot, such as .inf.
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)) return;
      files[file] = { digest: digestOf(text), value };
      write(path, { version, files });
    },
  };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

function read(path: string, version: string): Kept {
  try {
    const found = kept.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (found.version === version) return found;
  } catch {
    // Parsed anew, and written over.
  }
  return { version, files: {} };
}

/** Where it cannot be written the next start parses again. */
function write(path: string, next: Kept): void {
  try {
    replaceFile(path, JSON.stringify(next));
  } catch {
    return;
  }
}
