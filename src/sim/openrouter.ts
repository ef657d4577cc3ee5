/**
 * OpenRouter's wire format as recorded in 2026: no rate headers on a 200, comments that keep a stream alive, the role
 * in every delta, usage after the end, and a `/key` that tells the day's free quota.
 */
import { embed } from './embeddings.ts';
import { openrouterModels } from './openrouter-models.ts';
import { openrouterDenied, openrouterRefusals } from './openrouter-refusals.ts';
import { isObject, maxOutput, objects } from './tokens.ts';
import type { Answer, Call, Frame, JsonObject, Reading, Reply, Route, Scene, SimulatedModel, Wire } from './types.ts';

const isFree = ({ price }: SimulatedModel): boolean =>
  Number(price?.prompt) === 0 && Number(price?.completion) === 0 && Number(price?.request ?? '0') === 0;

const generationId = ({ call, id }: Scene): string => `gen-${Math.floor(call.at / 1000)}-${id.slice(0, 20)}`;

/** The display name of the host that ran it: the same for the same model. */
const HOSTS = ['DigitalOcean', 'DeepInfra', 'Novita', 'Amazon Bedrock'];
const hostOf = (model: string): string => HOSTS[model.length % HOSTS.length] ?? 'DeepInfra';

/** The router for free models answers as the model it picked. */
const servedAs = (model: string): string => (model === 'openrouter/free' ? 'google/gemma-4-31b-it:free' : model);

const header = (scene: Scene): JsonObject => ({
  id: generationId(scene), provider: hostOf(scene.model), model: servedAs(scene.model), created: Math.floor(scene.call.at / 1000),
});

function usageOf({ usage }: Answer, scene: Scene): JsonObject | undefined {
  if (usage === undefined) return undefined;
  const price = openrouterModels.find(({ id }) => id === scene.model)?.price;
  const promptCost = usage.prompt * Math.max(0, Number(price?.prompt ?? 0));
  const completionCost = usage.completion * Math.max(0, Number(price?.completion ?? 0));
  return {
    prompt_tokens: usage.prompt,
    completion_tokens: usage.completion,
    total_tokens: usage.prompt + usage.completion,
    cost: promptCost + completionCost,
    is_byok: false,
    prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
    cost_details: { upstream_inference_cost: null, upstream_inference_prompt_cost: promptCost, upstream_inference_completions_cost: completionCost },
  };
}

function completion(answer: Answer, scene: Scene): JsonObject {
  const calls = answer.toolCalls.map((call, index) => ({ id: callId(scene, index), type: 'function', index, function: { name: call.name, arguments: call.arguments } }));
  const usage = usageOf(answer, scene);
  const message = {
    role: 'assistant',
    content: calls.length > 0 ? null : answer.content.join(''),
    refusal: null,
    reasoning: answer.reasoning.length === 0 ? null : answer.reasoning.join(''),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const choice = { index: 0, logprobs: null, finish_reason: answer.finish, native_finish_reason: answer.finish, message };
  return { ...header(scene), object: 'chat.completion', choices: [choice], ...(usage !== undefined && { usage }) };
}

const callId = ({ id }: Scene, index: number): string => `call_${id.slice(0, 23)}${index}`;

/** Long enough to be several, short enough to cut an escape in two now and then. */
const ARGUMENT_PIECE = 7;

/** Tool calls come as OpenAI's do: the name first, then the arguments in fragments. */
function toolDeltas({ toolCalls }: Answer, scene: Scene): JsonObject[] {
  return toolCalls.flatMap((call, index): JsonObject[] => {
    const fragments = call.arguments.match(new RegExp(`[^]{1,${ARGUMENT_PIECE}}`, 'g')) ?? [];
    const first = { index, id: callId(scene, index), type: 'function', function: { name: call.name, arguments: '' } };
    return [first, ...fragments.map((text) => ({ index, function: { arguments: text } }))].map((piece) => ({ role: 'assistant', content: null, tool_calls: [piece] }));
  });
}

function frames(answer: Answer, scene: Scene): Frame[] {
  const chunk = (delta: JsonObject, finish: string | null = null): JsonObject => ({
    ...header(scene), object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish, native_finish_reason: finish, logprobs: null }],
  });
  const usage = usageOf(answer, scene);
  const end = chunk({ role: 'assistant', content: '' }, answer.finish);
  const content = (delta: JsonObject): Frame => ({ part: 'content', data: chunk(delta) });
  return [
    { part: 'comment', data: 'OPENROUTER PROCESSING' },
    ...answer.reasoning.map((text) =>
      content({ role: 'assistant', content: '', reasoning: text, reasoning_details: [{ type: 'reasoning.text', text, format: 'unknown', index: 0 }] })),
    ...answer.content.map((text) => content({ role: 'assistant', content: text })),
    ...toolDeltas(answer, scene).map(content),
    { part: 'finish', data: end },
    // Both were recorded: the finish repeated with the usage, and a chunk without choices.
    ...(usage === undefined ? [] : [{ part: 'usage' as const, data: scene.call.number % 2 === 0 ? { ...end, usage } : { ...end, choices: [], usage } }]),
    { part: 'done', data: null },
  ];
}

function entry(model: SimulatedModel): JsonObject {
  const inputs = model.images === true ? ['text', 'image'] : ['text'];
  const output = model.output ?? 'text';
  return {
    id: model.id,
    canonical_slug: model.id.replace(/:free$/, ''),
    name: model.title,
    created: model.created,
    description: `${model.title}, simulated.`,
    hugging_face_id: null,
    context_length: model.context,
    architecture: { modality: `${inputs.join('+')}->${output}`, input_modalities: inputs, output_modalities: [output], tokenizer: 'Other', instruct_type: null },
    pricing: { ...model.price, request: model.price?.request ?? '0', image: '0' },
    top_provider: { context_length: model.context, max_completion_tokens: model.maxOutput, is_moderated: false },
    per_request_limits: null,
    supported_parameters: takenBy(model),
    default_parameters: null,
    expiration_date: null,
    knowledge_cutoff: null,
    supported_voices: null,
    links: { details: `/api/v1/models/${model.id}/endpoints` },
  };
}

/** Only text models unless other outputs are asked for. */
function listing({ query }: Call): Reply {
  const outputs = query.get('output_modalities')?.split(',') ?? ['text'];
  const chosen = openrouterModels.map(entry).filter(({ architecture }) => isObject(architecture) && outputs.some((output) => [architecture['output_modalities']].flat().includes(output)));
  return { status: 200, body: { data: chosen } };
}

const DAY = 86_400;

function keyInfo({ holder }: Scene, readings: readonly Reading[]): Reply {
  const day = readings.find(({ window }) => window.unit === 'requests' && window.seconds === DAY);
  const spent = { usage: 0, usage_daily: 0, usage_weekly: 0, usage_monthly: 0, byok_usage: 0, byok_usage_daily: 0, byok_usage_weekly: 0, byok_usage_monthly: 0 };
  return {
    status: 200,
    body: {
      data: {
        label: `sk-or-v1-${holder.account.slice(0, 3)}...${holder.account.slice(-3)}`,
        limit: null, limit_remaining: null, limit_reset: null, ...spent, include_byok_in_limit: false,
        is_free_tier: (holder.credits ?? 0) <= 0, is_management_key: false, is_provisioning_key: false, creator_user_id: `user_${holder.account}`, expires_at: null,
        rate_limit: { requests: -1, interval: '10s', note: 'This field is deprecated and safe to ignore.' },
        ...(day !== undefined && { free_model_daily_requests: { limit: day.window.limit, remaining: Math.max(0, day.window.limit - day.used), used: day.used } }),
      },
    },
  };
}

/** Lifetime credits from which paid models answer. */
function unaffordable(call: Call, model: SimulatedModel): boolean {
  const credits = typeof call.holder === 'object' ? call.holder.credits ?? 0 : 0;
  return credits < 0 || (!isFree(model) && credits === 0);
}

const takenBy = (model: SimulatedModel): readonly string[] => [
  'max_tokens', 'temperature', 'top_p', 'stop', 'seed', 'response_format',
  ...(model.tools === true ? ['tools', 'tool_choice'] : []), ...(model.reasoning === true ? ['reasoning', 'reasoning_effort', 'include_reasoning'] : []),
];

/** That some models know and others do not. */
const PARAMETERS = [
  'temperature', 'top_p', 'top_k', 'min_p', 'top_a', 'frequency_penalty', 'presence_penalty', 'repetition_penalty', 'max_tokens', 'logit_bias', 'logprobs', 'top_logprobs',
  'prediction', 'seed', 'response_format', 'stop', 'tools', 'tool_choice', 'parallel_tool_calls', 'include_reasoning', 'reasoning', 'reasoning_effort', 'verbosity',
];

const takesAll = (model: SimulatedModel, body: Readonly<Record<string, unknown>>): boolean => PARAMETERS.every((field) => body[field] === undefined || takenBy(model).includes(field));

function screen(call: Call, model: SimulatedModel | undefined): Reply | string | undefined {
  if (!isObject(call.body)) return 'bad-json';
  if (call.path === '/chat/completions' && objects(call.body['messages']).length === 0) return 'no-messages';
  if (model === undefined) return undefined;
  const routing = call.body['provider'];
  if (isObject(routing) && routing['data_collection'] === 'deny' && model.id.endsWith(':free')) return 'data-policy';
  if (call.body['tools'] !== undefined && model.tools !== true) return 'no-tools';
  if (isObject(routing) && routing['require_parameters'] === true && !takesAll(model, call.body)) return 'parameters';
  return unaffordable(call, model) ? 'credits' : undefined;
}

function route(call: Call): Route | undefined {
  if (call.method !== 'GET') return undefined;
  switch (call.path) {
    case '/models':
      return () => listing(call);
    case '/models/count':
      return () => ({ status: 200, body: { data: { count: openrouterModels.length } } });
    case '/key':
    case '/auth/key':
      return keyInfo;
    case '/credits':
      return ({ holder }) => ({ status: 200, body: { data: { total_credits: holder.credits ?? 0, total_usage: 0 } } });
    default:
      return undefined;
  }
}

export const openrouter: Wire = {
  name: 'openrouter',
  basePath: '/openrouter/api/v1',
  keyPrefix: 'sk-or-v1-',
  models: openrouterModels,
  edgeFilter: false,
  openPaths: ['/models', '/models/count'],
  works: { '/embeddings': { output: 'embeddings', perform: embed } },
  route,
  screen,
  metered: isFree,
  reserve: (body, prompt) => prompt + (maxOutput(body) ?? 0),
  charge: 'used',
  refusals: openrouterRefusals,
  denied: openrouterDenied,
  headers: (_status, _readings, scene) => (scene.call.method === 'POST' ? { 'X-Generation-Id': generationId(scene) } : {}),
  completion,
  frames,
  streamError: (scene) => ({
    ...header(scene),
    object: 'chat.completion.chunk',
    error: { code: 'server_error', message: 'Provider disconnected unexpectedly' },
    choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
  }),
};
