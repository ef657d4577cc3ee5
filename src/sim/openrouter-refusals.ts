/** Everything OpenRouter was seen to refuse with, 2026. */
import { uuidOf } from './ids.ts';
import { nextReset } from './calendar.ts';
import type { Denial, JsonObject, Reply, Scene, Wire } from './types.ts';

const MINUTE = 60;
const DAY = 86_400;

const userId = ({ holder }: Scene): string => `user_${holder.account}`;

/** `known`: the caller was recognised, and is named in the body. */
function failure(status: number, message: string, metadata?: JsonObject, headers?: Readonly<Record<string, string>>) {
  return (scene: Scene): Reply => ({
    status,
    ...(headers !== undefined && { headers }),
    body: { error: { message, code: status, ...(metadata !== undefined && { metadata }) }, ...(status !== 401 && { user_id: userId(scene) }) },
  });
}

interface Cap {
  readonly message: string;
  readonly limit: number;
  readonly resetAt: number;
  readonly source?: string;
}

/** The platform's own caps repeat their headers in the body. */
function capped({ message, limit, resetAt, source }: Cap, scene: Scene): Reply {
  const headers = { 'X-RateLimit-Limit': String(limit), 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(resetAt) };
  const metadata = { headers, provider_name: null, ...(source !== undefined && { limit_source: source }) };
  return failure(429, `Rate limit exceeded: ${message}`, metadata, headers)(scene);
}

const freePerDay = (limit: number, scene: Scene): Reply =>
  capped({
    message: limit > 50 ? 'free-models-per-day-high-balance. ' : 'free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
    limit, resetAt: nextReset(scene.call.at, DAY), source: 'openrouter_free_tier_daily',
  }, scene);

const freePerMinute = (limit: number, resetAt: number, scene: Scene): Reply => capped({ message: 'free-models-per-min. ', limit, resetAt }, scene);

const poolFull = (model: string, hint: JsonObject): JsonObject => ({
  raw: `${model.replace(/:free$/, '')} is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits: https://openrouter.ai/settings/integrations`,
  provider_name: 'DigitalOcean',
  is_byok: false,
  limit_source: 'upstream_provider_shared_pool',
  remedy_hint: 'Retry shortly, add your own provider key (https://openrouter.ai/settings/integrations), or route to another provider with provider routing: https://openrouter.ai/docs/features/provider-routing',
  ...hint,
});

const IN_FLIGHT = {
  reason: 'in_flight_budget_exhausted',
  limit_source: 'openrouter_in_flight_budget',
  remedy_hint: 'Retry after your in-flight requests settle (see the Retry-After header).',
  headers: { 'Retry-After': '120' },
} as const;

const inFlight = failure(
  402,
  'This request would exceed your available credits given your current in-flight requests. Retry after in-flight requests settle, or add credits.',
  IN_FLIGHT,
  IN_FLIGHT.headers,
);

export const openrouterRefusals: Wire['refusals'] = {
  'no-key': failure(401, 'No cookie auth credentials found'),
  'bad-key': failure(401, 'User not found.'),
  'unknown-path': failure(404, 'Not Found'),
  'unknown-model': (scene) => failure(400, `${scene.model} is not a valid model ID`)(scene),
  'no-messages': failure(400, 'Input required: specify "prompt" or "messages"'),
  'bad-json': failure(400, 'Input must have at least 1 token.'),
  'reasoning-mandatory': failure(400, 'Reasoning is mandatory for this endpoint and cannot be disabled.', { provider_name: null }),
  'context-length': failure(
    400,
    "This endpoint's maximum context length is 16384 tokens. However, you requested about 26265 tokens (26255 of text input, 10 in the output). Please reduce the length of either one, or use the context-compression plugin to compress your prompt automatically.",
    { provider_name: null },
  ),
  credits: failure(402, 'Insufficient credits. Add more using https://openrouter.ai/settings/credits', {
    limit_source: 'openrouter_credits', remedy_hint: 'Add credits at https://openrouter.ai/settings/credits.',
  }),
  'credits-max-tokens': failure(
    402,
    'This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 27342. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account',
    { provider_name: null },
  ),
  'in-flight': inFlight,
  'key-limit': failure(403, 'Key limit exceeded. Manage it using https://openrouter.ai/settings/keys', {
    limit_source: 'openrouter_key_limit', scope: 'key', limit_usd: 1, spend_usd: 1, resets_at: null,
  }),
  'harness-only': (scene) =>
    failure(403, `${scene.model} is only available on agentic harnesses. Try plugging it into a coding agent or productivity app listed on https://openrouter.ai/apps`, {
      failed_routing_step: 'Gate Free Endpoints by Agentic Harness',
    })(scene),
  guardrail: failure(403, 'Request blocked: prompt injection patterns detected', { patterns: ['ignore previous instructions'] }),
  'data-policy': failure(404, 'No endpoints found matching your data policy (Free model training). Configure: https://openrouter.ai/settings/privacy', {
    routing_funnel: [{ step: 'Filter by Data Policy', endpoint_count: 0 }], failed_routing_step: 'Filter by Data Policy',
  }),
  parameters: failure(404, 'No endpoints found that can handle the requested parameters', { failed_routing_step: 'Filter by Parameters' }),
  'no-tools': failure(404, 'No endpoints found that support tool use.', { failed_routing_step: 'Filter by Tool Compatibility' }),
  'free-gone': (scene) => failure(404, `${scene.model} is unavailable for free. The paid version is available now - use this slug instead: ${scene.model.replace(/:free$/, '')}`)(scene),
  'rate-minute': (scene) => freePerMinute(20, nextReset(scene.call.at, MINUTE), scene),
  'rate-day': (scene) => freePerDay(50, scene),
  'rate-day-high': (scene) => freePerDay(1000, scene),
  'model-minute': (scene) => capped({
    message: `limit_rpm/${scene.model.replace(/:free$/, '')}/${uuidOf(scene.id)}. High demand for ${scene.model} on OpenRouter - limited to 8 requests per minute. Please retry shortly.`,
    limit: 8, resetAt: nextReset(scene.call.at, MINUTE), source: 'openrouter_shared_capacity',
  }, scene),
  'model-day': (scene) => capped({
    message: `limit_rpd/${scene.model.replace(/:free$/, '')}/${uuidOf(scene.id)}. Daily limit reached for ${scene.model} via DigitalOcean. Credits don't affect this cap.`,
    limit: 5000, resetAt: nextReset(scene.call.at, DAY), source: 'openrouter_shared_capacity',
  }, scene),
  'upstream-pool': (scene) => failure(429, 'Provider returned error', poolFull(scene.model, {}))(scene),
  'upstream-pool-hint': (scene) =>
    failure(429, 'Provider returned error', poolFull(scene.model, { provider_error_code: '429', retry_after_seconds: 1, headers: { 'Retry-After': '1' } }), { 'Retry-After': '1' })(scene),
  timeout: failure(408, 'Operation timed out. Please try again later.'),
  'too-large': failure(413, 'Request payload too large'),
  'server-error': failure(500, 'Internal Server Error'),
  'provider-error': failure(502, 'Provider returned error', { raw: '{"error":{"message":"upstream connect error"}}', provider_name: 'DigitalOcean' }),
  overloaded: failure(503, 'Service temporarily unavailable'),
};

/** OpenRouter answers a day's cap and a minute's cap differently, and concurrency by its in-flight budget. */
export function openrouterDenied(denial: Denial, scene: Scene): Reply {
  if (denial.by === 'concurrency') return inFlight(scene);
  const { window, waitMs } = denial;
  if (window.seconds > MINUTE) {
    return capped({
      message: window.limit > 50 ? 'free-models-per-day-high-balance. ' : 'free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
      limit: window.limit, resetAt: Math.ceil(scene.call.at + waitMs), source: 'openrouter_free_tier_daily',
    }, scene);
  }
  return freePerMinute(window.limit, Math.ceil(scene.call.at + waitMs), scene);
}
