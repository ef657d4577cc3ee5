/** The small schemas that every file is made of. */
import { z } from 'zod';
import type { Deadlines } from '../types.ts';
import { parseDuration, parseSize } from './units.ts';

export const text = z.string().trim().min(1);

export const wholeNumber = (minimum: number, maximum = Number.MAX_SAFE_INTEGER): z.ZodInt => z.int().min(minimum).max(maximum);

/** Milliseconds, written as `30s`. */
const durationWithin = (range: { readonly least: string; readonly most: string }) => z
  .string({ error: 'must be a duration such as 250ms, 30s, 10m, 1h or 2d' })
  .transform((written, context) => {
    const ms = parseDuration(written);
    if (ms !== undefined && ms >= (parseDuration(range.least) ?? 0) && ms <= (parseDuration(range.most) ?? 0)) return ms;
    context.addIssue(ms === undefined ? 'must be a duration such as 250ms, 30s, 10m, 1h or 2d' : `must be between ${range.least} and ${range.most}`);
    return z.NEVER;
  });

/** How long something is waited for. Beyond 2^31 ms a timer fires at once. */
export const duration = durationWithin({ least: '1ms', most: '24d' });

/** How long something is kept: up to ten years. */
export const age = durationWithin({ least: '1h', most: '3660d' });

/** Bytes, written as `32MiB`. */
export const size = (minimum: number, maximum: number, example: string) => z
  .string({ error: `must be a size such as ${example}` })
  .transform((written, context) => {
    const bytes = parseSize(written);
    if (bytes !== undefined && bytes >= minimum && bytes <= maximum) return bytes;
    context.addIssue(bytes === undefined ? `must be a size such as ${example}` : `must be between ${minimum} and ${maximum} bytes`);
    return z.NEVER;
  });

/** `off`, which is undefined, or something else. `error` says what. */
export const orOff = <S extends z.ZodType>(schema: S, error: string) => z.union([z.literal(['off', false]).transform(() => undefined), schema], { error });

/** A mapping whose every key has a default. All of its lines may be commented out, which YAML reads as nothing. */
export const group = <S extends z.ZodRawShape>(shape: S) => z.preprocess((written) => written ?? {}, z.strictObject(shape));

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** Without the keys that hold nothing: an absent key and an undefined one are different types. */
export function compact<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Defined<T>;
}

/** Of a rule or a provider. What is not named is somebody else's to say. */
export const deadlines = z.strictObject({ first_content: duration.optional(), stall: duration.optional(), total: duration.optional() });

export const toDeadlines = ({ first_content: firstContentMs, stall: stallMs, total: totalMs }: z.output<typeof deadlines>): Deadlines => compact({ firstContentMs, stallMs, totalMs });
