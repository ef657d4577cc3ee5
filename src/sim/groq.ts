/**
 * Groq's wire format as recorded in 2026: nested errors, Go durations, a day's requests, a minute's tokens and an hour's
 * sound in the headers, everything else only in the text of a refusal.
 */
import { sound } from './audio.ts';
import { groqModels } from './groq-models.ts';
import { groqDenied, groqFailure, groqRefusals } from './groq-refusals.ts';
import { goDuration, uuidOf } from './ids.ts';
import { isObject, maxOutput, objects } from './tokens.ts';
import type { Unit } from '../types.ts';
import type { Answer, Call, Frame, Headers, JsonObject, Reading, Reply, Route, Scene, SimulatedModel, Wire } from './types.ts';

/** Request fields refused with a 400 that names them. */
const UNSUPPORTED = ['logprobs', 'top_logprobs', 'logit_bias'];

function refusedParameter(body: JsonObject, model: SimulatedModel): Reply | string | undefined {
  const field = UNSUPPORTED.find((name) => body[name] !== undefined && body[name] !== null && body[name] !== false);
  if (field !== undefined) return groqFailure(400, `\`${field}\` is not supported with this model`, { param: field });
  if (objects(body['messages']).some((message) => 'name' in message)) return groqFailure(400, "'messages.0' : property 'name' is unsupported");
  const thinking = objects(body['messages']).findIndex((message) => 'reasoning_content' in message);
  if (thinking >= 0) return groqFailure(400, `'messages.${thinking}' : for 'role:assistant' the following must be satisfied[('messages.${thinking}' : property 'reasoning_content' is unsupported)]`);
  if (typeof body['n'] === 'number' && body['n'] > 1) return groqFailure(400, "'n' : number must be at most 1");
  const asked = maxOutput(body);
  if (asked !== undefined && asked > model.maxOutput) {
    const name = body['max_completion_tokens'] === undefined ? 'max_tokens' : 'max_completion_tokens';
    const message = `\`${name}\` must be less than or equal to \`${model.maxOutput}\`, the maximum value for \`${name}\` is less than the \`context_window\` for this model`;
    return groqFailure(400, message, { param: name });
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

/** Of each unit's windows only one is told. */
const TOLD = { requests: 86_400, tokens: 60, audio_seconds: 3_600 } as const satisfies Readonly<Record<Unit, number>>;

function headers(_status: number, readings: readonly Reading[], { id }: Scene): Headers {
  const shown = readings.filter(({ window }) => window.seconds === TOLD[window.unit]);
  const rates = shown.flatMap(({ window, used, resetMs }): [string, string][] => {
    const unit = window.unit.replace('_', '-');
    return [
      [`x-ratelimit-limit-${unit}`, String(window.limit)],
      [`x-ratelimit-remaining-${unit}`, String(Math.max(0, Math.floor(window.limit - used)))],
      [`x-ratelimit-reset-${unit}`, goDuration(resetMs)],
    ];
  });
  return { 'x-request-id': requestId(id), 'x-groq-region': 'fra', ...Object.fromEntries(rates) };
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
  input_modalities: model.output === 'transcription' ? ['audio'] : model.images === true ? ['text', 'image'] : ['text'],
  output_modalities: [model.output ?? 'text'],
  supported_features: [...(model.tools === true ? ['tools'] : []), 'json_mode', ...(model.reasoning === true ? ['reasoning'] : [])],
});

const listed = groqModels.filter(({ refusal }) => refusal === undefined);

function route({ method, path }: Call): Route | undefined {
  if (method !== 'GET') return undefined;
  if (path === '/models') return () => ({ status: 200, body: { object: 'list', data: listed.map(entry) } });
  const model = listed.find(({ id }) => path === `/models/${id}`);
  return model && (() => ({ status: 200, body: entry(model) }));
}

function screen({ path, body }: Call, model: SimulatedModel | undefined): Reply | string | undefined {
  if (!isObject(body)) return 'bad-json';
  if (path !== '/chat/completions') return undefined;
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
  works: sound,
  route,
  screen,
  metered: () => true,
  reserve: (body, prompt) => prompt + (maxOutput(body) ?? 0),
  charge: 'used',
  refusals: groqRefusals,
  denied: groqDenied,
  headers,
  completion,
  frames,
  streamError: () => ({ error: { message: 'Internal Server Error', type: 'internal_server_error', code: 'internal_server_error' } }),
};
