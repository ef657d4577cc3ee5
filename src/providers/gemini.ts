/** Gemini's own API. `base_url` ends with `/v1beta`. */
import type { ChatRequest, Target } from '../types.ts';
import { questionHeaders, translated } from './dialect.ts';
import type { Dialect, HttpRequest, Payload } from './dialect.ts';
import { explain } from './explain.ts';
import { notTaken } from './fields.ts';
import { signatureOf, UNSIGNED, wantsSignatures } from './gemini-openai.ts';
import { given, isRecord, listAt, numberAt, parseAnswer, parseJson, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';
import { openai } from './openai.ts';
import { encodeRelay, refuseForeign } from './relay.ts';
import { chunkOf, completionOf, usageFields } from './told.ts';
import type { Finish, Head } from './told.ts';
import { readFields, readQuestion, refuseRest } from './turns.ts';
import type { Call, CommonFields, Part, Turn } from './turns.ts';

export const gemini: Dialect = { authorize, encode, decode: (refuse) => translated(createTranslation(), openai.decode(refuse)), explain };

function authorize(credential: string): Record<string, string> {
  return { 'x-goog-api-key': credential };
}

/** Google's own compatibility layer gives these, in tokens of thought. */
const BUDGETS: Readonly<Record<string, number>> = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 };

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { provider, model } = target;
  const authorization = authorize(credential);
  refuseForeign(request);
  if (request.relay !== undefined) return encodeRelay(request.relay, { request, target, authorization });
  const { system, turns, fields } = readQuestion(request, provider);
  const { rest, ...common } = readFields(fields);
  const body = {
    ...(system !== '' && { systemInstruction: { parts: [{ text: system }] } }),
    contents: contentsOf(turns, wantsSignatures(model.name)),
    ...toolFields(common),
    generationConfig: generationConfig(common, rest),
  };
  return {
    method: 'POST',
    url: `${provider.baseUrl}/models/${model.name}:${request.stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: questionHeaders(provider, request.stream, authorization),
    body: JSON.stringify(body),
  };
}

function generationConfig({ maxTokens, stop, json, schema }: Omit<CommonFields, 'rest'>, rest: Json): Json {
  const { temperature, top_p: topP, top_k: topK, seed, presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty, reasoning_effort: effort, parallel_tool_calls: parallel, ...unknown } = rest;
  refuseRest(unknown);
  if (parallel === false) throw notTaken('parallel_tool_calls', 'the wish for one tool call at a time');
  const budget = typeof effort === 'string' ? BUDGETS[effort] : undefined;
  const numbers = { temperature, topP, topK, seed, presencePenalty, frequencyPenalty };
  return {
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => typeof value === 'number')),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    ...(stop.length > 0 && { stopSequences: stop }),
    ...(json && { responseMimeType: 'application/json' }),
    ...(schema && { responseJsonSchema: schema.schema }),
    ...(budget !== undefined && { thinkingConfig: { thinkingBudget: budget, includeThoughts: budget > 0 } }),
  };
}

function toolFields({ tools, toolChoice }: Pick<CommonFields, 'tools' | 'toolChoice'>): Json {
  if (tools.length === 0) return {};
  const declarations = tools.map(({ name, description, parameters }) => ({ name, ...given('description', description), parametersJsonSchema: parameters }));
  // A call that must be made is always made by its schema.
  const strict = tools.some((tool) => tool.strict);
  const calling = typeof toolChoice === 'object' ? { mode: 'ANY', allowedFunctionNames: [toolChoice.name] } : { mode: { auto: strict ? 'VALIDATED' : 'AUTO', none: 'NONE', required: 'ANY' }[toolChoice ?? 'auto'] };
  return { tools: [{ functionDeclarations: declarations }], ...((strict || toolChoice !== undefined) && { toolConfig: { functionCallingConfig: calling } }) };
}

/** Turns of one side that follow each other are one content: results of parallel calls must stand together. */
function contentsOf(turns: readonly Turn[], signs: boolean): readonly Json[] {
  const contents: { role: string; parts: Json[] }[] = [];
  for (const turn of turns) {
    const role = turn.role === 'assistant' ? 'model' : 'user';
    const parts = partsOf(turn, signs);
    const last = contents.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else if (parts.length > 0) contents.push({ role, parts });
  }
  return contents;
}

function partsOf(turn: Turn, signs: boolean): Json[] {
  switch (turn.role) {
    case 'user': return turn.parts.map(partOf);
    case 'assistant': return [...(turn.text === '' ? [] : [{ text: turn.text }]), ...turn.calls.map((call, index) => callPart(call, signs && index === 0 ? UNSIGNED : undefined))];
    case 'tool': return [{ functionResponse: { name: turn.name, response: resultOf(turn.text) } }];
    default: return turn satisfies never;
  }
}

function partOf(part: Part): Json {
  if (part.type === 'text') return { text: part.text };
  if ('url' in part) throw notTaken('messages', 'pictures by their address; send them along as base64');
  return { inlineData: { mimeType: part.mediaType, data: part.data } };
}

/** `otherwise`: in place of a signature that is not there. */
function callPart({ name, input, source }: Call, otherwise: string | undefined): Json {
  const signature = signatureOf(source) ?? otherwise;
  return { functionCall: { name, args: input }, ...(signature !== undefined && { thoughtSignature: signature }) };
}

/** Results are objects here. */
function resultOf(text: string): Json {
  const value = parseJson(text);
  return isRecord(value) ? value : { result: text };
}

/** Errors, and whatever is not understood, go on as they are: the next reader tells what they mean. */
function createTranslation(): (payload: Payload) => Iterable<Payload> {
  const state: Reading = { calls: 0, begun: false };
  return function* translate(payload) {
    const value = parseAnswer(payload.text);
    if (isRecord(value) && ('candidates' in value || 'promptFeedback' in value || 'usageMetadata' in value)) yield told(value, payload.whole, state);
    else yield payload;
  };
}

interface Reading {
  calls: number;
  /** The first piece names the role: clients wait for it. */
  begun: boolean;
}

function told(value: Json, whole: boolean, state: Reading): Payload {
  const head: Head = { id: textAt(value, 'responseId') ?? '', model: textAt(value, 'modelVersion') ?? '' };
  const candidate = listAt(value, 'candidates')[0];
  const first = state.calls;
  const message = messageOf(listAt(recordAt(candidate, 'content'), 'parts'), head.id, state);
  const ended = textAt(candidate, 'finishReason');
  // Refused before anything was said: there is no candidate, only a reason, which may be none that has a name.
  const reason = ended === undefined && textAt(recordAt(value, 'promptFeedback'), 'blockReason') !== undefined ? 'SAFETY' : ended;
  const usage = recordAt(value, 'usageMetadata');
  const finish: Finish = { reason: finishOf(reason, state.calls > 0), ...(usage && { usage: usageOf(usage) }) };
  if (whole) return completionOf(head, message, finish);
  const delta = { ...(!state.begun && { role: 'assistant' }), ...message, ...(Array.isArray(message['tool_calls']) && { tool_calls: message['tool_calls'].map((call: Json, index) => ({ index: first + index, ...call })) }) };
  state.begun = true;
  // Usage is told with every piece, and grows: only the last one counts.
  return chunkOf(head, delta, reason === undefined ? undefined : finish);
}

function messageOf(parts: readonly Json[], answer: string, state: Reading): Json {
  const words = (thoughts: boolean): string => parts.filter((part) => (part['thought'] === true) === thoughts).map((part) => textAt(part, 'text') ?? '').join('');
  const calls = parts.flatMap((part) => {
    const call = recordAt(part, 'functionCall');
    return call === undefined ? [] : [callOf(call, textAt(part, 'thoughtSignature'), `call_${answer}_${state.calls++}`)];
  });
  const thoughts = words(true);
  return { content: words(false), ...(thoughts !== '' && { reasoning_content: thoughts }), ...(calls.length > 0 && { tool_calls: calls }) };
}

/** `otherwise`: its id, where the model gives none. Clients keep a whole conversation's calls apart by theirs. */
function callOf(call: Json, signature: string | undefined, otherwise: string): Json {
  return {
    id: textAt(call, 'id') ?? otherwise,
    type: 'function',
    function: { name: call['name'], arguments: JSON.stringify(call['args'] ?? {}) },
    ...(signature !== undefined && { extra_content: { google: { thought_signature: signature } } }),
  };
}

const FILTERED: ReadonlySet<string | undefined> = new Set(['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE', 'IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION']);

/** All others, of which some are called OTHER and new ones come, say that the model gave up; a whole answer without any has no end. */
function finishOf(reason: string | undefined, called: boolean): string {
  if (FILTERED.has(reason)) return 'content_filter';
  if (reason === 'MAX_TOKENS') return 'length';
  if (reason !== 'STOP') return 'error';
  return called ? 'tool_calls' : 'stop';
}

function usageOf(usage: Json): Json {
  const reasoning = numberAt(usage, 'thoughtsTokenCount') ?? 0;
  return usageFields({ input: numberAt(usage, 'promptTokenCount') ?? 0, output: (numberAt(usage, 'candidatesTokenCount') ?? 0) + reasoning, cached: numberAt(usage, 'cachedContentTokenCount') ?? 0, reasoning });
}
