/** Whatever a client sends: one error in the envelope, never a 500, at once, and nobody upstream is asked. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { createHttp } from '../../src/providers/call.ts';
import type { Http } from '../../src/providers/call.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import { openHouse } from './house.ts';
import type { House } from './house.ts';

const state: { simulators: Simulators; http: Http; house: House } = { simulators: undefined as never, http: undefined as never, house: undefined as never };
const good = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] };

beforeAll(async () => {
  state.simulators = await startSimulators({ ports: 'each', pace: { firstMs: 0, tokenMs: 0 } });
  state.http = createHttp({ now: Date.now, userAgent: 'tollfree/0.0.0' });
  const { simulators, http } = state;
  state.house = await openHouse({ simulators, http });
  await (await state.house.chat(good)).text();
});
beforeEach(() => state.simulators.clearCalls());
afterAll(async () => {
  await state.house.close();
  await state.http.close();
  await state.simulators.close();
});

const wrong: Readonly<Record<string, unknown>> = {
  'null': null,
  'a list': [],
  'a text': 'hello',
  'a number': 7,
  'no messages': { model: 'auto' },
  'no model': { messages: good.messages },
  'empty messages': { ...good, messages: [] },
  'messages of another type': { ...good, messages: 'hi' },
  'a message that is null': { ...good, messages: [null] },
  'a role nobody has': { ...good, messages: [{ role: 'narrator', content: 'hi' }] },
  'content of another type': { ...good, messages: [{ role: 'user', content: 7 }] },
  'parts of no type': { ...good, messages: [{ role: 'user', content: [{ text: 'hi' }] }] },
  'a tool result without a call': { ...good, messages: [{ role: 'tool', tool_call_id: 'x', content: 'y' }] },
  'a thousand stops': { ...good, stop: Array.from({ length: 1_000 }, (_, index) => `stop ${index}`) },
  'a negative number of tokens': { ...good, max_tokens: -1 },
  'half a token': { ...good, max_tokens: 0.5 },
  'more tokens than numbers': { ...good, max_tokens: 1e308 },
  'a million answers': { ...good, n: 1_000_000 },
  'a temperature in words': { ...good, temperature: 'hot' },
  'a stream in words': { ...good, stream: 'yes' },
  'tools of another type': { ...good, tools: 'all' },
  'a tool without a type': { ...good, tools: [{}] },
  'a model nobody has': { ...good, model: 'nobody/nothing' },
  'a model name without end': { ...good, model: 'x'.repeat(100_000) },
  'a rule nobody wrote': { ...good, model: 'auto:nothing' },
  'depth': { ...good, metadata: JSON.parse('['.repeat(500) + ']'.repeat(500)) as unknown },
};

/** 50 ms, and what a loaded machine takes on top. One that was busy elsewhere is asked again; what waits for something waits each time. */
async function expectRefused(ask: () => Promise<Response>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const started = performance.now();
    const answer = await ask();
    const text = await answer.text();
    const took = performance.now() - started;
    expectMistake(answer, text);
    if (took < 500) return;
    if (tries === 5) expect(took).toBeLessThan(500);
  }
}

function expectMistake(answer: Response, text: string): void {
  expect([answer.status >= 400 && answer.status < 500, text]).toEqual([true, text]);
  expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } });
  expect(state.simulators.calls()).toEqual([]);
}

test.each(Object.entries(wrong))('%s', async (_name, body) => {
  await expectRefused(() => state.house.chat(body as object));
});

const raw: Readonly<Record<string, readonly [Readonly<Record<string, string>>, string | Uint8Array]>> = {
  'no body': [{ 'content-type': 'application/json' }, ''],
  'cut JSON': [{ 'content-type': 'application/json' }, '{"model":"auto","messages":[{"role":"us'],
  'another charset': [{ 'content-type': 'application/json; charset=utf-16' }, JSON.stringify(good)],
  'another type': [{ 'content-type': 'text/plain' }, JSON.stringify(good)],
  'rubbish said to be gzip': [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'not gzip'],
  'a gzip bomb': [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000, ' '))],
  'above the limit': [{ 'content-type': 'application/json' }, JSON.stringify({ ...good, padding: 'x'.repeat(1_100_000) })],
};

test.each(Object.entries(raw))('%s', async (_name, [headers, body]) => {
  await expectRefused(() => fetch(`${state.house.url}/v1/chat/completions`, { method: 'POST', headers, body: body as string }));
});

/** Writes bytes as they are; what came back until the server closed. */
async function speak(text: string): Promise<string> {
  const socket = say(text);
  const seen: string[] = [];
  socket.on('data', (chunk: Buffer) => void seen.push(chunk.toString()));
  await once(socket, 'close');
  return seen.join('');
}

function say(text: string): Socket {
  const { hostname, port } = new URL(state.house.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(text);
  return socket;
}

const body = JSON.stringify(good);
const head = (length: number, more = ''): string => `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;

test('a length that promises more than comes asks nobody', async () => {
  const socket = say(head(body.length + 10) + body);
  await sleep(300);
  expect([socket.bytesRead, state.simulators.calls()]).toEqual([0, []]);
  socket.destroy();
});

test('a length that promises less is cut there, and what follows is no request', async () => {
  const seen = await speak(head(body.length - 10) + body);
  expect(seen).toMatch(/^HTTP\/1\.1 400 /);
  expect(state.simulators.calls()).toEqual([]);
});

test('two lengths, or a length and chunks, are refused', async () => {
  expect(await speak(head(body.length, `content-length: ${body.length + 5}\r\n`) + body)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await speak(head(body.length, 'transfer-encoding: chunked\r\n') + body)).toMatch(/^HTTP\/1\.1 400 /);
  expect(state.simulators.calls()).toEqual([]);
});

test('pipelined requests are answered in their order', async () => {
  const seen = await speak(head(2) + '{}' + head(body.length, 'connection: close\r\n') + body);
  expect(seen.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200']);
});

test('credentials and destinations in the body are never used and never passed on', async () => {
  const bait = { api_base: 'http://127.0.0.1:9/v1', api_key: 'sk-bait', base_url: 'http://127.0.0.1:9/v1', headers: { authorization: 'Bearer sk-bait' }, proxy: 'http://127.0.0.1:9' };
  const answer = await state.house.chat({ ...good, ...bait });
  await answer.text();
  expect(answer.status).toBe(200);
  const [seen] = state.simulators.calls();
  expect(Object.keys((seen ?? { body: undefined }).body as object).filter((field) => field in bait)).toEqual([]);
  expect(JSON.stringify(seen)).not.toContain('sk-bait');
});
