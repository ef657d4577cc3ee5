/** When two questions are the same one. */
import { createHash } from 'node:crypto';
import type { ChatRequest } from '../types.ts';

/** How an answer is delivered, or whom it is for: not what it says. */
const BESIDE_THE_QUESTION: ReadonlySet<string> = new Set(['metadata', 'prompt_cache_key', 'safety_identifier', 'service_tier', 'store', 'stream', 'stream_options', 'user']);

/** What leaving a field out means everywhere. Other fields' defaults are each model's own. */
const DEFAULTS: Readonly<Record<string, unknown>> = { frequency_penalty: 0, logprobs: false, n: 1, presence_penalty: 0 };

export interface KeyScope {
  readonly rule: string;
  /** One answer serves all virtual keys. */
  readonly shared: boolean;
}

/** A digest of the question in its canonical form, by the rule it takes and, unless shared, the virtual key that asks. */
export function keyOf({ body, caller, relay, stream, original }: ChatRequest, { rule, shared }: KeyScope): string {
  // An answer in a provider's own words is for who asked in them.
  const asked = Object.entries(original?.body ?? body).filter(([name, value]) => !BESIDE_THE_QUESTION.has(name) && value !== undefined && value !== null && value !== DEFAULTS[name]);
  // What is relayed is kept as it came, a stream as the bytes of one.
  const form = relay === undefined ? (original === undefined ? [] : [original.dialect, original.beta ?? '', stream]) : [relay.path, stream];
  const scope = shared ? [] : [caller.id ?? caller.key];
  return createHash('sha256').update(JSON.stringify([rule, form, scope, sorted(Object.fromEntries(asked))])).digest('base64url');
}

/** The same whatever order an object's fields were written in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]);
}
