/** What a model must be able to do, and hold, to answer a request. */
import type { Capability, ChatRequest, Model, Surface, Target } from '../types.ts';

/** What every answer of a surface is, whatever else a request needs. The others say so in the request. */
const ANSWERS: Partial<Record<Surface, Capability>> = {
  chat: 'text_generation',
  completions: 'text_generation',
  messages: 'text_generation',
  responses: 'text_generation',
  embeddings: 'embeddings',
  images: 'image_generation',
  moderations: 'moderation',
};

/** Room left for the answer where the caller names no maximum: most answers are shorter. Tokens. */
const USUAL_OUTPUT = 1_024;

/** Without these a model cannot answer at all, while a rule's capabilities are a preference. */
export function needsOf({ surface, needs }: ChatRequest): readonly Capability[] {
  const answer = ANSWERS[surface];
  return [...new Set([...(answer === undefined ? [] : [answer]), ...needs])];
}

export function can(model: Model, capability: Capability): boolean {
  // A schema is the stricter form of JSON.
  return model.capabilities.includes(capability) || (capability === 'json' && model.capabilities.includes('json_schema'));
}

/** Prompt and answer together. A model that says how much it writes at most is not asked for more. */
const contextFor = ({ promptTokens, maxOutput }: ChatRequest, most = Infinity): number => promptTokens + Math.min(maxOutput ?? USUAL_OUTPUT, most);

/** A context nobody knows is given the benefit of the doubt: the refusal, if any, teaches it. */
export const fits = (request: ChatRequest, context = Infinity, most = Infinity): boolean => contextFor(request, most) <= context;

/** Only a chat fills a context as a whole: a hundred texts to embed are a hundred prompts. */
export const holds = (request: ChatRequest, { context, maxOutput }: Model): boolean => request.relay !== undefined || fits(request, context, maxOutput);

const IN_WORDS: Record<Capability, string> = {
  text_generation: 'write text',
  code_generation: 'write code',
  reasoning: 'reason',
  tools: 'call tools',
  json: 'answer in JSON',
  json_schema: 'answer by a JSON schema',
  vision: 'take images',
  audio: 'take audio',
  embeddings: 'make embeddings',
  transcription: 'transcribe',
  speech: 'speak',
  image_generation: 'make images',
  moderation: 'moderate',
};

/** What nobody among the targets can meet, in words that follow "no model …". */
export function whatIsMissing(targets: readonly Target[], request: ChatRequest): string {
  const needs = needsOf(request);
  const unmet = needs.filter((need) => !targets.some(({ model }) => can(model, need)));
  if (unmet.length > 0) return `can ${unmet.map((need) => IN_WORDS[need]).join(' or ')}`;
  const capable = targets.filter(({ model }) => needs.every((need) => can(model, need)));
  if (capable.length === 0) return `can ${needs.map((need) => IN_WORDS[need]).join(' and ')} at once`;
  const largest = Math.max(...capable.map(({ model }) => model.context ?? 0));
  const wanted = Math.min(...capable.map(({ model }) => contextFor(request, model.maxOutput)));
  return `${needs.length > 1 ? `that can ${needs.slice(1).map((need) => IN_WORDS[need]).join(' and ')} ` : ''}has room for ${wanted} tokens of prompt and answer; the largest has ${largest}`;
}
