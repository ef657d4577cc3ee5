import { isObject } from './tokens.ts';

const SAMPLES: Readonly<Record<string, unknown>> = { string: 'example', number: 3.14, integer: 42, boolean: true, null: null };

/** Deeper than this a recursive schema ends in null. */
const MAX_DEPTH = 8;

/** A value that a JSON schema accepts, the same every time. Strings carry `hint` where the schema leaves them open. */
export function sample(schema: unknown, hint: string, depth = 0): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH) return null;
  if ('const' in schema) return schema['const'];
  const { enum: choices, anyOf, oneOf, properties, items, type } = schema;
  const options = choices ?? anyOf ?? oneOf;
  if (Array.isArray(options)) {
    const first: unknown = options[0];
    return options === choices ? first : sample(first, hint, depth + 1);
  }
  const named = Array.isArray(type) ? String(type[0]) : type;
  if (named === 'object' || isObject(properties)) {
    return Object.fromEntries(Object.entries(isObject(properties) ? properties : {}).map(([name, inner]) => [name, sample(inner, hint, depth + 1)]));
  }
  if (named === 'array') return items === undefined ? [] : [sample(items, hint, depth + 1)];
  if (named === 'string' && hint !== '') return hint;
  return SAMPLES[String(named)] ?? null;
}
