/** What somebody sent, held against its schema. What validates is also what `/openapi.json` tells. */
import { z } from 'zod';
import { FailureError } from './failure.ts';

/** What was sent, as the schema reads it. Throws `invalid-request` naming the first field that does not fit. */
export function check<S extends z.ZodType>(schema: S, sent: unknown): z.output<S> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  // Our own words only where there is something to say: zod copies what it is given with each question, in a shape of its own.
  const [issue] = schema.safeParse(sent, { error: describe }).error?.issues ?? parsed.error.issues;
  const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])];
  const message = (issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message) ?? 'is not understood';
  throw refused(written(path), message.charAt(0).toLowerCase() + message.slice(1));
}

/** `param`: the path of a field, as clients write it; empty for the whole body. */
export function refused(param: string, why: string): FailureError {
  return new FailureError({ kind: 'invalid-request', message: `${param || 'the body'}: ${why}`, ...(param && { param }) });
}

/** `messages[0].content`. */
function written(path: readonly PropertyKey[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`)).join('');
}

const KINDS: Readonly<Record<string, string>> = { string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', object: 'an object', record: 'an object', array: 'a list' };

/** A schema's own words go before these. */
const describe: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys') return `is not known here; known are ${namesIn(issue.inst).join(', ')}`;
  if (issue.input === undefined) return 'is required';
  if (issue.code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  return undefined;
};

const namesIn = (schema: unknown): readonly string[] => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []);

/** A number between bounds. */
export function amount(least: number, most: number): z.ZodNumber {
  const error = `must be a number from ${least} to ${most}`;
  return z.number({ error }).min(least, error).max(most, error);
}

export function whole(least: number, most: number): z.ZodNumber {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, error).max(most, error);
}

/** A query's parameter. */
export const once = z.string({ error: 'must be given once' });

/** The same in a query, where everything is text. */
export function wholeText(least: number, most: number) {
  return once.meta({ type: 'integer', minimum: least, maximum: most }).transform((text) => (/^\d{1,16}$/.test(text) ? Number(text) : Number.NaN)).pipe(whole(least, most));
}

/** Text with something in it. */
export const filled = z.string().min(1, 'must be text');

/** A moment with its zone: one without would mean another on another machine. Read as epoch milliseconds. RFC 3339. */
export const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/, 'must be a time such as 2027-01-31T00:00:00Z')
  .meta({ format: 'date-time' })
  .transform((text) => Date.parse(text))
  .pipe(z.number({ error: 'must be a time such as 2027-01-31T00:00:00Z' }));
