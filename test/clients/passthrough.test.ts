/** Where nothing has to be translated, a client reads the very bytes its provider wrote, as soon as they are there; and a long question is read in the client's. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

/** What nobody would write who parsed and wrote it anew. */
const ODD = String.raw`data: { "id" : "c1",  "model":"m","unknown":{"z":1,"a":[1.0,1e3,-0.0]},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data:{"choices":[{"delta":{"content":"Gr\u00fc\u00df Gott, 日本語 👋🏽","content":"Gr\u00fc\u00df Gott, 日本語 👋🏽"},"index":0,"finish_reason":null}],"id":"c1","big":12345678901234567890}

: a comment in between

event: message
data: {"id":"c1","choices":[{"index":0,"delta":{"content":"\/ \u2028 e\u0301"},"logprobs":null,"finish_reason":"stop"}],"citations":["https:\/\/a.example"]}

data: {"id":"c1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3.0},"x_groq":{"id":"req_1"}}

data: [DONE]

`;

const fixtures = join(import.meta.dirname, '../fixtures');
/** Of those that speak other formats there is nothing to pass on. */
const TRANSLATED: ReadonlySet<string> = new Set(['anthropic', 'cohere', 'gemini-native']);
const recorded = readdirSync(fixtures)
  .filter((provider) => !TRANSLATED.has(provider))
  .flatMap((provider) => readdirSync(join(fixtures, provider)).filter((file) => file.endsWith('.sse')).map((file) => `${provider}/${file}`));
const streams = new Map([['odd', ODD], ...recorded.map((name) => [name, readFileSync(join(fixtures, name), 'utf8')] as const)]);

/** In an order that no length of a header or a line falls in with, and through the middle of letters. */
const CUTS = [1, 2, 3, 5, 7, 11, 13, 64];

async function trickle(response: ServerResponse, bytes: Buffer): Promise<void> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = CUTS[turn % CUTS.length] ?? 1;
    response.write(bytes.subarray(at, at + size));
    at += size;
    // Each piece is a read of its own at the other end.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  response.end();
}

/** The model asked for names the stream; `held` answers with one event and then waits to be let go. */
interface Upstream {
  readonly origin: string;
  readonly letGo: () => void;
  /** Questions as they came, oldest first. */
  readonly asked: readonly string[];
  readonly close: () => void;
}

async function startUpstream(): Promise<Upstream> {
  const held: ServerResponse[] = [];
  const questions: string[] = [];
  const server: Server = createServer((request, response) => {
    void (async () => {
      const asked = await text(request);
      questions.push(asked);
      const { model = '' } = asked === '' ? {} : (JSON.parse(asked) as { readonly model?: string });
      const stream = streams.get(model);
      response.writeHead(stream === undefined && model !== 'held' ? 404 : 200, { 'content-type': 'text/event-stream' });
      if (stream !== undefined) return trickle(response, Buffer.from(stream));
      if (model !== 'held') return void response.end();
      response.write('data: {"choices":[{"index":0,"delta":{"content":"first"},"finish_reason":null}]}\n\n');
      held.push(response);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: questions,
    letGo: () => held.splice(0).forEach((response) => response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const state: { system: System; upstream: Upstream } = { system: undefined as never, upstream: undefined as never };
beforeAll(async () => {
  const upstream = await startUpstream();
  const models = [...streams.keys(), 'held'].map((name) => `{ name: "${name}", capabilities: [text_generation], price: { input: 0, output: 0 } }`);
  const system = await startSystem({
    providers: `providers: { writer: { base_url: "${upstream.origin}/v1", models: [${models.join(', ')}] } }\n`,
    accounts: {},
    rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n',
  });
  expect((await system.admin('POST', '/accounts', { provider: 'writer', label: 'one', key: 'writer-key-1', check: false })).status).toBe(201);
  Object.assign(state, { system, upstream });
});
afterAll(async () => {
  await state.system.close();
  state.upstream.close();
});

/** The bytes of every event's data. Latin-1 keeps one character a byte. */
const payloadsOf = (stream: Uint8Array): string[] => [...Buffer.from(stream).toString('latin1').matchAll(/^data: ?(.*)$/gm)].map(([, data = '']) => data);

const usageOnly = (payload: string): boolean => /"choices" ?: ?(?:\[\]|null)/.test(payload) && payload.includes('"usage"');

async function ask(model: string, options: object): Promise<Uint8Array> {
  const response = await state.system.chat({ model: `writer/${model}`, messages: [{ role: 'user', content: 'hello' }], stream: true, ...options });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  return new Uint8Array(await response.arrayBuffer());
}

describe.each([...streams.keys()])('%s', (name) => {
  const sent = payloadsOf(Buffer.from(streams.get(name) ?? ''));

  test('every payload arrives as it was written, and one [DONE]', async () => {
    const got = payloadsOf(await ask(name, { stream_options: { include_usage: true } }));
    expect(got).toEqual([...sent.filter((payload) => payload !== '[DONE]'), '[DONE]']);
  });

  test('nothing is left out but the usage nobody asked for', async () => {
    const got = payloadsOf(await ask(name, {}));
    expect(got).toEqual([...sent.filter((payload) => payload !== '[DONE]' && !usageOnly(payload)), '[DONE]']);
  });
});

test('the first words are here while the provider is still speaking', async () => {
  const response = await state.system.chat({ model: 'writer/held', messages: [{ role: 'user', content: 'hello' }], stream: true });
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toContain('"first"');
  state.upstream.letGo();
  let rest = '';
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) rest += Buffer.from(next.value).toString();
  expect(rest).toContain('[DONE]');
});

test('a long question is read as its client wrote it, but for what is not the client’s to say', async () => {
  const messages = String.raw`[ {"role":"user",  "content":"Gr\u00fc\u00df Gott, 日本語 \/ ${'and so on '.repeat(300)}"} ]`;
  const response = await fetch(`${state.system.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"api_key":"other","messages":${messages},"model":"writer/odd","stream":true}` });
  await response.text();
  const asked = state.upstream.asked.at(-1) ?? '';
  expect(asked).toContain(messages);
  const { messages: _said, ...rest } = JSON.parse(asked) as Readonly<Record<string, unknown>>;
  expect(rest).toEqual({ model: 'odd', stream: true, stream_options: { include_usage: true } });
});
