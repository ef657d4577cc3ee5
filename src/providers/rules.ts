/**
 * What refusals mean, in the order to be read: what one is most surely about comes first. Texts are recorded ones in lower
 * case, and those that could harm a key or a model are read only where a sentence begins, because a client's own words may
 * be quoted further on.
 */
import { all, any, named, says, spoken, status, statusFrom, unspoken } from './case.ts';
import type { Case, Outcome, Rule } from './case.ts';
import { given, textAt } from './json.ts';
import { DAY_SECONDS, HOUR_SECONDS } from './limits.ts';

/** Money hides in a 400, a 403 and a 429 as well as in a 402, and waiting for it is no use. */
const money: readonly Rule[] = [
  { when: named('in_flight_budget_exhausted', 'openrouter_in_flight_budget'), means: { kind: 'rate-minute', scope: 'pool' } },
  { when: named('weight_exceeds_budget'), means: { kind: 'caller', param: 'max_tokens', capability: true } },
  // Some credit is left: smaller requests and free models are still served.
  { when: all(status(402), says(/can only afford [1-9]/)), means: { kind: 'balance', scope: 'account-model' } },
  { when: named('openrouter_key_limit', 'openrouter_workspace_budget', 'openrouter_guardrail_budget'), means: budget },
  {
    when: any(
      status(402),
      named('insufficient_quota', 'billing_error', 'payment_required', 'payment_required_error', 'openrouter_credits', '1113'),
      all(status(400, 403, 429), says(/^your team .* used all available credits|^your credit balance is too low|^insufficient (?:credits|balance)/)),
    ),
    means: { kind: 'balance' },
  },
];

function budget({ complaint }: Case): Outcome {
  const at = Date.parse(textAt(complaint?.metadata, 'resets_at') ?? '');
  return { kind: 'balance', ...(!Number.isNaN(at) && { retryAt: at }) };
}

const BAD_KEY = [
  /^(?:your )?api key (?:not valid|expired|was reported as leaked)/,
  /^incorrect api key/,
  /^invalid (?:x-)?api[- ]key/,
  /^authorization failed/,
  /^not authenticated/,
];

const credentials: readonly Rule[] = [
  { when: status(401), means: { kind: 'credential' } },
  { when: named('invalid_api_key', 'wrong_api_key', 'api_key_invalid', 'authentication_error', 'authentication'), means: { kind: 'credential' } },
  { when: all(status(400, 403), any(...BAD_KEY.map(says))), means: { kind: 'credential' } },
];

const edges: readonly Rule[] = [
  { when: statusFrom(300, 399), means: { kind: 'overloaded', scope: 'provider' }, say: 'a redirect, which is never followed; check base_url' },
  {
    when: all(unspoken, status(400, 403, 405, 406, 407, 421, 451)),
    means: { kind: 'overloaded', scope: 'provider' },
    say: 'turned away by something in front of the provider',
  },
  {
    when: any(
      all(unspoken, status(404)),
      named('unknown_url'),
      all(status(404, 405), says(/^unknown request url|^no route matched|^invalid url|^not found$|^method not allowed/)),
    ),
    means: { kind: 'overloaded', scope: 'provider' },
    say: 'no such address there; check base_url',
  },
];

const TOO_LONG = [
  /maximum (?:context|prompt) length/,
  /reduce the length of the messages/,
  /prompt is too long/,
  /input token count .* exceeds/,
  /exceeds the available context size/,
  /prompt tokens limit exceeded/,
];

const sizes: readonly Rule[] = [
  // What somebody in between does not let through, or a minute's tokens do not hold, says nothing of contexts: others may take it.
  { when: all(unspoken, status(413)), means: { kind: 'too-long', scope: 'provider' } },
  { when: all(status(413), ofWindow), means: { kind: 'too-long', scope: 'pool-model' } },
  { when: any(status(413), ...TOO_LONG.map(says)), means: { kind: 'too-long' } },
  { when: named('context_length_exceeded', 'token_limit_exceeded', 'string_too_long', 'exceed_context_size_error', '1261'), means: { kind: 'too-long' } },
  { when: named('payload_too_large', 'request_too_large'), means: { kind: 'too-long' } },
];

function ofWindow({ refusal: { window } }: Case): boolean {
  return window?.unit !== undefined;
}

const policies: readonly Rule[] = [
  { when: named('content_filter', 'content_policy_violation', 'refusal', 'responsibleaipolicyviolation'), means: { kind: 'policy' } },
  { when: all(status(400, 403), says(/prompt injection|flagged|content (?:management )?policy|moderation/)), means: { kind: 'policy' } },
];

const GONE = [
  /^\S+ is not a valid model id/,
  /^the model \S+ (?:has been decommissioned|does not exist|was not found)/,
  /^model \S+ (?:does not exist|not found)/,
  /^this model \S+ is no longer available/,
  /^invalid model/,
];

const models: readonly Rule[] = [
  { when: all(status(404), any(named('filter by parameters'), says(/^no endpoints found that can handle the requested parameters/))), means: { kind: 'caller', capability: true, anyField: true } },
  { when: all(status(404), any(named('filter by image support', 'filter by tool compatibility'), says(/^no endpoints found that/))), means: { kind: 'caller', capability: true } },
  { when: all(status(404), says(/^no endpoints found|not found for account/)), means: { kind: 'model-access' } },
  { when: named('model_not_found', 'model_decommissioned', 'model_archived', 'model_archived_error', '1214'), means: { kind: 'model-gone' } },
  { when: any(status(410), all(status(400), any(...GONE.map(says))), all(spoken, status(404))), means: { kind: 'model-gone' } },
  {
    when: any(status(403), named('model_terms_required'), notInPlan, all(status(400), says(/not supported by any provider you have enabled|^user location is not supported/))),
    means: { kind: 'model-access' },
  },
];

/** A limit of none is a model outside the plan: Mistral says so in a header, Google in a sentence. Waiting is no use. */
function notInPlan({ status: code, text, complaint, failure: { headers }, refusal }: Case): boolean {
  if (code !== 429) return false;
  if (complaint?.names.includes('1300') === true) return headers['x-ratelimit-limit-req-minute'] === '0' || headers['x-ratelimit-limit-tokens-minute'] === '0';
  return refusal.window?.limit === 0 || /\blimit: 0\b/.test(text);
}

const rates: readonly Rule[] = [
  // Somebody else's pool is full, or the machines are busy: no quota of ours is spent.
  { when: named('upstream_provider_shared_pool', 'queue_exceeded', '3040', '1305'), means: { kind: 'overloaded', scope: 'target' } },
  { when: all(status(429), says(/^provider returned error|high traffic|capacity temporarily/)), means: { kind: 'overloaded', scope: 'target' } },
  {
    when: any(status(429), named('rate_limit_exceeded', 'rate_limit_error', 'rate_limited', 'resource_exhausted')),
    means: (told) => ({ kind: lasts(told) ? 'rate-day' : 'rate-minute', ...given('scope', rateScope(told)) }),
  },
];

/** A window of a day or more by name; without a name, a reset further off than any short window's. */
function lasts({ refusal: { window, retryAt }, now }: Case): boolean {
  if (window?.seconds !== undefined) return window.seconds >= DAY_SECONDS;
  return retryAt !== undefined && retryAt - now > HOUR_SECONDS * 1000;
}

/** A model's own window is what the table takes a rate for anyway. */
function rateScope({ refusal: { window } }: Case): 'pool' | 'target' | undefined {
  return window?.scope === 'model' ? undefined : window?.scope;
}

const TROUBLE = ['server_error', 'api_error', 'internal_error', 'internal_server_error', 'server', 'timeout', 'timeout_error', 'unavailable'];
const BUSY = ['overloaded_error', 'provider_overloaded', 'provider_unavailable', 'engine_overloaded'];

const rest: readonly Rule[] = [
  // The model failed to follow its own format: told as the caller's mistake, and not one.
  { when: named('tool_use_failed', 'json_validate_failed'), means: { kind: 'broken-answer' } },
  { when: all(status(400), says(/degraded function/)), means: { kind: 'overloaded' } },
  { when: any(statusFrom(500, 599), status(408, 409, 424, 425, 498, 499), named(...TROUBLE, ...BUSY)), means: { kind: 'overloaded' } },
  { when: any(statusFrom(400, 499), named('invalid_request_error', 'invalid_request', 'invalid_argument')), means: caller },
];

/** What a model cannot do, or not here: another might. */
const CANNOT = /^'n' : number must be at most|not support|unsupported|cannot be combined|not (?:available|enabled|allowed|compatible)|only supports|must be one of \[|must be less than or equal to/;
const SKILL = /^'n' :|\bmax_(?:completion_)?tokens\b|\btools?\b|tool[ -]?(?:call|use|choice)|function[ -]?call|image|vision|audio|voice|video|\bfiles?\b|json|response_format|structured|modalit/;

/** Only these say that the question is wrong, and only where they say why: what nobody can understand is asked of somebody else, too. */
const WRONG: ReadonlySet<number> = new Set([400, 422]);

const isUnclear = ({ status: code, complaint, text }: Case): boolean => code >= 400 && (!WRONG.has(code) || (text === '' && complaint?.names.length === 0));

/** The field a sentence is about: OpenAI's and Groq's, Google's, Cerebras's. */
const FIELDS = [/^(?:unsupported parameter: )?['`](?<name>[\w.]+)['`]/, /\bunknown name "(?<name>[\w.]+)"/, /\bproperty '(?:body\.)?(?<name>[\w.]+)' is unsupported/] as const;

function fieldIn(text: string): string | undefined {
  if (text.startsWith('reasoning is mandatory')) return 'reasoning_effort';
  return FIELDS.map((field) => field.exec(text)?.groups?.['name']).find((name) => name !== undefined);
}

const UNKNOWN = /not support|unsupported|unknown name|unrecognized|extra inputs are not permitted|unexpected keyword/;

function caller(told: Case): Outcome {
  const { complaint, text } = told;
  const param = (complaint?.param === 'validation_error' ? undefined : complaint?.param) ?? fieldIn(text);
  return { kind: 'caller', ...given('param', param), ...(param !== undefined && UNKNOWN.test(text) && { unknownField: true }), ...given('code', complaint?.code), ...((isUnclear(told) || (CANNOT.test(text) && SKILL.test(text))) && { capability: true }) };
}

export const rules: readonly Rule[] = [...money, ...credentials, ...edges, ...sizes, ...policies, ...models, ...rates, ...rest];
