/** Asks the provider whether a key is good, where it has a door for that which costs no quota. */
import { FailureError } from '../../failure.ts';
import type { Http } from '../../providers/call.ts';
import { dialects } from '../../providers/dialects.ts';
import { parseJson, numberAt, recordAt, isRecord } from '../../providers/json.ts';
import { readText } from '../../providers/text.ts';
import type { Provider } from '../../types.ts';

export type KeyCheck =
  | { readonly result: 'good'; /** What the provider says of it: tier, what is left today. */ readonly says?: string }
  | { readonly result: 'refused'; readonly reason: string }
  /** Neither yes nor no: unreachable, overloaded. */
  | { readonly result: 'unknown'; readonly reason: string }
  | { readonly result: 'uncheckable' };

export interface CheckOptions {
  readonly http: Http;
  readonly provider: Provider;
  readonly key: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A person waits: a provider that needs longer is not well. */
const PATIENCE_MS = 10_000;

export async function checkKey({ http, provider, key, now, signal }: CheckOptions): Promise<KeyCheck> {
  const { baseUrl, keyCheckPath, headers, name } = provider;
  if (keyCheckPath === undefined) return { result: 'uncheckable' };
  try {
    const { origin } = new URL(baseUrl);
    const request = { method: 'GET', url: `${baseUrl}${keyCheckPath}`, headers: { ...headers, accept: 'application/json', authorization: `Bearer ${key}` } } as const;
    const answer = await http.call(request, { origin, stallMs: PATIENCE_MS }, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
    const body = (await readText(answer, PATIENCE_MS)).replaceAll(key, '[key]');
    if (answer.status >= 200 && answer.status <= 299) return good(body);
    const failure = dialects.get(provider.dialect)?.explain({ status: answer.status, headers: answer.headers, body, provider: name, model: '' }, now());
    const reason = failure?.message ?? `answered ${answer.status}`;
    return failure?.kind === 'credential' || failure?.kind === 'balance' || failure?.kind === 'model-access' ? { result: 'refused', reason } : { result: 'unknown', reason };
  } catch (error) {
    if (signal.aborted || !(error instanceof FailureError)) throw error;
    return { result: 'unknown', reason: error.failure.kind === 'cancelled' ? `no answer within ${PATIENCE_MS / 1000} s` : error.failure.message };
  }
}

/** OpenRouter tells of the key itself; lists of models say nothing more than yes. */
function good(body: string): KeyCheck {
  const parsed = parseJson(body);
  const data = isRecord(parsed) ? recordAt(parsed, 'data') : undefined;
  const today = recordAt(data, 'free_model_daily_requests');
  const limit = numberAt(today, 'limit');
  const remaining = numberAt(today, 'remaining');
  const says = [
    ...(data?.['is_free_tier'] === true ? ['free tier'] : []),
    ...(limit !== undefined ? [`${remaining === undefined ? '' : `${remaining} of `}${limit} free requests left today`] : []),
  ];
  return { result: 'good', ...(says.length > 0 && { says: says.join(', ') }) };
}
