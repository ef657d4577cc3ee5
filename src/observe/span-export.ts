/**
 * Spans on their way to a collector: OTLP over HTTP as JSON, in batches, bounded, tried again while nobody answers.
 *
 * OpenTelemetry's own SDK would be 20 packages for these two hundred lines; the form is a few nested objects.
 */
import type { Emit } from '../types.ts';
import type { AttributeValue, Span } from './spans.ts';

export interface SpanExportOptions {
  /** Resolves to the status. Throws where nobody answers. */
  readonly post: (body: string) => Promise<number>;
  /** Calls once after so many milliseconds; the returned function takes it back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  readonly emit: Emit;
  /** Attributes of whoever sends. */
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
}

export interface SpanExport {
  readonly take: (span: Span) => void;
  /** One last try. */
  readonly close: () => Promise<void>;
}

/** A picture that lags a second behind is live to anybody. */
const BATCH_MS = 1_000;
const MOST_IN_BATCH = 512;
/** About 2 MB; the oldest go first. */
const MOST_QUEUED = 4_096;
const LONGEST_PAUSE_MS = 60_000;

export function createSpanExport({ post, after, emit, resource, version }: SpanExportOptions): SpanExport {
  const queue: Span[] = [];
  const state: { pauseMs: number; failing: boolean; timer?: () => void; sending?: Promise<void> } = { pauseMs: BATCH_MS, failing: false };

  const plan = (): void => {
    state.timer ??= after(state.pauseMs, () => {
      delete state.timer;
      state.sending = sendAll().finally(() => {
        delete state.sending;
        if (queue.length > 0) plan();
      });
    });
  };

  async function sendAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, MOST_IN_BATCH);
      const answer = await post(JSON.stringify(encode(batch, resource, version))).catch(() => undefined);
      const well = answer !== undefined && answer >= 200 && answer < 300;
      if (well !== !state.failing) tellTurn(well, answer);
      if (!well && mayHelp(answer)) queue.unshift(...batch);
      trim();
      state.pauseMs = well ? BATCH_MS : Math.min(LONGEST_PAUSE_MS, state.pauseMs * 2);
      if (!well) return;
    }
  }

  const tellTurn = (well: boolean, answer: number | undefined): void => {
    state.failing = !well;
    emit({ type: 'notice', level: well ? 'info' : 'warn', message: well ? 'traces: the collector takes spans again' : `traces: the collector ${answer === undefined ? 'does not answer' : `answers ${answer}`}; spans wait, the oldest are dropped` });
  };
  const trim = (): void => void queue.splice(0, Math.max(0, queue.length - MOST_QUEUED));

  return {
    take(span) {
      queue.push(span);
      if (queue.length > MOST_QUEUED) trim();
      if (state.sending === undefined) plan();
    },
    async close() {
      state.timer?.();
      await state.sending;
      state.timer?.();
      await sendAll();
    },
  };
}

/** As the protocol has it: these are worth another try, every other refusal is for good. */
const mayHelp = (status: number | undefined): boolean => status === undefined || [429, 502, 503, 504].includes(status);

const KINDS: Readonly<Record<Span['kind'], number>> = { internal: 1, server: 2, client: 3 };
const ERROR = 2;

function encode(spans: readonly Span[], resource: Readonly<Record<string, string>>, version: string): object {
  return {
    resourceSpans: [{
      resource: { attributes: attributesOf(resource) },
      scopeSpans: [{ scope: { name: 'tollfree', version }, spans: spans.map(encodeSpan) }],
    }],
  };
}

function encodeSpan({ kind, start, end, attributes, error, ...span }: Span): object {
  return { ...span, kind: KINDS[kind], startTimeUnixNano: nanoseconds(start), endTimeUnixNano: nanoseconds(Math.max(start, end)), attributes: attributesOf(attributes), status: error === undefined ? {} : { code: ERROR, message: error } };
}

const attributesOf = (attributes: Span['attributes']): object[] => Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: valueOf(value) }]));

function valueOf(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map(valueOf) } };
}

/** More than a double holds: 64 bits, as text. */
const nanoseconds = (milliseconds: number): string => String(BigInt(Math.round(milliseconds * 1_000)) * 1_000n);
