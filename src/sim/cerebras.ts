/**
 * Cerebras' wire format as recorded in 2026: a flat error envelope, six windows in the headers of a 200 and none on a
 * refusal, admission by the tokens an answer may have.
 */
import type { Unit } from '../types.ts';
import { seconds, uuidOf } from './ids.ts';
import { isObject, maxOutput, objects } from './tokens.ts';
import type { Answer, Call, Denial, Frame, Headers, JsonObject, Reading, Reply, Route, Scene, SimulatedModel, Wire } from './types.ts';

const model = (id: string, title: string, context: number, price: readonly [string, string], rest: Partial<SimulatedModel> = {}): SimulatedModel => ({
  id, title, owner: 'Cerebras', created: 0, context, maxOutput: 32_768, tools: true, reasoning: true, price: { prompt: price[0], completion: price[1] }, ...rest,
});

const models: readonly SimulatedModel[] = [
  model('gpt-oss-120b', 'GPT OSS 120B', 65_536, ['0.00000035', '0.00000075']),
  model('gemma-4-31b', 'Gemma 4 31B', 65_536, ['0.00000099', '0.00000149'], { reasoning: false, images: true }),
  model('qwen-3.8-27b', 'Qwen 3.8 27B', 64_000, ['0.0000006', '0.0000012']),
  model('zai-glm-4.7', 'GLM 4.7', 65_536, ['0.00000225', '0.00000275'], { refusal: 'archived' }),
];

const failure = (status: number, type: string, param: string, code: string, message: string, headers: Headers = {}): Reply =>
  ({ status, headers, body: { message, type, param, code } });

const quotaExceeded = (unit: Unit, span: string, waitMs: number): Reply => {
  const title = `${unit === 'requests' ? 'Requests' : 'Tokens'} per ${span} limit exceeded`;
  const retry = { 'retry-after': String(seconds(waitMs)) };
  return unit === 'requests'
    ? failure(429, 'too_many_requests_error', 'quota', 'request_quota_exceeded', `${title} - too many requests sent.`, retry)
    : failure(429, 'too_many_tokens_error', 'quota', 'token_quota_exceeded', `${title} - too many tokens processed.`, retry);
};

const refusals: Wire['refusals'] = {
  'no-key': () => ({ status: 403, body: { detail: 'Not authenticated' } }),
  'bad-key': () => failure(401, 'invalid_request_error', 'api_key', 'wrong_api_key', 'Wrong API Key'),
  'unknown-path': () => ({ status: 404, body: '' }),
  'unknown-model': ({ model: id }) => failure(404, 'not_found_error', 'model', 'model_not_found', `Model ${id} does not exist or you do not have access to it.`),
  archived: ({ model: id }) => failure(404, 'model_archived_error', 'model', 'model_archived', `Model ${id} is archived and unavailable.`),
  payment: () => failure(402, 'payment_required_error', 'quota', 'payment_required', 'Payment required to access this resource. Visit your billing tab.'),
  queue: () => failure(429, 'too_many_requests_error', 'queue', 'queue_exceeded', "We're experiencing high traffic right now! Please try again soon."),
  'rate-minute': () => quotaExceeded('requests', 'minute', 54_000),
  'rate-hour': () => quotaExceeded('requests', 'hour', 3_000_000),
  'rate-day': () => quotaExceeded('requests', 'day', 86_399_000),
  'tokens-minute': () => quotaExceeded('tokens', 'minute', 54_000),
  'tokens-day': () => quotaExceeded('tokens', 'day', 86_399_000),
  'edge-filter': () => ({ status: 403, body: 'error code: 1010' }),
  'bad-request': () => failure(400, 'invalid_request_error', 'messages', 'wrong_api_format', 'messages is required'),
  'context-length': () =>
    failure(400, 'invalid_request_error', 'messages', 'context_length_exceeded', 'Please reduce the length of the messages or completion. Current length is 50000 while limit is 40000'),
  'server-error': () => failure(500, 'server_error', '', 'server_error', 'Internal server error'),
  overloaded: () => failure(503, 'server_error', '', 'service_unavailable', 'Service temporarily unavailable'),
};

const created = ({ call }: Scene): number => Math.floor(call.at / 1000);

function usageOf({ usage }: Answer): JsonObject | undefined {
  if (usage === undefined) return undefined;
  return {
    prompt_tokens: usage.prompt,
    completion_tokens: usage.completion,
    completion_tokens_details: { accepted_prediction_tokens: 0, rejected_prediction_tokens: 0, reasoning_tokens: usage.reasoning },
    total_tokens: usage.prompt + usage.completion,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

/** Seconds: made up, but steady and in proportion. */
const timeInfo = (answer: Answer, scene: Scene): JsonObject => {
  const promptTime = (answer.usage?.prompt ?? 0) / 50_000;
  const completionTime = (answer.usage?.completion ?? 0) / 2_000;
  return { queue_time: 0.000231, prompt_time: promptTime, completion_time: completionTime, total_time: 0.000231 + promptTime + completionTime, created: scene.call.at / 1000 };
};

const toolCalls = ({ toolCalls: calls }: Answer, { id }: Scene): JsonObject[] =>
  calls.map((call, index) => ({ id: `${id.slice(0, 8)}${index}`, type: 'function', function: { name: call.name, arguments: call.arguments } }));

const envelope = (object: string, scene: Scene, choices: readonly JsonObject[]): JsonObject => ({
  id: `chatcmpl-${uuidOf(scene.id)}`, choices, created: created(scene), model: scene.model, system_fingerprint: 'fp_70185065a4d9cdd0e53b', object,
});

function completion(answer: Answer, scene: Scene): JsonObject {
  const calls = toolCalls(answer, scene);
  const usage = usageOf(answer);
  // Where the budget ends while the model thinks, there is no content key at all.
  const spentThinking = answer.finish === 'length' && answer.content.length === 0 && answer.reasoning.length > 0;
  const message = {
    ...(calls.length === 0 && !spentThinking && { content: answer.content.join('') }),
    ...(answer.reasoning.length > 0 && { reasoning: answer.reasoning.join('') }),
    role: 'assistant',
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return {
    ...envelope('chat.completion', scene, [{ finish_reason: answer.finish, index: 0, message }]),
    ...(usage !== undefined && { usage }),
    time_info: timeInfo(answer, scene),
  };
}

function frames(answer: Answer, scene: Scene): Frame[] {
  const chunk = (delta: JsonObject, finish: string | null = null): JsonObject =>
    envelope('chat.completion.chunk', scene, [{ delta, index: 0, ...(finish !== null && { finish_reason: finish }) }]);
  const content = (delta: JsonObject): Frame => ({ part: 'content', data: chunk(delta) });
  const usage = usageOf(answer);
  return [
    { part: 'role', data: chunk({ role: 'assistant' }) },
    ...answer.reasoning.map((reasoning) => content({ reasoning })),
    ...answer.content.map((text) => content({ content: text })),
    ...toolCalls(answer, scene).map((call, index) => content({ tool_calls: [{ ...call, index }] })),
    { part: 'finish', data: { ...chunk({}, answer.finish), ...(usage !== undefined && { usage }), time_info: timeInfo(answer, scene) } },
    { part: 'done', data: null },
  ];
}

const SPANS: ReadonlyMap<number, string> = new Map([[60, 'minute'], [3_600, 'hour'], [86_400, 'day']]);

/** The hour's remaining tokens are counted from a larger bucket than its limit: recorded as 2,999,976 of 1,000,000. */
const HOUR_TOKENS_FACTOR = 3;

/** A refusal comes without the windows. */
function headers(status: number, readings: readonly Reading[], { id }: Scene): Headers {
  if (status !== 200) return { 'x-request-id': id };
  const rates = readings.flatMap(({ window, used, resetMs }): [string, string][] => {
    const span = SPANS.get(window.seconds);
    if (span === undefined) return [];
    const size = window.unit === 'tokens' && span === 'hour' ? window.limit * HOUR_TOKENS_FACTOR : window.limit;
    return [
      [`x-ratelimit-limit-${window.unit}-${span}`, String(window.limit)],
      [`x-ratelimit-remaining-${window.unit}-${span}`, String(Math.max(0, Math.floor(size - used)))],
      [`x-ratelimit-reset-${window.unit}-${span}`, String(resetMs / 1000)],
    ];
  });
  return { 'x-request-id': id, ...Object.fromEntries(rates) };
}

function denied(denial: Denial, scene: Scene): Reply {
  if (denial.by === 'concurrency') return refusals['queue']?.(scene) ?? failure(429, 'too_many_requests_error', 'queue', 'queue_exceeded', '');
  const { window, waitMs } = denial;
  const span = [...SPANS].find(([length]) => window.seconds <= length)?.[1] ?? 'day';
  // A call larger than the window never fits; it is told the window's length all the same.
  return quotaExceeded(window.unit, span, Number.isFinite(waitMs) ? waitMs : window.seconds * 1000);
}

const served = models.filter(({ refusal }) => refusal === undefined);

function listing(call: Call): Reply {
  const entry = ENTRIES[call.query.get('format') ?? 'default'] ?? defaultEntry;
  return { status: 200, body: { object: 'list', data: served.map(entry) } };
}

const defaultEntry = ({ id, created: since, owner }: SimulatedModel): JsonObject => ({ id, object: 'model', created: since, owned_by: owner });

const perMillion = (price: string | undefined): number => Number((Number(price ?? '0') * 1e6).toFixed(6));

const ENTRIES: Readonly<Record<string, (model: SimulatedModel) => JsonObject>> = {
  default: defaultEntry,
  openrouter: ({ id, title, created: since, context, maxOutput: most, price, images }) => ({
    id, name: title, created: since, input_modalities: images === true ? ['text', 'image'] : ['text'], output_modalities: ['text'],
    context_length: context, max_output_length: most, pricing: { prompt: price?.prompt, completion: price?.completion, image: '0', request: '0' },
    supported_features: ['tools', 'json_mode', 'structured_outputs'],
  }),
  huggingface: ({ id, context, price }) => ({
    id, object: 'model', context_length: context, pricing: { input: perMillion(price?.prompt), output: perMillion(price?.completion) },
  }),
};

/** What an answer without a stated maximum is taken to need. The real bound is not published. */
const ASSUMED_OUTPUT = 1_024;

function route(call: Call): Route | undefined {
  if (call.method !== 'GET') return undefined;
  if (call.path === '/models') return () => listing(call);
  if (call.path === '/tcp_warming') return () => ({ status: 200, body: {} });
  const found = served.find(({ id }) => call.path === `/models/${id}`);
  return found && (() => ({ status: 200, body: defaultEntry(found) }));
}

function screen({ holder, body }: Call): string | undefined {
  if (typeof holder === 'object' && (holder.credits ?? 1) <= 0) return 'payment';
  return isObject(body) && objects(body['messages']).length > 0 ? undefined : 'bad-request';
}

export const cerebras: Wire = {
  name: 'cerebras',
  basePath: '/cerebras/v1',
  keyPrefix: 'csk-',
  models,
  edgeFilter: true,
  openPaths: [],
  works: {},
  route,
  screen,
  metered: () => true,
  reserve: (body, prompt) => prompt + (maxOutput(body) ?? ASSUMED_OUTPUT),
  charge: 'reserved',
  refusals,
  denied,
  headers,
  completion,
  frames,
  streamError: (scene) => ({
    error: { message: "We're experiencing high traffic right now! Please try again soon.", type: 'too_many_requests_error', param: 'queue', code: 'queue_exceeded', id: scene.id },
    status_code: 429,
  }),
};
