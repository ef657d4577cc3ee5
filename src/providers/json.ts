/** Reading JSON somebody else wrote: nothing is where it should be until it was looked at. */
import { isDeeperThan } from '../depth.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Ten times what a client may send us; at five times as much `JSON.stringify` overflows the stack. */
const DEEPEST = 1000;

/** Undefined, too, where it is nested too deep to be gone through and written anew. */
export function parseAnswer(text: string): unknown {
  const value = parseJson(text);
  // A level has two characters: the pieces of a stream need no look.
  return text.length > 2 * DEEPEST && isDeeperThan(value, DEEPEST) ? undefined : value;
}

export function recordAt(value: Json | undefined, name: string): Json | undefined {
  const found = value?.[name];
  return isRecord(found) ? found : undefined;
}

/** A finite number, or a string that is one: providers write both. */
export function numberAt(value: Json | undefined, name: string): number | undefined {
  const found = value?.[name];
  const number = typeof found === 'string' && found.trim() !== '' ? Number(found) : found;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Ten times the longest context there is: more is no count, and believed it would fill a month's window. */
const MOST_COUNTED = 1e8;

/** Of tokens, seconds and the like, whole or begun. */
export function countAt(value: Json | undefined, name: string): number | undefined {
  const number = numberAt(value, name);
  return number !== undefined && number >= 0 && number <= MOST_COUNTED ? Math.ceil(number) : undefined;
}

export function textAt(value: Json | undefined, name: string): string | undefined {
  const found = value?.[name];
  return typeof found === 'string' ? found : undefined;
}

export function listAt(value: Json | undefined, name: string): readonly Json[] {
  const found = value?.[name];
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

/** A property where there is a value, and no property where there is none: to be spread. */
export function given<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}
