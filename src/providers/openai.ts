/**
 * The OpenAI-compatible format, spoken by nearly everyone. Where a provider deviates, its entry in
 * `config/providers.yaml` says so as data: `omit`, `rename`, `headers`.
 */
import type { ChatChunk, ChatRequest, Target } from '../types.ts';
import { stringified } from '../written.ts';
import { choicesOf, usageOf } from './chunk.ts';
import { questionHeaders } from './dialect.ts';
import type { Decoder, Dialect, HttpRequest, Payload, Refuse } from './dialect.ts';
import { choiceError, isComplaint } from './envelope.ts';
import { explain } from './explain.ts';
import { fitted } from './fields.ts';
import { isRecord, parseAnswer } from './json.ts';
import type { Json } from './json.ts';
import { encodeRelay } from './relay.ts';
import { broken, createTally } from './tally.ts';
import type { Tally } from './tally.ts';

export const openai: Dialect = { authorize, encode, decode, explain };

function authorize(credential: string): { readonly authorization: string } {
  return { authorization: `Bearer ${credential}` };
}

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { provider, model } = target;
  if (request.relay !== undefined) return encodeRelay(request.relay, { request, target, authorization: authorize(credential) });
  const body: Record<string, unknown> = { model: '', stream: false, ...request.body };
  body['model'] = model.name;
  body['stream'] = request.stream;
  const messages = body['messages'];
  if (Array.isArray(messages) && messages.some(isDeveloper)) body['messages'] = messages.map((message: unknown) => (isDeveloper(message) ? { ...message, role: 'system' } : message));
  // Without it most providers tell no usage at the end of a stream, and nobody could be charged right.
  if (request.stream) body['stream_options'] = { ...(isRecord(body['stream_options']) && body['stream_options']), include_usage: true };
  return {
    method: 'POST',
    url: `${provider.baseUrl}/chat/completions`,
    headers: questionHeaders(provider, request.stream, authorize(credential)),
    body: stringified(fitted(body, provider), request.written),
  };
}

/** The role's newer name is known to few besides OpenAI, who takes the older one for the same. */
function isDeveloper(message: unknown): message is Json {
  return isRecord(message) && message['role'] === 'developer';
}

function decode(refuse: Refuse): Decoder {
  const tally = createTally();
  return {
    read: (payload) => [readOne(payload, tally, refuse)],
    complete: tally.complete,
    end() {
      const fault = tally.fault();
      if (fault !== undefined) throw fault;
    },
  };
}

/** Reasons to end that are none: OpenRouter's and Mistral's, Z.ai's, DeepSeek's. */
const GAVE_UP: ReadonlySet<string> = new Set(['error', 'network_error', 'insufficient_system_resource']);

/** Throws what it says went wrong. */
function readOne(payload: Payload, tally: Tally, refuse: Refuse): ChatChunk {
  const value = parseAnswer(payload.text);
  if (payload.event === 'error' || isComplaint(value)) throw refuse(payload.text);
  if (!isRecord(value)) throw broken('sent something that is not JSON in the middle of its answer');
  const choices = choicesOf(value, payload.whole);
  const usage = usageOf(value);
  const { finish, content } = tally.count(choices, usage);
  if (finish !== undefined && GAVE_UP.has(finish)) throw choiceError(value) === undefined ? broken('gave up in the middle of its answer') : refuse(payload.text);
  const { text, whole } = payload;
  const estimate = choices.reduce((sum, choice) => sum + choice.estimate, 0);
  // Nearly every piece says a word and nothing else.
  if (finish === undefined && usage === undefined) return { text, whole, content, estimate };
  return { text, whole, content, estimate, ...(finish !== undefined && { finish }), ...(usage !== undefined && { usage, ...(choices.length === 0 && { usageOnly: true }) }) };
}
