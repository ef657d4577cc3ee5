/**
 * Groq's wire format as recorded in 2026: nested errors, Go durations, a day's requests and a minute's tokens in the
 * headers, everything else only in the text of a refusal.
 */
import { seconds as wholeSeconds, goDuration, uuidOf } from './ids.ts';
import type { Denial, Reading } from './quota.ts';
import { groqModels } from './groq-models.ts';
import { isObject, maxOutput, objects } from './tokens.ts';
import type { Answer, Call, Frame, Headers, JsonObject, Reply, Route, Scene, SimulatedModel, Wire } from './types.ts';

const failure = (status: number, message: string, rest: JsonObject = {}): Reply => ({ status, body: { error: { message, type: 'invalid_request_error', ...rest } } });

const organizationId = ({ holder }: Scene): string => (holder.organization.startsWith('org_') ? holder.organization : `org_${holder.organization}`);

const UPGRADE = 'Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing';

const SPANS = [[60, 'minute', 'M'], [3_600, 'hour', 'H'], [Infinity, 'day', 'D']] as const;

interface Excess {
  readonly unit: 'requests' | 'tokens';
  readonly seconds: number;
  readonly limit: number;
  readonly used: number;
  readonly requested: number;
  readonly waitMs: number;
}

function limitName({ unit, seconds }: Pick<Excess, 'unit' | 'seconds'>): string {
  const [, span, letter] = SPANS.find(([longest]) => seconds <= longest) ?? SPANS[2];
  return `${unit} per ${span} (${unit === 'requests' ? 'RP' : 'TP'}${letter})`;
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

const refusals: Wire['refusals'] = {
  'no-key': () => failure(401, 'Invalid API Key', { code: 'invalid_api_key' }),
  'bad-key': () => failure(401, 'Invalid API Key', { code: 'invalid_api_key' }),
  'unknown-path': ({ call }) =>
    failure(404, `Unknown request URL: ${call.method} /openai/v1${call.path}. Please check the URL for typos, or see the docs at https://console.groq.com/docs/`, { code: 'unknown_url' }),
  'unknown-model': ({ model }) => failure(404, `The model \`${model}\` does not exist or you do not have access to it.`, { code: 'model_not_found' }),
  decommissioned: ({ model }) => failure(400, `The model \`${model}\` has been decommissioned and is no longer supported.`, { code: 'model_decommissioned' }),
  'edge-filter': () => ({ status: 403, body: 'error code: 1010' }),
  'bad-json': () => failure(400, 'request body is not valid JSON'),
  'no-messages': () => failure(400, "'messages' : minimum number of items is 1", { param: 'messages' }),
  'no-tools': () => failure(400, '`tool calling` is not supported with this model', { param: 'tool calling' }),
  'tool-use-failed': () =>
    failure(400, "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.", { code: 'tool_use_failed', failed_generation: '<function=get_weather>{"city": </function>' }),
  'json-failed': () =>
    failure(400, "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.", { code: 'json_validate_failed', failed_generation: 'max completion tokens reached before generating a valid document' }),
  'context-length': () => failure(400, 'Please reduce the length of the messages or completion.', { param: 'messages', code: 'context_length_exceeded' }),
  'too-large': (scene) => rateLimited(scene, { unit: 'tokens', seconds: 60, limit: 8000, used: 0, requested: 12_268, waitMs: Infinity }),
  'rate-minute': example('requests', 60, 30, 2000),
  'rate-day': example('requests', 86_400, 1000, 86_400),
  'tokens-minute': example('tokens', 60, 8000, 3405),
  'tokens-day': example('tokens', 86_400, 200_000, 660_528),
  overloaded: () => ({ status: 503, body: { error: { message: 'Service Unavailable', type: 'internal_server_error' } } }),
  'server-error': () => ({ status: 500, body: { error: { message: 'Internal Server Error', type: 'internal_server_error' } } }),
};

/** Request fields refused with a 400 that names them. */
const UNSUPPORTED = ['logprobs', 'top_logprobs', 'logit_bias'];

function refusedParameter(body: JsonObject, model: SimulatedModel): Reply | string | undefined {
  const field = UNSUPPORTED.find((name) => body[name] !== undefined && body[name] !== null && body[name] !== false);
  if (field !== undefined) return failure(400, `\`${field}\` is not supported with this model`, { param: field });
  if (objects(body['messages']).some((message) => 'name' in message)) return failure(400, "'messages.0' : property 'name' is unsupported");
  if (typeof body['n'] === 'number' && body['n'] > 1) return failure(400, "'n' : number must be at most 1");
  const asked = maxOutput(body);
  if (asked !== undefined && asked > model.maxOutput) {
    const name = body['max_completion_tokens'] === undefined ? 'max_tokens' : 'max_completion_tokens';
    const message = `\`${name}\` must be less than or equal to \`${model.maxOutput}\`, the maximum value for \`${name}\` is less than the \`context_window\` for this model`;
    return failure(400, message, { param: name });
  }
  return body['tools'] !== undefined && model.tools !== true ? 'no-tools' : undefined;
}

const requestId = (id: string): string => `req_01${id.slice(0, 24)}`;

/** Clocks of the inference, in seconds: made up, but steady and in proportion. */
function timed({ usage }: Answer): JsonObject | undefined {
  if (usage === undefined) return undefined;
  const promptTime = usage.prompt / 20_000;
  const completionTime = usage.completion / 250;
  return {
    queue_time: 0.041876985,
    prompt_tokens: usage.prompt,
    prompt_time: promptTime,
    completion_tokens: usage.completion,
    completion_time: completionTime,
    total_tokens: usage.prompt + usage.completion,
    total_time: promptTime + completionTime,
    ...(usage.reasoning > 0 && { completion_tokens_details: { reasoning_tokens: usage.reasoning } }),
  };
}

const toolCalls = ({ toolCalls: calls }: Answer, { id }: Scene): JsonObject[] =>
  calls.map((call, index) => ({ id: `${id.slice(0, 8)}${index}`, type: 'function', function: { name: call.name, arguments: call.arguments } }));

const showsReasoning = (body: unknown): boolean => !isObject(body) || (body['include_reasoning'] !== false && body['reasoning_format'] !== 'hidden');

const created = ({ call }: Scene): number => Math.floor(call.at / 1000);

function completion(answer: Answer, scene: Scene): JsonObject {
  const calls = toolCalls(answer, scene);
  const usage = timed(answer);
  return {
    id: `chatcmpl-${uuidOf(scene.id)}`,
    object: 'chat.completion',
    created: created(scene),
    model: scene.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          ...(calls.length === 0 ? { content: answer.content.join('') } : { tool_calls: calls }),
          ...(answer.reasoning.length > 0 && showsReasoning(scene.call.body) && { reasoning: answer.reasoning.join('') }),
        },
        logprobs: null,
        finish_reason: answer.finish,
      },
    ],
    ...(usage !== undefined && { usage }),
    usage_breakdown: null,
    system_fingerprint: 'fp_f8b414701e',
    x_groq: { id: requestId(scene.id), seed: Number.parseInt(scene.id.slice(0, 7), 16) },
    service_tier: 'on_demand',
  };
}

function frames(answer: Answer, scene: Scene, body: JsonObject): Frame[] {
  const chunk = (delta: JsonObject, finish: string | null = null, rest: JsonObject = {}): JsonObject => ({
    id: `chatcmpl-${uuidOf(scene.id)}`,
    object: 'chat.completion.chunk',
    created: created(scene),
    model: scene.model,
    system_fingerprint: 'fp_f8b414701e',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...rest,
  });
  const usage = timed(answer);
  const id = requestId(scene.id);
  const content = (delta: JsonObject): Frame => ({ part: 'content', data: chunk(delta) });
  const asked = isObject(body['stream_options']) && body['stream_options']['include_usage'] === true;
  return [
    { part: 'role', data: chunk({ role: 'assistant', content: '' }, null, { x_groq: { id, seed: Number.parseInt(scene.id.slice(0, 7), 16) } }) },
    ...(showsReasoning(body) ? answer.reasoning.map((reasoning) => content({ reasoning })) : []),
    ...answer.content.map((text) => content({ content: text })),
    // Whole, all in one chunk.
    ...(answer.toolCalls.length === 0 ? [] : [content({ tool_calls: toolCalls(answer, scene).map((call, index) => ({ index, ...call })) })]),
    { part: 'finish', data: chunk({}, answer.finish, usage === undefined ? {} : { x_groq: { id, usage }, usage }) },
    ...(asked && usage !== undefined ? [{ part: 'usage' as const, data: { ...chunk({}), choices: [], usage } }] : []),
    { part: 'done', data: null },
  ];
}

const MINUTE = 60;
const DAY = 86_400;

function headers(_status: number, readings: readonly Reading[], { id }: Scene): Headers {
  const shown = readings.filter(({ window }) => (window.unit === 'requests' ? window.seconds === DAY : window.seconds === MINUTE));
  const rates = shown.flatMap(({ window, used, resetMs }): [string, string][] => [
    [`x-ratelimit-limit-${window.unit}`, String(window.limit)],
    [`x-ratelimit-remaining-${window.unit}`, String(Math.max(0, Math.floor(window.limit - used)))],
    [`x-ratelimit-reset-${window.unit}`, goDuration(resetMs)],
  ]);
  return { 'x-request-id': requestId(id), 'x-groq-region': 'fra', ...Object.fromEntries(rates) };
}

function denied(denial: Denial, scene: Scene): Reply {
  // No capture of a refusal for concurrency exists; this follows the template of the others.
  if (denial.by === 'concurrency') {
    const message = `Rate limit reached for model \`${scene.model}\` in organization \`${organizationId(scene)}\` service tier \`on_demand\` on concurrent requests: Limit ${denial.limit}. Please try again in 1s.`;
    return { status: 429, headers: { 'retry-after': '1' }, body: { error: { message, type: 'requests', code: 'rate_limit_exceeded' } } };
  }
  const { window, used, requested, waitMs } = denial;
  return rateLimited(scene, { ...window, used, requested, waitMs });
}

const entry = (model: SimulatedModel): JsonObject => ({
  id: model.id,
  object: 'model',
  created: model.created,
  owned_by: model.owner,
  active: true,
  context_window: model.context,
  max_completion_tokens: model.maxOutput,
  name: model.title,
  input_modalities: model.images === true ? ['text', 'image'] : ['text'],
  output_modalities: ['text'],
  supported_features: [...(model.tools === true ? ['tools'] : []), 'json_mode', ...(model.reasoning === true ? ['reasoning'] : [])],
});

const listed = groqModels.filter(({ refusal }) => refusal === undefined);

function route({ method, path }: Call): Route | undefined {
  if (method !== 'GET') return undefined;
  if (path === '/models') return () => ({ status: 200, body: { object: 'list', data: listed.map(entry) } });
  const model = listed.find(({ id }) => path === `/models/${id}`);
  return model && (() => ({ status: 200, body: entry(model) }));
}

function screen({ body }: Call, model: SimulatedModel | undefined): Reply | string | undefined {
  if (!isObject(body)) return 'bad-json';
  if (objects(body['messages']).length === 0) return 'no-messages';
  return model && refusedParameter(body, model);
}

export const groq: Wire = {
  name: 'groq',
  basePath: '/groq/openai/v1',
  keyPrefix: 'gsk_',
  models: groqModels,
  edgeFilter: true,
  openPaths: [],
  servesEmbeddings: false,
  route,
  screen,
  metered: () => true,
  reserve: (body, prompt) => prompt + (maxOutput(body) ?? 0),
  charge: 'used',
  refusals,
  denied,
  headers,
  completion,
  frames,
  streamError: () => ({ error: { message: 'Internal Server Error', type: 'internal_server_error', code: 'internal_server_error' } }),
};
