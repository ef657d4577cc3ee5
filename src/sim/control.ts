/**
 * The simulators' own port: what upstream saw, what goes wrong next, and what time it is.
 */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Faults } from './fault-rules.ts';
import type { FaultRuleInput } from './fault-table.ts';
import { callFilterSchema } from './records.ts';
import type { Records } from './records.ts';

export const CONTROL_PATH = '/_sim';

export interface ControlOptions {
  readonly records: Records;
  readonly faults: Faults;
  /** Opens and shuts ports as the faults now say. */
  readonly settle: () => Promise<void>;
  readonly now: () => number;
  readonly advance: (ms: number) => void;
  readonly setLimits: (limits: unknown) => void;
}

type Handler = (body: unknown, query: URLSearchParams) => unknown;

const clockSchema = z.strictObject({ advance: z.number() });

export interface ControlRequest {
  readonly method: string;
  readonly url: URL;
  readonly text: string;
}

export type Control = (request: ControlRequest, response: ServerResponse) => Promise<void>;

/**
 * Answers requests below the control path. Mistakes are answered 400 with what is wrong. Shutting a provider's port
 * also cuts a request that came through it: ask on another's.
 */
export function createControl({ records, faults, settle, now, advance, setLimits }: ControlOptions): Control {
  const handlers: Readonly<Record<string, Handler>> = {
    'GET /calls': (_body, query) => ({ calls: records.calls(callFilterSchema.parse(Object.fromEntries(query))) }),
    'DELETE /calls': () => records.clear(),
    'GET /faults': () => ({ faults: faults.list() }),
    'POST /faults': async (body) => {
      // Each is checked where it is added.
      faults.add(...([body].flat() as FaultRuleInput[]));
      await settle();
      return { faults: faults.list() };
    },
    'DELETE /faults': async () => {
      faults.clear();
      await settle();
    },
    'GET /clock': () => ({ now: now() }),
    'POST /clock': (body) => {
      advance(clockSchema.parse(body).advance);
      return { now: now() };
    },
    'PUT /limits': (body) => setLimits(body),
  };
  return async ({ method, url, text }, response) => {
    const handler = handlers[`${method} ${url.pathname.slice(CONTROL_PATH.length)}`];
    const { status, body } = handler === undefined ? { status: 404, body: { error: 'no such control', controls: Object.keys(handlers) } } : await attempt(handler, text, url.searchParams);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
}

async function attempt(handler: Handler, text: string, query: URLSearchParams): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    const body = await handler(text === '' ? {} : JSON.parse(text), query);
    return { status: body === undefined ? 204 : 200, body };
  } catch (error) {
    return { status: 400, body: { error: error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error) } };
  }
}
