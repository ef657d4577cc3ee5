/** Traces against a collector on a real socket, which reads what OTLP has: shapes, parents, and nothing anybody said. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

/** The protocol's own JSON form, as far as spans use it. Strict: what it does not know, a collector might drop. */
const value: z.ZodType = z.lazy(() => z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ arrayValue: z.strictObject({ values: z.array(value) }) }),
]));
const attributes = z.array(z.strictObject({ key: z.string().min(1), value }));
const time = z.string().regex(/^\d{19}$/);
const span = z.strictObject({
  traceId: z.string().regex(/^[\da-f]{32}$/),
  spanId: z.string().regex(/^[\da-f]{16}$/),
  parentSpanId: z.string().regex(/^[\da-f]{16}$/).optional(),
  traceState: z.string().optional(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  status: z.strictObject({ code: z.literal(2), message: z.string() }).partial(),
});
const letter = z.strictObject({
  resourceSpans: z.array(z.strictObject({
    resource: z.strictObject({ attributes }),
    scopeSpans: z.array(z.strictObject({ scope: z.strictObject({ name: z.string(), version: z.string() }), spans: z.array(span) })),
  })),
});

interface Told extends Omit<z.infer<typeof span>, 'attributes'> {
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Collector {
  readonly server: Server;
  readonly url: string;
  readonly letters: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  status: number;
}

async function startCollector(): Promise<Collector> {
  const collector: Collector = { server: createServer(), url: '', letters: [], status: 200 };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    if (collector.status === 200) collector.letters.push({ path: request.url ?? '', headers: request.headers, body });
    response.writeHead(collector.status).end('{}');
  };
  collector.server.on('request', (request, response) => void take(request, response));
  await once(collector.server.listen(0, '127.0.0.1'), 'listening');
  return Object.assign(collector, { url: `http://127.0.0.1:${(collector.server.address() as AddressInfo).port}` });
}

const plain = (list: z.infer<typeof attributes>): Readonly<Record<string, unknown>> => Object.fromEntries(list.map((one) => [one.key, Object.values(one.value as object)[0]]));
const spansOf = ({ letters }: Collector): Told[] => letters.flatMap(({ body }) => letter.parse(JSON.parse(body)).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map((one) => ({ ...one, attributes: plain(one.attributes) })))));

const state = {} as { system: System; collector: Collector };

async function requestSpan(matching: (span: Told) => boolean = () => true): Promise<Told> {
  for (;;) {
    const found = spansOf(state.collector).find((one) => one.kind === 2 && matching(one));
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const childrenOf = ({ spanId }: Told): Told[] => spansOf(state.collector).filter(({ parentSpanId }) => parentSpanId === spanId);

beforeAll(async () => {
  const collector = await startCollector();
  state.collector = collector;
  state.system = await startSystem({
    accounts: { groq: ['one'], cerebras: ['one'] },
    simulators: { limits: { groq: { rate_limit: { requests_per_minute: 600 } } } },
    settings: `telemetry: { endpoint: "${collector.url}/", headers: { x-tenant: home } }\n`,
    environment: { OTEL_SERVICE_NAME: 'my-tollfree', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=the%20attic' },
  });
});
afterAll(async () => {
  await state.system.close();
  state.collector.server.close().closeAllConnections();
});
beforeEach(() => {
  state.collector.status = 200;
  state.collector.letters.splice(0);
});

describe('traces', () => {
  test('a request that fell back: its span, one for each call, by the conventions’ names', async () => {
    const { system, collector } = state;
    const undo = await system.simulators.misbehave({ provider: 'groq', fault: { kind: 'refusal', name: 'server-error' } });
    const answer = await system.chat({ ...hello('write a python function, swordfish'), stream: true, max_tokens: 50 });
    const said = await answer.text();
    await undo();

    const request = await requestSpan();
    expect(request).toMatchObject({ name: 'POST /v1/chat/completions', kind: 2, status: {} });
    expect(request.parentSpanId).toBeUndefined();
    expect(request.attributes).toMatchObject({
      'http.request.method': 'POST', 'http.route': '/v1/chat/completions', 'http.response.status_code': '200',
      'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'auto', 'gen_ai.request.stream': true,
      'tollfree.request_id': answer.headers.get('x-request-id'), 'tollfree.rule': answer.headers.get('x-tollfree-route'), 'tollfree.provider': 'cerebras',
    });
    const calls = childrenOf(request).filter(({ kind }) => kind === 3);
    expect(calls.length).toBeGreaterThan(1);
    const [refused] = calls;
    const served = calls.at(-1);
    expect(refused).toMatchObject({ status: { code: 2 }, attributes: { 'gen_ai.provider.name': 'groq', 'server.address': '127.0.0.1', 'error.type': expect.any(String) } });
    expect(served).toMatchObject({ traceId: request.traceId, status: {}, attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'cerebras', 'gen_ai.request.stream': true, 'gen_ai.request.max_tokens': '50', 'tollfree.account': 'one' } });
    expect(served?.name).toBe(`chat ${String(served?.attributes['gen_ai.request.model'])}`);
    expect(Number(served?.attributes['gen_ai.usage.output_tokens'])).toBeGreaterThan(0);
    expect(served?.attributes['gen_ai.response.time_to_first_chunk']).toBeDefined();
    for (const call of calls) {
      expect(BigInt(call.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(request.startTimeUnixNano));
      expect(BigInt(call.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(request.endTimeUnixNano) + 1_000_000n);
    }

    const [first] = collector.letters;
    expect(first).toMatchObject({ path: '/v1/traces', headers: { 'content-type': 'application/json', 'x-tenant': 'home' } });
    expect(plain(letter.parse(JSON.parse(first?.body ?? '')).resourceSpans[0]?.resource.attributes ?? [])).toEqual({ 'service.name': 'my-tollfree', 'deployment.environment.name': 'the attic' });
    const everything = collector.letters.map(({ body }) => body).join('');
    expect(everything).not.toContain('swordfish');
    expect(everything).not.toContain('sim-groq');
    expect(said).toContain('data:');
  });

  test('goes on in the caller’s trace, and upstream hears the name of its own span', async () => {
    const { system } = state;
    const caller = '4bf92f3577b34da6a3ce929d0e0e4736';
    await system.chat({ ...hello(), model: 'groq/openai/gpt-oss-20b' }, { traceparent: `00-${caller}-00f067aa0ba902b7-01`, tracestate: 'vendor=1' }).then((answer) => answer.text());
    const request = await requestSpan(({ traceId }) => traceId === caller);
    expect(request).toMatchObject({ parentSpanId: '00f067aa0ba902b7', traceState: 'vendor=1' });
    const call = childrenOf(request).findLast(({ kind }) => kind === 3);
    const heard = system.simulators.calls().at(-1)?.headers;
    expect(heard?.['traceparent']).toBe(`00-${caller}-${call?.spanId ?? ''}-01`);
    expect(heard?.['tracestate']).toBeUndefined();
  });

  test('time in line is a span before the call it was for', async () => {
    const { system } = state;
    const caller = 'c'.repeat(32);
    const undo = await system.simulators.misbehave({ provider: 'groq', fault: { kind: 'refusal', name: 'server-error' }, times: 1 });
    const answer = await system.chat({ ...hello(), model: 'groq/openai/gpt-oss-120b' }, { traceparent: `00-${caller}-00f067aa0ba902b7-01` });
    await undo();
    expect(answer.status).toBe(200);
    const request = await requestSpan(({ traceId }) => traceId === caller);
    const children = childrenOf(request);
    const served = children.findLast(({ kind }) => kind === 3);
    const wait = children.findLast(({ name }) => name === 'wait');
    expect(wait).toMatchObject({ kind: 1, traceId: caller, endTimeUnixNano: served?.startTimeUnixNano });
    expect(BigInt(wait?.endTimeUnixNano ?? 0)).toBeGreaterThan(BigInt(wait?.startTimeUnixNano ?? 0));
  });

  test('a caller that does not trace is not traced; a context nobody can read is none', async () => {
    const { system, collector } = state;
    await system.chat(hello(), { traceparent: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-00f067aa0ba902b7-00' }).then((answer) => answer.text());
    for (const traceparent of ['', 'nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `ff-${'b'.repeat(32)}-00f067aa0ba902b7-01`]) {
      await system.chat(hello(), { traceparent }).then((answer) => answer.text());
    }
    while (spansOf(collector).filter(({ kind }) => kind === 2).length < 4) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(spansOf(collector).filter(({ kind, parentSpanId }) => kind === 2 && parentSpanId !== undefined)).toEqual([]);
    expect(spansOf(collector).some(({ traceId }) => traceId.startsWith('aaaa') || traceId.startsWith('0000') || traceId.startsWith('bbbb'))).toBe(false);
  });

  test('a collector that is down gets its spans when it is back, and holds nothing up', async () => {
    const { system, collector } = state;
    collector.status = 503;
    const answer = await system.chat(hello());
    expect(answer.status).toBe(200);
    const id = answer.headers.get('x-request-id');
    while (!(await system.logLines()).some(({ message }) => String(message).includes('the collector answers 503'))) await new Promise((resolve) => setTimeout(resolve, 50));
    collector.status = 200;
    await requestSpan(({ attributes: told }) => told['tollfree.request_id'] === id);
  });

  test('what is refused at the door is a span too, by a path of ours and no word of the client’s', async () => {
    const { system } = state;
    const caller = 'd'.repeat(32);
    const ask = (path: string, body: string): Promise<Response> =>
      fetch(`${system.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', traceparent: `00-${caller}-00f067aa0ba902b7-01` }, body });
    const ofCaller = ({ traceId }: Told): boolean => traceId === caller;

    const cut = await ask('/v1/chat/completions', '{"model": "auto", "swordfish": ');
    const request = await requestSpan(ofCaller);
    expect(request).toMatchObject({
      name: 'POST /v1/chat/completions', parentSpanId: '00f067aa0ba902b7', status: {},
      attributes: { 'http.response.status_code': '400', 'error.type': 'invalid-request', 'tollfree.request_id': cut.headers.get('x-request-id') },
    });
    expect(BigInt(request.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(request.startTimeUnixNano));

    await ask('/v1/swordfish', '{"model": "auto"}');
    await requestSpan(({ name }) => name === 'POST /v1/*');
    await ask('/swordfish', '{}');
    await system.admin('POST', '/virtual-keys', { name: 'first' });
    await ask('/v1/messages', '{}');
    const keyless = await requestSpan(({ name }) => name === 'POST /v1/messages');
    expect(keyless.attributes).toMatchObject({ 'http.response.status_code': '401', 'error.type': 'unauthorized' });
    expect(spansOf(state.collector).filter(ofCaller)).toHaveLength(3);
    expect(state.collector.letters.map(({ body }) => body).join('')).not.toContain('swordfish');
  });
});

test('without a collector upstream hears of no trace, whatever the caller sends', async () => {
  const system = await startSystem({ accounts: { groq: ['one'] }, environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' } });
  try {
    await system.chat(hello(), { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }).then((answer) => answer.text());
    expect(system.simulators.calls().at(-1)?.headers['traceparent']).toBeUndefined();
  } finally {
    await system.close();
  }
});

test('an address that is none stops the start, and says so', async () => {
  await expect(startSystem({ environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' } })).rejects.toThrow(/collector:4317/);
});
