/** What a span says: OpenTelemetry's conventions for HTTP servers and for generative AI, and under `tollfree.` what those have no word for. */
import type { Attempt, ChatRequest, Refusal, RequestSummary, Surface, Usage } from '../types.ts';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** The kind of failure, where it ended in one. */
  readonly error?: string;
}

export type AttributeValue = string | number | boolean | readonly string[];

/** Where in a trace a span belongs. */
export interface Place {
  readonly id: string;
  /** The request's own span. */
  readonly spanId: string;
  readonly parent?: string;
  readonly state?: string;
}

/** A call upstream, named before it is made. */
export interface Call {
  readonly spanId: string;
  readonly provider: string;
  readonly account: string;
  readonly model: string;
  readonly baseUrl: string;
}

const ROUTES: Readonly<Record<Surface, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
  audio: '/v1/audio/*',
  images: '/v1/images/*',
  moderations: '/v1/moderations',
  proxy: '/v1/*',
};

/** The convention's words where it has one. */
const OPERATIONS: Readonly<Record<Surface, string>> = {
  chat: 'chat',
  completions: 'text_completion',
  messages: 'chat',
  responses: 'chat',
  embeddings: 'embeddings',
  audio: 'audio',
  images: 'generate_content',
  moderations: 'moderation',
  proxy: 'proxy',
};

/** Providers the convention knows by another name. */
const PROVIDERS: Readonly<Record<string, string>> = {
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  'mistral-codestral': 'mistral_ai',
  azure: 'azure.ai.openai',
  xai: 'x_ai',
};

export function requestSpan(place: Place, request: ChatRequest, summary: RequestSummary): Span {
  const route = ROUTES[request.surface];
  return {
    traceId: place.id,
    spanId: place.spanId,
    ...(place.parent !== undefined && { parentSpanId: place.parent }),
    ...(place.state !== undefined && { traceState: place.state }),
    name: `POST ${route}`,
    kind: 'server',
    start: request.receivedAt,
    end: request.receivedAt + summary.totalMs,
    attributes: {
      'http.request.method': 'POST',
      'http.route': route,
      'http.response.status_code': summary.status,
      'gen_ai.operation.name': OPERATIONS[request.surface],
      'gen_ai.request.model': request.model,
      'gen_ai.request.stream': request.stream,
      'gen_ai.response.model': summary.model,
      'tollfree.request_id': request.id,
      'tollfree.key': request.caller.id ?? request.caller.key,
      'tollfree.project': request.caller.project,
      'tollfree.rule': summary.rule,
      'tollfree.words': summary.words,
      'tollfree.provider': summary.provider,
      'tollfree.account': summary.account,
      'tollfree.attempts': summary.attempts.length,
      'tollfree.cache': summary.cache,
      'tollfree.queue_ms': summary.queueMs,
      'tollfree.overhead_ms': summary.overheadMs,
      'tollfree.cost_usd': summary.costUsd,
      'tollfree.saved_usd': summary.savedUsd,
      'error.type': summary.failure,
    },
    // A server's span is in error where the server is at fault, not its caller.
    ...(summary.failure !== undefined && summary.status >= 500 && { error: summary.failure }),
  };
}

/** Refused at the door. Undefined where nobody asked a model anything: the path is no word of a client's, but one of ours or `/v1/*`. */
export function refusalSpan({ id, spanId, parent, state }: Place, refusal: Refusal): Span | undefined {
  if (!refusal.path.startsWith('/v1/')) return undefined;
  const { method, status, failure } = refusal;
  const route = routeOf(refusal.path);
  return {
    traceId: id,
    spanId,
    ...(parent !== undefined && { parentSpanId: parent }),
    ...(state !== undefined && { traceState: state }),
    name: `${method} ${route}`,
    kind: 'server',
    start: refusal.receivedAt,
    end: refusal.receivedAt + refusal.totalMs,
    attributes: { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status, 'tollfree.request_id': refusal.id, 'error.type': failure },
    ...(status >= 500 && { error: failure }),
  };
}

const routeOf = (path: string): string => Object.values(ROUTES).find((route) => (route.endsWith('*') ? path.startsWith(route.slice(0, -1)) : path === route)) ?? ROUTES.proxy;

/** Time in line, or waited on purpose before asking again. */
export function waitSpan({ id, spanId: parentSpanId }: Place, spanId: string, { from, to, failure }: { readonly from: number; readonly to: number; readonly failure?: string }): Span {
  return { traceId: id, spanId, parentSpanId, name: 'wait', kind: 'internal', start: from, end: to, attributes: { 'error.type': failure }, ...(failure !== undefined && { error: failure }) };
}

export function attemptSpan({ id, spanId: parentSpanId }: Place, { surface, stream, maxOutput }: ChatRequest, call: Call, attempt: Attempt, usage?: Usage): Span {
  const { hostname, port, protocol } = new URL(call.baseUrl);
  const failure = attempt.outcome === 'ok' ? undefined : attempt.outcome;
  return {
    traceId: id,
    spanId: call.spanId,
    parentSpanId,
    name: `${OPERATIONS[surface]} ${attempt.model}`,
    kind: 'client',
    start: attempt.startedAt,
    end: attempt.endedAt,
    attributes: {
      'gen_ai.operation.name': OPERATIONS[surface],
      'gen_ai.provider.name': PROVIDERS[attempt.provider] ?? attempt.provider,
      'gen_ai.request.model': attempt.model,
      'gen_ai.request.stream': stream,
      'gen_ai.request.max_tokens': maxOutput,
      'gen_ai.response.time_to_first_chunk': stream && attempt.firstContentAt !== undefined ? (attempt.firstContentAt - attempt.startedAt) / 1_000 : undefined,
      'gen_ai.usage.input_tokens': usage?.input,
      'gen_ai.usage.output_tokens': usage?.output,
      'gen_ai.usage.cache_read.input_tokens': usage?.cachedInput,
      'gen_ai.usage.reasoning.output_tokens': usage?.reasoning,
      'server.address': hostname,
      'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
      'tollfree.provider': attempt.provider,
      'tollfree.account': attempt.account,
      'error.type': failure,
    },
    ...(failure !== undefined && { error: failure }),
  };
}
