/** Reading JSON somebody else wrote: nothing is where it should be until it was looked at. */
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
