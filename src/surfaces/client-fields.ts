/** What of a client's body is the client's to say: what it wants, never where to or on whose credential. */
import { z } from 'zod';

/** Words between a client and us, of every conversation. They go no further. */
export const ownWords = { dry_run: z.boolean().nullish(), max_context_tokens: z.int().positive().nullish() };
const OWN_WORDS = Object.keys(ownWords);

/** Fields by which other gateways take a destination or a credential, and words between it and us. */
const NOT_THEIRS = [...OWN_WORDS, 'api_base', 'api_key', 'api_version', 'base_url', 'extra_headers', 'headers', 'proxy'];

/** The same body where it says nothing of the kind. */
export function clientFields<T extends Readonly<Record<string, unknown>>>(body: T): T {
  if (!NOT_THEIRS.some((name) => Object.hasOwn(body, name))) return body;
  const rest: Record<string, unknown> = { ...body };
  for (const name of NOT_THEIRS) delete rest[name];
  return rest as T;
}
