/**
 * Reads JSON that an operator sent or a file holds: every field named, typed and bounded.
 * Throws `invalid-request` with the path of the first that is wrong.
 */
import { FailureError } from '../failure.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const mistake = (path: string, message: string): FailureError =>
  new FailureError({ kind: 'invalid-request', message: path === '' ? `the body ${message}` : `${path} ${message}`, ...(path !== '' && { param: path }) });

export function readFields(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mistake(path, 'must be an object');
  return Object.fromEntries(Object.entries(value));
}

export function refuseOthers(given: Fields, known: readonly string[], path = ''): void {
  const other = Object.keys(given).find((name) => !known.includes(name));
  if (other !== undefined) throw mistake(path === '' ? other : `${path}.${other}`, `is not known here; known are ${known.join(', ')}`);
}

export function readText(value: unknown, path: string, shape: RegExp, expected: string): string {
  if (typeof value === 'string' && shape.test(value)) return value;
  throw mistake(path, `must be ${expected}`);
}

export function readNumber(value: unknown, path: string, { least, most, whole = true }: { readonly least: number; readonly most: number; readonly whole?: boolean }): number {
  if (typeof value === 'number' && value >= least && value <= most && (Number.isInteger(value) || (!whole && Number.isFinite(value)))) return value;
  throw mistake(path, `must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}`);
}

/** Epoch milliseconds of an RFC 3339 time with its zone: one without would mean another moment on another machine. */
export function readTime(value: unknown, path: string): number {
  const at = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(at)) return at;
  throw mistake(path, 'must be a time such as 2027-01-31T00:00:00Z');
}

export function readList<T>(value: unknown, path: string, each: (item: unknown, path: string) => T): readonly T[] {
  if (!Array.isArray(value)) throw mistake(path, 'must be a list');
  return value.map((item: unknown, index) => each(item, `${path}[${index}]`));
}
