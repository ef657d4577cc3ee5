/**
 * Takes calls off the sockets: reads, records, plans, plays, settles.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { holderOf } from './accounts.ts';
import { bytesOf, modelOf, readBody } from './body.ts';
import type { Benches } from './benches.ts';
import { CONTROL_PATH } from './control.ts';
import type { Control } from './control.ts';
import type { Faults } from './fault-rules.ts';
import { playFault } from './faults.ts';
import { planCall } from './plan.ts';
import type { Plan } from './plan.ts';
import type { CallRecord, Records } from './records.ts';
import { play } from './script.ts';
import type { Step } from './script.ts';
import type { Call, ProviderName, Wire } from './types.ts';

export interface DeskOptions {
  readonly wires: Readonly<Record<ProviderName, Wire>>;
  readonly now: () => number;
  readonly benches: Benches;
  readonly records: Records;
  readonly faults: Faults;
  readonly control: Control;
}

export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function createDesk({ wires, now, benches, records, faults, control }: DeskOptions): Serve {
  let count = 0;
  return async (request, response) => {
    const receivedAt = realTime();
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', 'http://simulator');
    const bytes = await bytesOf(request);
    if (url.pathname.startsWith(`${CONTROL_PATH}/`)) {
      await control({ method, url, text: bytes.toString('utf8') }, response);
      return;
    }
    const bench = benches.at(url.pathname);
    if (bench === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end(`nothing is simulated here: try ${Object.values(wires).map(({ basePath }) => basePath).join(', ')} or ${CONTROL_PATH}/calls\n`);
      return;
    }
    count += 1;
    const { wire } = bench;
    const holder = holderOf(wire, headers, bench.accounts);
    const path = url.pathname.slice(wire.basePath.length);
    const call: Call = { number: count, at: now(), method, path, query: url.searchParams, headers, ...(await readBody(bytes, headers['content-type'])), ...(holder !== undefined && { holder }) };
    const record = recordOf(call, wire.name, receivedAt, bytes);
    records.add(record);
    const plan = planCall(call, bench);
    const fault = faults.of(record);
    if (fault !== undefined) record.fault = fault.kind;
    await perform(plan, fault === undefined ? plan.script : playFault(fault, plan, wire, wires), response, record).finally(records.changed);
  };
}

const realTime = (): number => performance.timeOrigin + performance.now();

async function perform({ charge, chat }: Plan, script: Iterable<Step>, response: ServerResponse, record: CallRecord): Promise<void> {
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
    record.endedAt = realTime();
    if (record.outcome === 'finished' && record.status === 200 && chat?.answer.usage !== undefined) record.usage = { prompt: chat.answer.usage.prompt, completion: chat.answer.usage.completion };
    if (charge !== undefined) {
      record.tokens = charge.cost(record.outcome === 'finished' ? Infinity : record.events);
      charge.lease.settle(record.tokens);
      charge.lease.release();
    }
  }
}

function recordOf(call: Call, provider: ProviderName, receivedAt: number, bytes: Buffer): CallRecord {
  const { holder, body } = call;
  const model = modelOf(body);
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
    body: body ?? bytes.toString('utf8'),
    tokens: 0,
    events: 0,
    bytes: 0,
    outcome: 'open',
  };
}

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'cookie']);

const withoutSecrets = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value = '']) => {
    const text = Array.isArray(value) ? value.join(', ') : value;
    return [name, CREDENTIALS.has(name) ? `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 32)}` : text];
  }));
