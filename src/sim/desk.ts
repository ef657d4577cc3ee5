/**
 * Takes calls off the sockets: reads, records, plans, plays, settles.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { holderOf } from './accounts.ts';
import type { Limits } from './limits.ts';
import { planCall } from './plan.ts';
import type { Bench, Pace, Plan } from './plan.ts';
import { createMeters } from './quota.ts';
import type { CallRecord, Records } from './records.ts';
import { play } from './script.ts';
import type { Step } from './script.ts';
import { isObject } from './tokens.ts';
import type { Call, Holder, ProviderName, Wire } from './types.ts';

export interface DeskOptions {
  readonly wires: Readonly<Record<ProviderName, Wire>>;
  readonly now: () => number;
  readonly limits: Limits;
  readonly records: Records;
  readonly pace: Pace;
  readonly seed: number;
}

export interface Desk {
  readonly serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly setLimits: (limits: Limits) => void;
}

export function createDesk({ wires, now, limits: first, records, pace, seed }: DeskOptions): Desk {
  let limits = first;
  let benches = benchesOf(first);
  let count = 0;

  function benchesOf(given: Limits): ReadonlyMap<ProviderName, Bench> {
    return new Map(Object.values(wires).map((wire) => {
      const meter = createMeters(given[wire.name]);
      return [wire.name, { wire, meter, shown: laggingReadings(meter, given[wire.name].lag, now), pace, seed }];
    }));
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedAt = performance.timeOrigin + performance.now();
    const url = new URL(request.url ?? '/', 'http://simulator');
    const bench = [...benches.values()].find(({ wire }) => url.pathname.startsWith(`${wire.basePath}/`));
    const text = await bodyOf(request);
    if (bench === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`nothing is simulated here; try ${Object.values(wires).map(({ basePath }) => basePath).join(', ')}\n`);
      return;
    }
    count += 1;
    const holder = holderOf(bench.wire, request.headers, limits[bench.wire.name].accounts);
    const call: Call = {
      number: count,
      at: now(),
      method: request.method ?? 'GET',
      path: url.pathname.slice(bench.wire.basePath.length),
      query: url.searchParams,
      headers: request.headers,
      body: parse(text),
      ...(holder !== undefined && { holder }),
    };
    const record = recordOf(call, bench.wire.name, receivedAt, text);
    records.add(record);
    const plan = planCall(call, bench);
    await perform(plan, plan.script, response, record);
  }

  return {
    serve,
    setLimits: (next) => {
      limits = next;
      benches = benchesOf(next);
    },
  };
}

async function perform({ charge }: Plan, script: Iterable<Step>, response: ServerResponse, record: CallRecord): Promise<void> {
  record.tokens = charge?.reserved ?? 0;
  try {
    record.outcome = await play(script, response, {
      sent: (status) => {
        record.status = status;
      },
      wrote: (part, bytes) => {
        if (part === 'content') record.events += 1;
        record.bytes += bytes;
      },
    });
  } finally {
    record.endedAt = performance.timeOrigin + performance.now();
    if (charge !== undefined) {
      record.tokens = charge.cost(record.events);
      charge.lease.settle(record.tokens);
      charge.lease.release();
    }
  }
}

/** The counter `/key` shows is read at most once in `lag` milliseconds. */
function laggingReadings(meter: Bench['meter'], lag: number, now: () => number): Bench['shown'] {
  const last = new Map<string, { readonly at: number; readonly readings: ReturnType<Bench['shown']> }>();
  return (holder: Holder) => {
    const known = last.get(holder.account);
    if (known !== undefined && now() - known.at < lag) return known.readings;
    const readings = meter(holder, '').readings(now());
    last.set(holder.account, { at: now(), readings });
    return readings;
  };
}

/** No client of the gateway may send more; it is here so that a runaway test cannot fill the memory. */
const MOST_BODY_BYTES = 64 * 1024 * 1024;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MOST_BODY_BYTES) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function recordOf(call: Call, provider: ProviderName, receivedAt: number, text: string): CallRecord {
  const { holder, body } = call;
  const model = isObject(body) && typeof body['model'] === 'string' ? body['model'] : undefined;
  return {
    number: call.number,
    at: call.at,
    receivedAt,
    provider,
    ...(holder === 'unknown' && { account: holder }),
    ...(typeof holder === 'object' && { account: holder.account, organization: holder.organization }),
    ...(model !== undefined && { model }),
    method: call.method,
    path: call.path,
    headers: withoutSecrets(call.headers),
    body: body ?? text,
    tokens: 0,
    events: 0,
    bytes: 0,
    outcome: 'open',
  };
}

const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'cookie']);

const withoutSecrets = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value = '']) => {
    const text = Array.isArray(value) ? value.join(', ') : value;
    return [name, CREDENTIALS.has(name) ? `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 32)}` : text];
  }));
