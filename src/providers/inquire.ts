/** Questions that cost no quota: which models there are, and whether a key is good. */
import { FailureError, failureOf } from '../failure.ts';
import type { Clock, Fact, Provider } from '../types.ts';
import type { Http, HttpAnswer } from './call.ts';
import { dialects } from './dialects.ts';
import { explain } from './explain.ts';
import { given, isRecord, numberAt, parseJson, recordAt } from './json.ts';
import type { Json } from './json.ts';
import { DAY_SECONDS, readHeaderFacts } from './limits.ts';
import { nextMidnight } from './reset.ts';

export interface KeyCheck {
  readonly ok: boolean;
  /** What the key is allowed, where the provider says, e.g. "free tier". */
  readonly tier?: string;
  readonly facts: readonly Fact[];
  /** For people. */
  readonly message: string;
}

export interface Inquiry {
  /** Parsed JSON. Throws a FailureError for a refusal or an answer that is none. */
  listModels(provider: Provider, credential?: string, signal?: AbortSignal): Promise<unknown>;
  /** Throws a FailureError only where nothing could be learned of the key: an outage is not a bad key. */
  checkKey(provider: Provider, credential: string, signal?: AbortSignal): Promise<KeyCheck>;
}

/** OpenRouter's list of 430 models is 1 MB. */
const LIST_CHARACTERS = 16 * 1024 * 1024;
const STALL_MS = 10_000;
const WHOLE_MS = 30_000;

export function createInquiry({ http, now }: { readonly http: Http; readonly now: Clock }): Inquiry {
  const ask = async (provider: Provider, path: string, credential: string | undefined, signal: AbortSignal): Promise<{ answer: HttpAnswer; body: unknown }> => {
    const url = new URL(`${provider.baseUrl}${path}`);
    const headers = { ...provider.headers, accept: 'application/json', ...(credential !== undefined && dialects.get(provider.dialect)?.authorize(credential)) };
    const call = (): Promise<HttpAnswer> => http.call({ method: 'GET', url: url.href, headers }, { origin: url.origin, stallMs: STALL_MS }, signal);
    const answer = await call().catch((error: unknown) => {
      if (failureOf(error).kind !== 'stale-connection') throw error;
      return call();
    });
    const text = await wholeText(answer);
    const body = credential === undefined ? text : text.replaceAll(credential, '[key]');
    if (answer.status < 200 || answer.status > 299) throw new FailureError(explain({ ...answer, body, provider: provider.name, model: '' }, now()));
    const parsed = parseJson(body);
    if (parsed === undefined) throw new FailureError({ kind: 'broken-answer', message: `${provider.name} answered ${path} with something that is not JSON` });
    return { answer, body: parsed };
  };

  return {
    async listModels(provider, credential, signal) {
      return (await ask(provider, '/models', credential, limited(signal))).body;
    },
    async checkKey(provider, credential, signal) {
      // Public lists answer any key: where no path of the provider's tells good from bad, none is asked.
      if (provider.keyCheckPath === undefined) return { ok: true, facts: [], message: `${provider.title} has no way to check a key without using it` };
      try {
        const { answer, body } = await ask(provider, provider.keyCheckPath, credential, limited(signal));
        return accepted(provider, isRecord(body) ? recordAt(body, 'data') : undefined, readHeaderFacts({ ...answer, provider: provider.name }, now()), now());
      } catch (error) {
        const failure = failureOf(error);
        if (failure.kind !== 'credential' && failure.kind !== 'balance') throw error;
        return { ok: false, facts: [], message: failure.message };
      }
    },
  };
}

function limited(signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(WHOLE_MS);
  return signal === undefined ? limit : AbortSignal.any([limit, signal]);
}

/** OpenRouter's `/key` tells the day's free calls by the counter that enforces them; it may lag, so it is a lower bound. */
function accepted(provider: Provider, key: Json | undefined, facts: readonly Fact[], now: number): KeyCheck {
  const daily = recordAt(key, 'free_model_daily_requests');
  const limit = numberAt(daily, 'limit');
  const remaining = numberAt(daily, 'remaining');
  const tier = typeof key?.['is_free_tier'] === 'boolean' ? (key['is_free_tier'] ? 'free tier' : 'has bought credits') : undefined;
  if (limit === undefined) return { ok: true, ...given('tier', tier), facts, message: `${provider.title} accepts the key` };
  const left = remaining === undefined ? undefined : Math.max(0, remaining);
  const today: Fact = { unit: 'requests', seconds: DAY_SECONDS, scope: 'pool', limit, ...given('remaining', left), resetAt: nextMidnight(now, 'UTC'), source: 'endpoint' };
  const message = `${provider.title} accepts the key: ${limit} free requests a day${left === undefined ? '' : `, ${left} left`}`;
  return { ok: true, ...given('tier', tier), facts: [...facts, today], message };
}

async function wholeText(answer: HttpAnswer): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let characters = 0;
  for await (const chunk of answer.bytes) {
    const part = decoder.decode(chunk, { stream: true });
    characters += part.length;
    if (characters > LIST_CHARACTERS) throw new FailureError({ kind: 'broken-answer', message: 'a list of more than 16 MiB is no list' });
    parts.push(part);
  }
  return parts.join('');
}
