/**
 * One unambiguous byte form of a JSON value: what digests, checks and associated data are computed over.
 *
 * Every part says its type and its length before itself, so no two values share a form: `["ab", "c"]` is not
 * `["a", "bc"]`, 1 is not "1", and an absent field is not an empty one.
 */
import { VaultError } from './errors.ts';

/** Ours nest to five; a hostile file could nest until the stack ends. */
const MAX_DEPTH = 16;

/**
 * `n` null · `t` true · `f` false · `d` number (length, shortest decimal) · `s` string (length, UTF-8) · `a` array (count, items)
 * · `o` object (count, then key and value, keys in UTF-16 order). Lengths and counts are 4 bytes, big-endian.
 * Throws `damaged` for what has no such form: lone surrogates, NaN, too deep.
 */
export function canonical(value: unknown): Buffer {
  const parts: Buffer[] = [];
  append(parts, value, 0);
  return Buffer.concat(parts);
}

function append(parts: Buffer[], value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new VaultError('damaged', 'nested too deeply');
  if (value === null) parts.push(head('n'));
  else if (typeof value === 'boolean') parts.push(head(value ? 't' : 'f'));
  else if (typeof value === 'number') appendNumber(parts, value);
  else if (typeof value === 'string') appendText(parts, value);
  else if (Array.isArray(value)) {
    parts.push(head('a', value.length));
    for (const item of value) append(parts, item, depth + 1);
  } else if (typeof value === 'object') appendObject(parts, value, depth);
  else throw new VaultError('damaged', `a ${typeof value} where JSON was expected`);
}

function appendObject(parts: Buffer[], value: object, depth: number): void {
  // JSON leaves out what is undefined, so it is left out here.
  const entries = Object.entries(value).filter(([, item]) => item !== undefined).sort(([left], [right]) => (left < right ? -1 : 1));
  parts.push(head('o', entries.length));
  for (const [key, item] of entries) {
    appendText(parts, key);
    append(parts, item, depth + 1);
  }
}

function appendNumber(parts: Buffer[], value: number): void {
  if (!Number.isFinite(value)) throw new VaultError('damaged', 'a number that is not finite');
  const text = Buffer.from(JSON.stringify(value));
  parts.push(head('d', text.length), text);
}

function appendText(parts: Buffer[], value: string): void {
  const text = Buffer.from(value);
  // A lone surrogate becomes U+FFFD in UTF-8: two strings would share one form.
  if (text.toString() !== value) throw new VaultError('damaged', 'text that is not valid Unicode');
  parts.push(head('s', text.length), text);
}

function head(type: string, length?: number): Buffer {
  const buffer = Buffer.alloc(length === undefined ? 1 : 5);
  buffer.write(type, 'latin1');
  if (length !== undefined) buffer.writeUInt32BE(length, 1);
  return buffer;
}
