/** `GET /admin/events`: what happens, as it happens, for dashboards and scripts. Server-sent events, named as the gateway names them. */
import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { FailureError } from '../failure.ts';
import { createInFlight } from '../in-flight.ts';
import type { Attempt, ChatRequest, GatewayEvent, Refusal, RequestSummary } from '../types.ts';
import { EVENT_STREAM_HEADERS } from './stream.ts';
import { tellTime } from './tell.ts';

export interface Events {
  /** Must hear every gateway event. */
  readonly observe: (event: GatewayEvent) => void;
  readonly route: RequestHandler;
  /** Ends every stream: a server that shuts down waits for none of them. */
  readonly close: () => void;
}

type Told = Readonly<Record<string, unknown>>;

/** Often enough to look live, seldom enough that a thousand requests a second cost a page nothing. */
const FRAME_MS = 250;
/** Of one frame; a page shows no more than that anyway. */
const MOST_IN_FRAME = 200;
/** What a newcomer is told of the past. */
const MOST_RECENT = 50;
/** As many as may wait in line by default, twice. */
const MOST_RUNNING = 2_000;
const MOST_LISTENERS = 20;
/** Proxies close what is silent for a minute. */
const KEEP_ALIVE_MS = 15_000;
/** A listener that far behind is cut, and comes back to a fresh snapshot. */
const MOST_UNREAD_BYTES = 2 ** 20;

export function createEvents(): Events {
  /** Told when somebody asks: most are over before. */
  const running = createInFlight<GatewayEvent>();
  const recent: Finished[] = [];
  const listeners = new Set<ServerResponse>();
  const frame: { texts: string[]; dropped: number; timer?: NodeJS.Timeout | undefined } = { texts: [], dropped: 0 };

  const flush = (): void => {
    const dropped = frame.dropped > 0 ? [textOf('dropped', { events: frame.dropped })] : [];
    const text = [...dropped, ...frame.texts].join('');
    Object.assign(frame, { texts: [], dropped: 0, timer: undefined });
    for (const listener of listeners) {
      if (listener.writableLength > MOST_UNREAD_BYTES) listener.destroy();
      else listener.write(text);
    }
  };

  const tell = (name: string, told: Told): void => {
    if (frame.texts.push(textOf(name, told)) > MOST_IN_FRAME) {
      frame.texts.shift();
      frame.dropped += 1;
    }
    frame.timer ??= setTimeout(flush, FRAME_MS).unref();
  };

  return {
    observe(event) {
      if (event.type === 'request-started' && running.count() < MOST_RUNNING) running.set(event.request.id, event);
      if (event.type !== 'request-finished') {
        if (listeners.size > 0) tell(event.type, tellEvent(event));
        return;
      }
      running.take(event.request.id);
      recent.push(finishedOf(event));
      if (recent.length > MOST_RECENT) recent.shift();
      if (listeners.size > 0) tell(event.type, tellEvent(event));
    },
    route(_request, response) {
      if (listeners.size >= MOST_LISTENERS) throw new FailureError({ kind: 'too-busy', message: `${MOST_LISTENERS} programs are listening already; close one` });
      response.writeHead(200, EVENT_STREAM_HEADERS);
      response.write(textOf('snapshot', { running: running.items().map(tellEvent), recent: recent.map(tellFinished) }));
      listeners.add(response);
      const alive = setInterval(() => response.write(': still here\n\n'), KEEP_ALIVE_MS).unref();
      response.once('close', () => {
        clearInterval(alive);
        listeners.delete(response);
      });
    },
    close() {
      clearTimeout(frame.timer);
      for (const listener of listeners) listener.end();
    },
  };
}

type Asked = Pick<ChatRequest, 'id' | 'surface' | 'model' | 'stream' | 'caller' | 'promptTokens' | 'receivedAt'>;
/** Nothing of it may be forgotten, so each is named. */
type Outcome = { readonly [Name in Exclude<keyof Required<RequestSummary>, 'passedOver'>]: RequestSummary[Name] };

interface Finished {
  readonly request: Asked;
  readonly summary: Outcome;
}

/**
 * What was asked must not be kept beyond its request, and a summary's function holds on to it: so names and numbers are
 * taken out at once, and put into words when somebody listens (25 µs). Field by field: the rest of an object costs ten times as much.
 */
function finishedOf({ request, summary }: GatewayEvent & { readonly type: 'request-finished' }): Finished {
  const { id, surface, model, stream, caller, promptTokens, receivedAt } = request;
  const { status, rule, words, attempts, provider, account, model: answeredBy, usage, costUsd, savedUsd, queueMs, firstContentMs, totalMs, overheadMs, failure, cache } = summary;
  return {
    request: { id, surface, model, stream, caller, promptTokens, receivedAt },
    summary: { status, rule, words, attempts, provider, account, model: answeredBy, usage, costUsd, savedUsd, queueMs, firstContentMs, totalMs, overheadMs, failure, cache },
  };
}

/** JSON holds no line end, so that one `data:` line is always enough. */
const textOf = (name: string, told: Told): string => `event: ${name}\ndata: ${JSON.stringify(told)}\n\n`;

const tellRefusal = ({ id, path, status, failure }: Refusal): Told => ({ id, surface: path, status, failure });

/** Never a prompt or an answer: who asked, of whom, and what came of it. */
function tellEvent(event: GatewayEvent): Told {
  switch (event.type) {
    case 'request-started': return tellRequest(event.request);
    case 'attempt-finished': return { id: event.request.id, ...tellAttempt(event.attempt) };
    case 'request-finished': return tellFinished(finishedOf(event));
    case 'request-refused': return tellRefusal(event.refusal);
    case 'account-changed': return { id: event.account.id, provider: event.account.provider, label: event.account.label, state: event.state, reason: event.reason, ...tellTime('until', event.until) };
    case 'notice': return { level: event.level, message: event.message };
  }
}

const tellFinished = ({ request, summary }: Finished): Told => ({ ...tellRequest(request), ...tellSummary(summary) });

function tellRequest({ id, surface, model, stream, caller, promptTokens, receivedAt }: Asked): Told {
  return { id, ...tellTime('at', receivedAt), surface, model, stream, key: caller.key, project: caller.project, prompt_tokens: promptTokens };
}

function tellAttempt({ provider, account, model, outcome, sent, message, retryAt, startedAt, firstContentAt, endedAt }: Attempt): Told {
  return {
    provider, account, model, outcome, sent,
    ms: Math.round(endedAt - startedAt),
    ...(firstContentAt !== undefined && { first_content_ms: Math.round(firstContentAt - startedAt) }),
    ...(message !== undefined && { message }),
    ...tellTime('retry_at', retryAt),
  };
}

function tellSummary({ status, rule, words, attempts, provider, account, model, usage, costUsd, savedUsd, queueMs, firstContentMs, totalMs, overheadMs, failure, cache }: Outcome): Told {
  return {
    status, rule, words, attempts: attempts.map(tellAttempt), provider, account, failure, cache,
    answered_by: model,
    tokens_in: usage?.input,
    tokens_out: usage?.output,
    cost_usd: costUsd,
    saved_usd: savedUsd,
    queue_ms: Math.round(queueMs),
    ...(firstContentMs !== undefined && { first_content_ms: Math.round(firstContentMs) }),
    total_ms: Math.round(totalMs),
    overhead_ms: Math.round(overheadMs * 100) / 100,
  };
}
