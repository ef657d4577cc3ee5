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
export const canonical = (value: unknown): Buffer => Buffer.from(encode(value, 0), 'latin1');

/** One character a byte: V8 joins strings faster than anything joins buffers. */
function encode(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new VaultError('damaged', 'nested too deeply');
  if (value === null) return 'n';
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'string') return encodeText(value);
  if (typeof value === 'number' && Number.isFinite(value)) return measured('d', JSON.stringify(value));
  if (Array.isArray(value)) return counted('a', value.length) + value.map((item: unknown) => encode(item, depth + 1)).join('');
  if (typeof value === 'object') return encodeObject(value, depth);
  throw new VaultError('damaged', `a ${typeof value} where JSON was expected`);
}

function encodeObject(value: object, depth: number): string {
  // JSON leaves out what is undefined, so it is left out here.
  const entries = Object.entries(value).filter(([, item]) => item !== undefined).sort(([left], [right]) => (left < right ? -1 : 1));
  return counted('o', entries.length) + entries.map(([key, item]) => encodeText(key) + encode(item, depth + 1)).join('');
}

function encodeText(value: string): string {
  const bytes = Buffer.from(value);
  if (bytes.length === value.length) return measured('s', value);
  // A lone surrogate becomes U+FFFD in UTF-8: two strings would share one form.
  if (bytes.toString() !== value) throw new VaultError('damaged', 'text that is not valid Unicode');
  return measured('s', bytes.toString('latin1'));
}

const measured = (type: string, text: string): string => counted(type, text.length) + text;

const counted = (type: string, count: number): string => type + String.fromCharCode((count >>> 24) & 255, (count >>> 16) & 255, (count >>> 8) & 255, count & 255);
