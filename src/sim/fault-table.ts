/**
 * Everything a simulator can do wrong, as one table. The same words serve tests, files and the control port.
 */
import { z } from 'zod';
import { PROVIDER_NAMES } from './types.ts';

/**
 * When: once the request was read, once the headers were sent, or after so many content events. Content is text,
 * reasoning or a tool call: role-only frames, comments and usage do not count. In a JSON answer any number is its middle.
 */
const after = z.union([z.enum(['request', 'headers']), z.int().min(0)], { error: 'must be request, headers or a number of content events' }).default('request');
export type Point = z.output<typeof after>;

const ms = z.number().nonnegative();
const bytes = z.int().positive();
/** `null` leaves the header out. */
const headers = z.record(z.string(), z.string().nullable()).default({});

const MEGABYTE = 1024 * 1024;

export const SHAPES = ['own', 'openai', 'anthropic', 'openrouter', 'groq', 'cerebras'] as const;

const kinds = [
  // ── another answer ──
  /** Any status, headers and body: redirects, odd 4xx and 5xx, pages, anything recorded elsewhere. An object is sent as JSON. */
  z.strictObject({ kind: z.literal('answer'), status: z.int().min(200).max(599).default(200), headers, body: z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())]).default('') }),
  /** One of the provider's recorded refusals by name; another status makes it an error object in a 200. */
  z.strictObject({ kind: z.literal('refusal'), name: z.string(), status: z.int().min(200).max(599).optional(), headers }),
  /** A login or challenge page. */
  z.strictObject({ kind: z.literal('html'), status: z.int().min(200).max(599).default(200) }),
  /** A finished answer without content or usage. */
  z.strictObject({ kind: z.literal('empty') }),
  /** JSON where a stream was asked for, and the other way round. */
  z.strictObject({ kind: z.literal('swap') }),

  // ── the connection ──
  /** Nobody listens. For a whole provider only, and only where each has a port of its own. */
  z.strictObject({ kind: z.literal('refused') }),
  /** Nothing more comes, and the connection stays open. */
  z.strictObject({ kind: z.literal('silence'), after }),
  z.strictObject({ kind: z.literal('reset'), after }),
  /** The connection ends as if it were done, in the middle of HTTP. */
  z.strictObject({ kind: z.literal('close'), after }),
  /** The good answer, so much later. */
  z.strictObject({ kind: z.literal('slow'), ms }),

  // ── HTTP ──
  z.strictObject({ kind: z.literal('status-line'), text: z.string().default('HTTP/7.1 banana') }),
  /** These bytes, one a character, in place of anything of HTTP's; then the connection ends. */
  z.strictObject({ kind: z.literal('bytes'), text: z.string().regex(/^[\0-\u00ff]*$/, { error: 'must have no character above U+00FF' }) }),
  z.strictObject({ kind: z.literal('oversized-headers'), bytes: bytes.default(MEGABYTE) }),
  z.strictObject({ kind: z.literal('bad-chunk'), after: after.default('headers') }),
  /** The stated length is off by so much. */
  z.strictObject({ kind: z.literal('length'), by: z.int().default(10) }),
  z.strictObject({ kind: z.literal('gzip'), content: z.enum(['garbage', 'bomb', 'cut']), bytes: bytes.default(64 * MEGABYTE) }),

  // ── the stream ──
  /** HTTP ends as it should, the answer does not. */
  z.strictObject({ kind: z.literal('end'), after: after.default('headers') }),
  /** The last half of the bytes is missing; HTTP ends as it should. */
  z.strictObject({ kind: z.literal('cut') }),
  z.strictObject({ kind: z.literal('leave-out'), parts: z.array(z.enum(['role', 'content', 'finish', 'usage', 'done'])).min(1) }),
  z.strictObject({ kind: z.literal('malformed'), after: after.default('headers'), text: z.string().default('{"choices":[{"delta":{"content":"oo') }),
  z.strictObject({ kind: z.literal('error-event'), after: after.default('headers'), shape: z.enum(SHAPES).default('own'), next: z.enum(['end', 'done', 'continue']).default('end') }),
  /** Comments for ever. */
  z.strictObject({ kind: z.literal('comments'), after: after.default('headers'), ms: ms.default(50), text: z.string().default('keep-alive') }),
  /** One event that does not end for so many bytes. */
  z.strictObject({ kind: z.literal('long-event'), after: after.default('headers'), bytes: bytes.default(10 * MEGABYTE) }),
  /** The same content for ever. */
  z.strictObject({ kind: z.literal('endless'), ms: ms.default(0) }),
  /** The good answer in pieces of so many bytes, so far apart; a large size puts everything into one segment. */
  z.strictObject({ kind: z.literal('framing'), bytes: bytes.default(1), ms: ms.default(0), newline: z.enum(['lf', 'crlf', 'cr']).default('lf'), bom: z.boolean().default(false) }),
] as const;

export const faultSchema = z.discriminatedUnion('kind', kinds, {
  error: ({ code }) => (code === 'invalid_union' ? `no such fault; there are ${kinds.map(({ shape }) => shape.kind.value).join(', ')}` : undefined),
});

export type Fault = z.output<typeof faultSchema>;

/** A fault and whom it meets. What is not said matches anything; `path` is chat completions unless said, `*` all. */
export const ruleSchema = z.strictObject({
  provider: z.enum(PROVIDER_NAMES).optional(),
  account: z.string().optional(),
  organization: z.string().optional(),
  model: z.string().optional(),
  path: z.string().default('/chat/completions'),
  /** Of the calls that match, only these, counted from 1. */
  nth: z.union([z.int().positive(), z.array(z.int().positive()).min(1)]).optional(),
  /** Only so often. */
  times: z.int().positive().optional(),
  /** Only so likely. The chances follow from the seed. */
  probability: z.number().min(0).max(1).optional(),
  fault: faultSchema,
});

export type FaultRule = z.output<typeof ruleSchema>;
export type FaultRuleInput = z.input<typeof ruleSchema>;

export const faultsSchema = z.strictObject({ faults: z.array(ruleSchema).default([]) });
