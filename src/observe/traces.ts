/**
 * Requests as OpenTelemetry spans: one for the request, one for each wait in line, one for each call upstream.
 *
 * They are put together when a request is over, from what log and metrics are told as well. Only the names of calls are
 * given out earlier, because they travel upstream in `traceparent`.
 */
import { createInFlight } from '../in-flight.ts';
import type { Attempt, ChatRequest, GatewayEvent, Outgoing, Refusal, Send, TraceContext } from '../types.ts';
import { attemptSpan, refusalSpan, requestSpan, waitSpan } from './spans.ts';
import type { Call, Place, Span } from './spans.ts';

export interface TracesOptions {
  /** Share of requests that are traced where their caller does not say. */
  readonly sample: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** So many random bytes, in hexadecimal digits. */
  readonly newId: (bytes: number) => string;
  readonly take: (span: Span) => void;
}

export interface Traces {
  readonly observe: (event: GatewayEvent) => void;
  /** Every call carries the name of its span upstream. */
  readonly around: (send: Send) => Send;
}

interface Entered extends Place {
  readonly sampled: boolean;
}

interface Trace extends Entered {
  /** Under way. */
  readonly calls: Call[];
  readonly done: { readonly call: Call; readonly attempt: Attempt }[];
  over: boolean;
}

export function createTraces({ sample, random, newId, take }: TracesOptions): Traces {
  const traces = createInFlight<Trace>();

  /** A place in the caller's trace, or in a new one. */
  const enter = (trace?: TraceContext): Entered => {
    const [, caller, parent, flags = ''] = trace?.parent.split('-') ?? [];
    return {
      id: caller ?? newId(16),
      spanId: newId(8),
      ...(parent !== undefined && { parent }),
      ...(trace?.state !== undefined && { state: trace.state }),
      sampled: parent === undefined ? random() < sample : (Number.parseInt(flags, 16) & 1) === 1,
    };
  };

  const begin = ({ id, trace }: ChatRequest): void => traces.set(id, { ...enter(trace), calls: [], done: [], over: false });

  const refused = (refusal: Refusal): void => {
    const place = enter(refusal.trace);
    const span = place.sampled ? refusalSpan(place, refusal) : undefined;
    if (span !== undefined) take(span);
  };

  const forgetIfOver = (request: ChatRequest, trace: Trace): void => {
    if (trace.over && trace.calls.length === 0) traces.take(request.id);
  };

  const attempted = (request: ChatRequest, attempt: Attempt): void => {
    const trace = traces.get(request.id);
    const index = trace?.calls.findIndex(({ provider, account, model }) => provider === attempt.provider && account === attempt.account && model === attempt.model) ?? -1;
    const [call] = index < 0 ? [] : (trace?.calls.splice(index, 1) ?? []);
    if (trace === undefined || call === undefined) return;
    // A rival that is slower to leave than the answer was to end.
    if (trace.over) tell(trace, request, call, attempt);
    else trace.done.push({ call, attempt });
    forgetIfOver(request, trace);
  };

  const tell = (trace: Trace, request: ChatRequest, call: Call, attempt: Attempt, usage?: Parameters<typeof attemptSpan>[4]): void => {
    if (!trace.sampled) return;
    if ((attempt.waitedMs ?? 0) > 0) take(waitSpan(trace, newId(8), { from: attempt.startedAt - (attempt.waitedMs ?? 0), to: attempt.startedAt }));
    take(attemptSpan(trace, request, call, attempt, usage));
  };

  const finish = ({ request, summary }: GatewayEvent & { type: 'request-finished' }): void => {
    const trace = traces.get(request.id);
    if (trace === undefined) return;
    trace.over = true;
    const last = summary.provider === undefined ? undefined : trace.done.at(-1);
    for (const one of trace.done) tell(trace, request, one.call, one.attempt, one === last ? summary.usage : undefined);
    if (trace.sampled) {
      const end = request.receivedAt + summary.totalMs;
      const from = Math.max(request.receivedAt, ...trace.done.map(({ attempt }) => attempt.endedAt));
      // Nobody was ever free: that wait has no call to stand before.
      if (summary.failure === 'exhausted' && end - from > 1) take(waitSpan(trace, newId(8), { from, to: end, failure: summary.failure }));
      take(requestSpan(trace, request, summary));
    }
    forgetIfOver(request, trace);
  };

  const named = (outgoing: Outgoing): Outgoing => {
    const { request, target, account } = outgoing;
    const trace = traces.get(request.id);
    if (trace === undefined) return outgoing;
    const spanId = newId(8);
    trace.calls.push({ spanId, provider: target.provider.name, account: account.label, model: target.model.name, baseUrl: target.provider.baseUrl });
    return { ...outgoing, traceparent: `00-${trace.id}-${spanId}-${trace.sampled ? '01' : '00'}` };
  };

  return {
    observe(event) {
      if (event.type === 'request-started') begin(event.request);
      else if (event.type === 'attempt-finished') attempted(event.request, event.attempt);
      else if (event.type === 'request-finished') finish(event);
      else if (event.type === 'request-refused') refused(event.refusal);
    },
    around: (send) => (outgoing, signal) => send(named(outgoing), signal),
  };
}
