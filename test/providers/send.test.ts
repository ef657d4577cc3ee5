/** The door out, over real sockets: what upstream sees, what comes back. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http';
import { all, harness, KEY, outgoing, serve } from './support.ts';
import type { Harness, Listener, Running } from './support.ts';

const state: { harness?: Harness; servers: Running[] } = { servers: [] };

beforeEach(() => {
  state.harness = harness();
  state.servers = [];
});
afterEach(async () => {
  await state.harness?.close();
  await Promise.all(state.servers.map((server) => server.stop()));
});

async function start(listener: Listener): Promise<string> {
  const server = await serve(listener);
  state.servers.push(server);
  return server.origin;
}

const send: Harness['send'] = (call, signal) => {
  if (state.harness === undefined) throw new Error('no harness');
  return state.harness.send(call, signal);
};
const never = new AbortController().signal;
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = (content: string, finish: string | null = null): unknown => ({ id: 'c1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: finish }] });

describe('an answer', () => {
  test('JSON arrives whole, with its text as it came', async () => {
    const text = '{"id":"x", "choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9},"odd":1}';
    const origin = await start((_request, response) => response.setHeader('content-type', 'application/json').end(text));
    const { chunks } = await send(outgoing(origin), never);
    expect(await all(chunks)).toEqual([{ text, whole: true, content: true, finish: 'stop', usage: { input: 8, output: 1 }, estimate: expect.any(Number) }]);
  });

  test('a stream arrives event by event; usage that was not asked for is marked', async () => {
    const usage = { choices: [], usage: { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 } };
    const origin = await start((_request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.end(`: hello\n\n${event(delta(''))}${event(delta('a'))}${event(delta('', 'stop'))}${event(usage)}data: [DONE]\n\n`);
    });
    const { chunks } = await send(outgoing(origin, { stream: true }), never);
    const found = await all(chunks);
    expect(found.map(({ content, finish }) => [content, finish])).toEqual([[false, undefined], [true, undefined], [false, 'stop'], [false, undefined]]);
    expect(found.at(-1)).toMatchObject({ usageOnly: true, usage: { input: 8, output: 2 } });
  });

  test('what the catalogue adds makes it no other client, and asks for nothing compressed', async () => {
    const seen: { headers?: IncomingHttpHeaders } = {};
    const origin = await start(({ headers }, response) => {
      Object.assign(seen, { headers });
      response.end('{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}');
    });
    const { target, ...rest } = outgoing(origin, {});
    const provider = { ...target.provider, headers: { 'user-agent': 'other', 'accept-encoding': 'gzip' } };
    await all((await send({ ...rest, target: { ...target, provider } }, never)).chunks);
    expect(seen.headers).toMatchObject({ 'user-agent': 'tollfree/0.0.0', 'accept-encoding': 'identity' });
  });

  test('upstream sees a normal client, the key, and the body with the model replaced', async () => {
    const seen: { headers?: IncomingHttpHeaders; url?: string | undefined; body?: unknown } = {};
    const origin = await start(({ headers, url }, response, body) => {
      Object.assign(seen, { headers, url, body: JSON.parse(body) as unknown });
      response.end('{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}');
    });
    const { chunks } = await send(outgoing(origin, { temperature: 0.5, unknown_to_us: [1] }), never);
    await all(chunks);
    expect(seen.url).toBe('/v1/chat/completions');
    expect(seen.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'user-agent': 'tollfree/0.0.0', 'accept-encoding': 'identity', 'content-type': 'application/json' });
    expect(seen.body).toEqual({ model: 'vendor/model', messages: [{ role: 'user', content: 'hello' }], temperature: 0.5, unknown_to_us: [1], stream: false });
  });
});
