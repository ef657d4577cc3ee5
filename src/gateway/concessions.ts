/** Parameters a model refuses and an answer can do without: left out for that model, and told. */
import type { Failure } from '../failure.ts';
import type { ChatRequest, Target } from '../types.ts';
import type { Untaken } from './untaken.ts';

export interface Concessions {
  /** The request as this target takes it. */
  readonly fit: (target: Target) => ChatRequest;
  /** Leaves out what the target refused. False: it refused something else, or what cannot be left out. */
  readonly concede: (target: Target, failure: Failure) => boolean;
  /** What the client asked for and this target is not asked: conceded, or never taken by its provider. */
  readonly dropped: (target: Target) => readonly string[];
}

/** They colour an answer. Everything else changes what is asked, or what the client will look for in the answer. */
const OPTIONAL: ReadonlySet<string> = new Set([
  'frequency_penalty', 'logit_bias', 'metadata', 'min_p', 'parallel_tool_calls', 'prediction', 'presence_penalty', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention',
  'reasoning_effort', 'repetition_penalty', 'safety_identifier', 'seed', 'service_tier', 'store', 'temperature', 'top_a', 'top_k', 'top_p', 'user', 'verbosity',
]);

/** Who asks for more than a model ever writes is refused, and means all it writes. */
const MAXIMA: ReadonlySet<string> = new Set(['max_tokens', 'max_completion_tokens']);

/** Whether it is asked in the very words it came in: then nothing is left out of them. */
export const isInItsOwnWords = ({ original }: ChatRequest, { provider }: Target): boolean => original?.dialect === provider.dialect;

/** `untaken`: what others found out. */
export function createConcessions(request: ChatRequest, untaken: Untaken): Concessions {
  const conceded = new Map<string, ReadonlySet<string>>();
  // A form goes as it came.
  const isForm = request.relay?.form !== undefined;
  const of = (target: Target): ReadonlySet<string> => {
    const own = conceded.get(keyOf(target));
    const others = isForm || isInItsOwnWords(request, target) ? NONE : untaken.of(target);
    if (others.size === 0) return own ?? NONE;
    return new Set([...(own ?? []), ...[...others].filter((field) => asks(request.body, field))]);
  };
  return {
    fit(target) {
      const without = of(target);
      const most = target.model.maxOutput ?? Number.POSITIVE_INFINITY;
      const asksTooMuch = (request.maxOutput ?? 0) > most;
      if (without.size === 0 && !asksTooMuch) return request;
      const left = Object.entries(request.body).filter(([name]) => !without.has(name));
      return { ...request, body: Object.fromEntries(asksTooMuch ? left.map(([name, value]) => [name, MAXIMA.has(name) && typeof value === 'number' ? Math.min(value, most) : value]) : left) };
    },
    concede(target, failure) {
      if (failure.kind !== 'caller' || isForm || isInItsOwnWords(request, target)) return false;
      const known = of(target);
      const blamed = failure.anyField === true ? Object.keys(request.body) : failure.param === undefined ? [] : [failure.param];
      const fresh = blamed.filter((field) => OPTIONAL.has(field) && Object.hasOwn(request.body, field) && !known.has(field));
      if (fresh.length === 0) return false;
      conceded.set(keyOf(target), new Set([...known, ...fresh]));
      // A value may be wrong only once, and who insists on everything says nothing of each.
      if (failure.unknownField === true) for (const field of fresh) untaken.noted(target, field);
      return true;
    },
    dropped: (target) => (isForm || isInItsOwnWords(request, target) ? [] : [...new Set([...of(target), ...target.provider.omit.filter((field) => asks(request.body, field))])]),
  };
}

/** `field`, or `list.field` of any entry. */
function asks(body: ChatRequest['body'], path: string): boolean {
  const [field = '', inner] = path.split('.');
  const value = body[field];
  if (inner === undefined) return value !== undefined && value !== null;
  return Array.isArray(value) && value.some((entry: unknown) => typeof entry === 'object' && entry !== null && says((entry as Readonly<Record<string, unknown>>)[inner]));
}

/** Clients say back an answer's fields, also those that hold nothing. */
const says = (value: unknown): boolean => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

const NONE: ReadonlySet<string> = new Set();

const keyOf = ({ provider, model }: Target): string => `${provider.name}/${model.name}`;
