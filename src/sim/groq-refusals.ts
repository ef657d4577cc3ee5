/** Everything Groq was seen to refuse with, 2026. */
import type { Unit } from '../types.ts';
import { goDuration, seconds as wholeSeconds } from './ids.ts';
import type { Denial, JsonObject, Reply, Scene, Wire } from './types.ts';

export const groqFailure = (status: number, message: string, rest: JsonObject = {}): Reply => ({ status, body: { error: { message, type: 'invalid_request_error', ...rest } } });

const organizationId = ({ holder }: Scene): string => (holder.organization.startsWith('org_') ? holder.organization : `org_${holder.organization}`);

const UPGRADE = 'Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing';

const SPANS = [[60, 'minute', 'M'], [3_600, 'hour', 'H'], [Infinity, 'day', 'D']] as const;

const UNIT_LETTERS = { requests: 'RP', tokens: 'TP', audio_seconds: 'AS' } as const satisfies Readonly<Record<Unit, string>>;

interface Excess {
  readonly unit: Unit;
  readonly seconds: number;
  readonly limit: number;
  readonly used: number;
  readonly requested: number;
  readonly waitMs: number;
}

function limitName({ unit, seconds }: Pick<Excess, 'unit' | 'seconds'>): string {
  const [, span, letter] = SPANS.find(([longest]) => seconds <= longest) ?? SPANS[2];
  return `${unit.replace('_', ' ')} per ${span} (${UNIT_LETTERS[unit]}${letter})`;
}

function rateLimited(scene: Scene, excess: Excess): Reply {
  const where = `for model \`${scene.model}\` in organization \`${organizationId(scene)}\` service tier \`on_demand\` on ${limitName(excess)}`;
  const { limit, requested, unit } = excess;
  const common = { type: unit, code: 'rate_limit_exceeded' };
  if (requested > limit) {
    const message = `Request too large ${where}: Limit ${limit}, Requested ${requested}, please reduce your message size and try again.`;
    // The wait is sent although no waiting helps; 65 was observed.
    return { status: 413, headers: { 'retry-after': '65' }, body: { error: { message, ...common } } };
  }
  const message = `Rate limit reached ${where}: Limit ${limit}, Used ${Math.ceil(excess.used)}, Requested ${requested}. Please try again in ${goDuration(excess.waitMs)}. ${UPGRADE}`;
  return { status: 429, headers: { 'retry-after': String(wholeSeconds(excess.waitMs)) }, body: { error: { message, ...common } } };
}

const example = (unit: Excess['unit'], seconds: number, limit: number, waitMs: number): ((scene: Scene) => Reply) => (scene) =>
  rateLimited(scene, { unit, seconds, limit, used: limit, requested: 1, waitMs });

export const groqRefusals: Wire['refusals'] = {
  'no-key': () => groqFailure(401, 'Invalid API Key', { code: 'invalid_api_key' }),
  'bad-key': () => groqFailure(401, 'Invalid API Key', { code: 'invalid_api_key' }),
  'unknown-path': ({ call }) =>
    groqFailure(404, `Unknown request URL: ${call.method} /openai/v1${call.path}. Please check the URL for typos, or see the docs at https://console.groq.com/docs/`, { code: 'unknown_url' }),
  'unknown-model': ({ model }) => groqFailure(404, `The model \`${model}\` does not exist or you do not have access to it.`, { code: 'model_not_found' }),
  decommissioned: ({ model }) => groqFailure(400, `The model \`${model}\` has been decommissioned and is no longer supported.`, { code: 'model_decommissioned' }),
  'edge-filter': () => ({ status: 403, body: 'error code: 1010' }),
  'bad-json': () => groqFailure(400, 'request body is not valid JSON'),
  'no-messages': () => groqFailure(400, "'messages' : minimum number of items is 1", { param: 'messages' }),
  'no-tools': () => groqFailure(400, '`tool calling` is not supported with this model', { param: 'tool calling' }),
  'terms-required': ({ model }) =>
    groqFailure(400, `The model \`${model}\` requires terms acceptance. Please have the org admin accept the terms at https://console.groq.com/playground?model=${encodeURIComponent(model)}`, { code: 'model_terms_required' }),
  'tool-use-failed': () =>
    groqFailure(400, "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.", { code: 'tool_use_failed', failed_generation: '<function=get_weather>{"city": </function>' }),
  'json-failed': () =>
    groqFailure(400, "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.", { code: 'json_validate_failed', failed_generation: 'max completion tokens reached before generating a valid document' }),
  'context-length': () => groqFailure(400, 'Please reduce the length of the messages or completion.', { param: 'messages', code: 'context_length_exceeded' }),
  'too-large': (scene) => rateLimited(scene, { unit: 'tokens', seconds: 60, limit: 8000, used: 0, requested: 12_268, waitMs: Infinity }),
  'rate-minute': example('requests', 60, 30, 2000),
  'rate-day': example('requests', 86_400, 1000, 86_400),
  'tokens-minute': example('tokens', 60, 8000, 3405),
  'tokens-day': example('tokens', 86_400, 200_000, 660_528),
  'audio-hour': example('audio_seconds', 3_600, 7_200, 452_500),
  'audio-day': example('audio_seconds', 86_400, 28_800, 1_200_000),
  overloaded: () => ({ status: 503, body: { error: { message: 'Service Unavailable', type: 'internal_server_error' } } }),
  'server-error': () => ({ status: 500, body: { error: { message: 'Internal Server Error', type: 'internal_server_error' } } }),
};

export function groqDenied(denial: Denial, scene: Scene): Reply {
  // No capture of a refusal for concurrency exists; this follows the template of the others.
  if (denial.by === 'concurrency') {
    const message = `Rate limit reached for model \`${scene.model}\` in organization \`${organizationId(scene)}\` service tier \`on_demand\` on concurrent requests: Limit ${denial.limit}. Please try again in 1s.`;
    return { status: 429, headers: { 'retry-after': '1' }, body: { error: { message, type: 'requests', code: 'rate_limit_exceeded' } } };
  }
  const { window, used, requested, waitMs } = denial;
  return rateLimited(scene, { ...window, used, requested, waitMs });
}
