/**
 * Reads parsed JSON of a file nobody has vouched for yet: every field named, typed and bounded, nothing left over.
 * Throws `damaged` with the path of the first thing that does not fit.
 */
import { VaultError } from './errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

const wrong = (path: string, expected: string): VaultError => new VaultError('damaged', `${path || 'the file'} must be ${expected}`);

export function fields(value: unknown, path: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object');
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(`${path}.${unknown.slice(0, 80)}`.replace(/^\./, ''), 'absent');
  return Object.fromEntries(Object.entries(value));
}

export function text(value: unknown, path: string, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw wrong(path, `text like ${String(pattern)}`);
  return value;
}

export function oneOf<T extends string>(names: readonly T[], value: unknown, path: string): T {
  const found = names.find((name) => name === value);
  if (found === undefined) throw wrong(path, `one of ${names.join(', ')}`);
  return found;
}

export function integer(value: unknown, path: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) throw wrong(path, `a whole number from ${min} to ${max}`);
  return value;
}

export function flag(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false');
  return value;
}

export function list<T>(value: unknown, path: string, max: number, each: (item: unknown, path: string) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > max) throw wrong(path, `a list of at most ${max}`);
  return value.map((item: unknown, index) => each(item, `${path}[${index}]`));
}

export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}
