/**
 * The OpenAI-compatible format, spoken by nearly everyone. Where a provider deviates, its entry in
 * `config/providers.yaml` says so as data: `omit`, `rename`, `headers`.
 */
import { FailureError } from '../failure.ts';
import type { ChatChunk, ChatRequest, Target, Usage } from '../types.ts';
import { choicesOf, usageOf } from './chunk.ts';
import type { Dialect, HttpRequest, Payload, Refuse } from './dialect.ts';
import { isComplaint } from './envelope.ts';
import { explain } from './explain.ts';
import { isRecord, parseJson } from './json.ts';
import type { Json } from './json.ts';

export const openai: Dialect = { encode, decode, explain };

/** A client's words about credentials and destinations: never used, never passed on. */
const NEVER = ['api_base', 'api_key', 'base_url', 'headers', 'proxy'];

function encode(request: ChatRequest, target: Target, credential: string): HttpRequest {
  const { provider, model } = target;
  const body: Record<string, unknown> = { ...request.body, model: model.name, stream: request.stream };
  // Without it most providers tell no usage at the end of a stream, and nobody could be charged right.
  if (request.stream) body['stream_options'] = { ...(isRecord(body['stream_options']) && body['stream_options']), include_usage: true };
  for (const field of [...NEVER, ...provider.omit]) omit(body, field);
  for (const [from, to] of Object.entries(provider.rename)) {
    if (!Object.hasOwn(body, from)) continue;
    body[to] ??= body[from];
    delete body[from];
  }
  return {
    method: 'POST',
    url: `${provider.baseUrl}/chat/completions`,
    headers: { ...provider.headers, accept: request.stream ? 'text/event-stream' : 'application/json', authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

/** `field`, or `list.field` for a field of every entry, e.g. `messages.name`. What is reached through a list is copied first. */
function omit(body: Record<string, unknown>, path: string): void {
  const [field = '', inner] = path.split('.');
  const list = body[field];
  if (inner === undefined) delete body[field];
  else if (Array.isArray(list)) body[field] = list.map((entry: unknown) => (isRecord(entry) && Object.hasOwn(entry, inner) ? without(entry, inner) : entry));
}

function without(entry: Json, field: string): Json {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== field));
}

async function* decode(payloads: AsyncIterable<Payload>, refuse: Refuse): AsyncGenerator<ChatChunk> {
  const seen = createEnd();
  for await (const payload of untilWhole(payloads, seen.complete)) {
    const value = parseJson(payload.text);
    if (payload.event === 'error' || isComplaint(value)) throw refuse(payload.text);
    if (!isRecord(value)) throw broken('sent something that is not JSON in the middle of its answer');
    yield seen.note(payload, value);
  }
  seen.check();
}

/** A connection torn down after the last word takes nothing away from the answer. */
async function* untilWhole(payloads: AsyncIterable<Payload>, complete: () => boolean): AsyncGenerator<Payload> {
  try {
    yield* payloads;
  } catch (error) {
    if (!complete()) throw error;
  }
}

/** Keeps what tells a whole answer from one cut short. */
function createEnd() {
  const open = new Set<number>();
  const state: { finish?: string; usage?: Usage; content: boolean } = { content: false };
  const complete = (): boolean => state.finish !== undefined && open.size === 0;
  return {
    complete,
    note(payload: Payload, value: Json): ChatChunk {
      const choices = choicesOf(value);
      const usage = usageOf(value);
      for (const choice of choices) {
        if (choice.finish === undefined) open.add(choice.index);
        else open.delete(choice.index);
      }
      const finish = choices.find((choice) => choice.finish !== undefined)?.finish;
      const content = choices.some((choice) => choice.content);
      if (finish === 'error') throw broken('gave up in the middle of its answer');
      state.content ||= content;
      if (finish !== undefined) state.finish = finish;
      if (usage !== undefined) state.usage = usage;
      return {
        text: payload.text,
        whole: payload.whole,
        content,
        ...(finish !== undefined && { finish }),
        ...(usage !== undefined && { usage, ...(choices.length === 0 && { usageOnly: true as const }) }),
      };
    },
    check(): void {
      if (!complete()) throw broken('ended its answer before it was whole');
      if (state.content) return;
      if (state.finish === 'content_filter') throw new FailureError({ kind: 'policy', message: "the provider's content filter held the whole answer back" });
      if (state.usage === undefined) throw broken('sent an empty answer');
    },
  };
}

function broken(what: string): FailureError {
  return new FailureError({ kind: 'broken-answer', message: `the provider ${what}` });
}
