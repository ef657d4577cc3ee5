/** The rules of {@link explain}, in the order they are read. Texts are recorded ones, in lower case. */
import type { UpstreamFailure } from '../failure.ts';
import type { HttpFailure } from './dialect.ts';
import type { Complaint } from './envelope.ts';
import { given, textAt } from './json.ts';
import { DAY_SECONDS } from './limits.ts';
import type { Refusal } from './refusal.ts';

/** One refusal, laid out for the rules. */
export interface Case {
  readonly status: number;
  /** Absent: not JSON, or JSON that says nothing. Then it is not the provider who speaks, but something in between. */
  readonly complaint: Complaint | undefined;
  /** The complaint's sentence in lower case. */
  readonly text: string;
  readonly refusal: Refusal;
  readonly failure: HttpFailure;
  readonly now: number;
}

type Outcome = UpstreamFailure extends infer Failure ? (Failure extends UpstreamFailure ? Omit<Failure, 'message' | 'retryAt'> & { readonly retryAt?: number } : never) : never;

export interface Rule {
  readonly when: (told: Case) => boolean;
  readonly means: Outcome | ((told: Case) => Outcome);
  /** Added where the provider's own words do not help. */
  readonly say?: string;
}

const named = (...names: readonly string[]) => ({ complaint }: Case): boolean => names.some((name) => complaint?.names.includes(name));
const says = (pattern: RegExp) => ({ text }: Case): boolean => pattern.test(text);
const status = (...codes: readonly number[]) => ({ status }: Case): boolean => codes.includes(status);
const not = (when: Rule['when']) => (told: Case): boolean => !when(told);
const all = (...whens: readonly Rule['when'][]) => (told: Case): boolean => whens.every((when) => when(told));
const any = (...whens: readonly Rule['when'][]) => (told: Case): boolean => whens.some((when) => when(told));
/** Not the provider, but something between it and us: a filter, a portal, a proxy. Says nothing about key or model. */
const unspoken = ({ complaint }: Case): boolean => complaint === undefined;

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
      all(status(400, 403, 429), says(/used all available credits|credit balance is too low|insufficient (?:credits|balance)/)),
    ),
    means: { kind: 'balance' },
  },
];

function budget({ complaint }: Case): Outcome {
  const at = Date.parse(textAt(complaint?.metadata, 'resets_at') ?? '');
  return { kind: 'balance', ...(!Number.isNaN(at) && { retryAt: at }) };
}

const credentials: readonly Rule[] = [
  { when: status(401), means: { kind: 'credential' } },
  {
    when: any(
      named('invalid_api_key', 'wrong_api_key', 'api_key_invalid', 'authentication_error', 'authentication'),
      all(status(400, 403), says(/^(?:your )?api key (?:not valid|expired|was reported as leaked)|^incorrect api key|^invalid (?:x-)?api[- ]key|^authorization failed|^not authenticated/)),
    ),
    means: { kind: 'credential' },
  },
];

const edges: readonly Rule[] = [
  { when: ({ status }) => status >= 300 && status < 400, means: { kind: 'overloaded', scope: 'provider' }, say: 'a redirect, which is never followed; check base_url' },
  { when: all(unspoken, status(400, 403, 405, 406, 407, 421, 451)), means: { kind: 'overloaded', scope: 'provider' }, say: 'turned away by something in front of the provider' },
  {
    when: any(all(unspoken, status(404)), named('unknown_url'), all(status(404, 405), says(/unknown request url|no route matched|^invalid url|^not found$|method not allowed/))),
    means: { kind: 'overloaded', scope: 'provider' },
    say: 'no such address there; check base_url',
  },
];

/** What a model cannot do, or not here: another might. */
const CANNOT = /not support|unsupported|no endpoints found|cannot be combined|not (available|enabled|allowed)|only supports/;
const SKILL = /\btools?\b|tool[ -]?(call|use|choice)|function[ -]?call|image|vision|audio|video|\bfiles?\b|json|response_format|structured|modalit|requested parameters/;

const models: readonly Rule[] = [
  {
    when: any(named('context_length_exceeded', 'token_limit_exceeded', 'string_too_long', 'exceed_context_size_error', 'payload_too_large', 'request_too_large', '1261'), status(413), says(/maximum context length|reduce the length of the messages|prompt is too long|input token count .* exceeds|maximum prompt length|exceeds the available context size|prompt tokens limit exceeded/)),
    means: { kind: 'too-long' },
  },
  { when: all(named('filter by parameters', 'filter by image support', 'filter by tool compatibility'), status(404)), means: { kind: 'caller', capability: true } },
  { when: all(status(404), says(/no endpoints found that/)), means: { kind: 'caller', capability: true } },
  { when: any(named('content_filter', 'content_policy_violation', 'refusal', 'responsibleaipolicyviolation'), all(status(400, 403), says(/prompt injection|flagged|content (management )?policy|moderation/))), means: { kind: 'policy' } },
  { when: all(status(404, 403), says(/no endpoints found|not found for account|data policy/)), means: { kind: 'model-access' } },
  {
    when: any(
      status(410),
      named('model_not_found', 'model_decommissioned', 'model_archived', 'model_archived_error', 'github_models_retirement_brownout', '1214'),
      says(/is not a valid model id|has been decommissioned|paid version is available now|no longer available|model .*(does not exist|not found)|^invalid model/),
      all(status(404), not(unspoken)),
    ),
    means: { kind: 'model-gone' },
  },
  { when: says(/not supported by any provider you have enabled|user location is not supported|requires a subscription/), means: { kind: 'model-access' } },
  { when: notInPlan, means: { kind: 'model-access' } },
  { when: status(403), means: { kind: 'model-access' } },
];

/** A limit of none is a model outside the plan: Mistral says so in a header, Google in its sentence. Waiting is no use. */
function notInPlan({ status, text, complaint, failure, refusal }: Case): boolean {
  if (status !== 429) return false;
  if (complaint?.names.includes('1300') === true) return failure.headers['x-ratelimit-limit-req-minute'] === '0' || failure.headers['x-ratelimit-limit-tokens-minute'] === '0';
  return refusal.window?.limit === 0 || /\blimit: 0\b/.test(text);
}

const rates: readonly Rule[] = [
  // Somebody else's pool is full, or the machines are busy: no quota of ours is spent.
  { when: any(named('upstream_provider_shared_pool', 'queue_exceeded', '3040', '1305'), all(status(429), says(/^provider returned error|high traffic|temporarily rate-limited upstream|capacity temporarily/))), means: { kind: 'overloaded', scope: 'target' } },
  {
    when: any(status(429), named('rate_limit_exceeded', 'rate_limit_error', 'rate_limited', 'resource_exhausted')),
    means: (told) => ({ kind: lasts(told) ? 'rate-day' : 'rate-minute', ...given('scope', rateScope(told)) }),
  },
];

/** A window of a day or more by name; without a name, a reset further off than any short window's. */
function lasts({ refusal, now }: Case): boolean {
  const { window, retryAt } = refusal;
  if (window?.seconds !== undefined) return window.seconds >= DAY_SECONDS;
  return retryAt !== undefined && retryAt - now > 3_600_000;
}

function rateScope({ refusal, complaint, text }: Case): 'pool' | 'target' | undefined {
  if (complaint?.names.includes('openrouter_shared_capacity') === true || /limit_rp[md]\//.test(text)) return 'target';
  if (refusal.window?.scope === 'pool' || complaint?.names.includes('3036') === true || /daily free allocation/.test(text)) return 'pool';
  return undefined;
}

const rest: readonly Rule[] = [
  // The model's failure to follow its own format, or a sick deployment: told as the caller's mistake, and not one.
  { when: any(named('tool_use_failed', 'json_validate_failed')), means: { kind: 'broken-answer' } },
  { when: all(status(400), says(/degraded function|loading model/)), means: { kind: 'overloaded' } },
  { when: any(status(408, 409, 424, 425, 498, 499), ({ status }) => status >= 500), means: { kind: 'overloaded' } },
  { when: any(named('server_error', 'api_error', 'internal_error', 'internal_server_error', 'server', 'timeout', 'timeout_error', 'unavailable', 'overloaded_error', 'provider_overloaded', 'provider_unavailable', 'engine_overloaded')), means: { kind: 'overloaded' } },
  { when: any(({ status }) => status >= 400, named('invalid_request_error', 'invalid_request', 'invalid_argument')), means: caller },
];

function caller(told: Case): Outcome {
  const { complaint, text } = told;
  const param = complaint?.param ?? /^(?:unsupported parameter: )?['`](?<name>[\w.]+)['`]/.exec(text)?.groups?.['name'];
  return { kind: 'caller', ...given('param', param), ...given('code', complaint?.code), ...(CANNOT.test(text) && SKILL.test(text) && { capability: true }) };
}

export const rules: readonly Rule[] = [...money, ...credentials, ...edges, ...models, ...rates, ...rest];
