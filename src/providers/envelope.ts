/** Every shape an error comes in, read into one. */
import { given, isRecord, listAt, numberAt, parseJson, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';

export interface Complaint {
  /** The provider's own sentence; with OpenRouter's relayed errors, what the provider behind it said as well. */
  readonly message: string;
  /** Whatever the provider names the error by: types, codes, statuses, reasons. Lower case. */
  readonly names: readonly string[];
  readonly code?: string;
  readonly param?: string;
  /** The status the error itself speaks of, where it does. */
  readonly status?: number;
  /** OpenRouter's `metadata`. */
  readonly metadata: Json;
  /** Google's `details`. */
  readonly details: readonly Json[];
  /** Cloudflare's own words, which stands before many providers and speaks JSON to whoever asks for it (blog.cloudflare.com/rfc-9457-agent-error-pages). */
  readonly atEdge: boolean;
}

/** Whether a payload inside a 200 is an error. An answer has choices, an error has not, or says so. */
export function isComplaint(value: unknown): boolean {
  if (Array.isArray(value)) return isRecord(value[0]) && Boolean(value[0]['error']);
  if (!isRecord(value)) return false;
  if (value['error'] || recordAt(value, 'x_groq')?.['error']) return true;
  if ('choices' in value || 'usage' in value) return false;
  return value['object'] === 'error' || value['success'] === false || 'detail' in value || typeof value['message'] === 'string';
}

/** In characters. The longest recorded refusal has 400; what is longer quotes something, and need not be searched. */
const LONGEST = 2000;

/** Undefined where the body is not JSON, or JSON that says nothing. */
export function readComplaint(body: string): Complaint | undefined {
  const parsed = parseJson(body);
  const outer: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!isRecord(outer)) return undefined;
  const inner = innermost(outer);
  const metadata = recordAt(inner, 'metadata') ?? {};
  const message = sentence(outer, inner);
  const relayed = relayedBy(metadata);
  return {
    message: (relayed === undefined ? message : `${message}: ${relayed}`).slice(0, LONGEST),
    names: namesOf(outer, inner, metadata),
    ...given('code', textAt(inner, 'code')),
    ...given('param', textAt(inner, 'param') ?? pathOf(detailsOf(outer)[0]?.['loc'])),
    ...given('status', statusOf(outer, inner)),
    metadata,
    details: listAt(inner, 'details'),
    atEdge: outer['cloudflare_error'] === true,
  };
}

/** Where an answer gave up: OpenRouter says why in the choice itself. */
export const choiceError = (value: Json): Json | undefined => recordAt(listAt(value, 'choices').find(({ error }) => isRecord(error)), 'error');

/** `{error: {…}}`, one more around it from a gateway in between, `{errors: [{…}]}`, a choice's, Groq's `x_groq.error`, or the object itself. */
function innermost(outer: Json): Json {
  const group = recordAt(outer, 'x_groq');
  const error = recordAt(outer, 'error');
  return recordAt(error, 'error') ?? error ?? listAt(outer, 'errors')[0] ?? choiceError(outer) ?? recordAt(group, 'error') ?? (typeof group?.['error'] === 'string' ? { message: group['error'] } : outer);
}

function sentence(outer: Json, inner: Json): string {
  const details = detailsOf(outer).map((entry) => [pathOf(entry['loc']), textAt(entry, 'msg')].filter(Boolean).join(' ')).join('; ') || undefined;
  return textAt(inner, 'message') ?? textAt(outer, 'error') ?? textAt(outer, 'message') ?? textAt(outer, 'detail') ?? details ?? textAt(outer, 'title') ?? '';
}

/** FastAPI's list of what is wrong; Mistral hides it inside its message. */
const detailsOf = (outer: Json): readonly Json[] => [...listAt(outer, 'detail'), ...listAt(recordAt(outer, 'message'), 'detail')];

const pathOf = (loc: unknown): string | undefined => (Array.isArray(loc) ? loc.filter((step) => step !== 'body').join('.') : undefined);

/** `metadata.raw` is plain text or a JSON string of the other provider's own envelope. */
function relayedBy(metadata: Json): string | undefined {
  const raw = textAt(metadata, 'raw');
  if (raw === undefined || raw === '') return undefined;
  return readComplaint(raw)?.message ?? raw;
}

function namesOf(outer: Json, inner: Json, metadata: Json): readonly string[] {
  const own = ['type', 'code', 'status'].flatMap((name) => [inner[name], outer[name]]);
  const openrouter = ['error_type', 'limit_source', 'reason', 'failed_routing_step'].map((name) => metadata[name]);
  const google = listAt(inner, 'details').map((entry) => entry['reason']);
  const found = [...own, ...openrouter, ...google].filter((name) => typeof name === 'string' || typeof name === 'number');
  return [...new Set(found.map((name) => String(name).toLowerCase()))];
}

function statusOf(outer: Json, inner: Json): number | undefined {
  const places = [[inner, 'code'], [inner, 'status'], [outer, 'status_code'], [inner, 'raw_status_code'], [outer, 'status']] as const;
  return places.map(([place, name]) => numberAt(place, name)).find((number) => number !== undefined && number >= 400 && number <= 599);
}
