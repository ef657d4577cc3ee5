/** What goes wrong on the wire, over real sockets. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { FailureError } from '../../src/failure.ts';
import type { Failure } from '../../src/failure.ts';
import { createCollector } from '../../src/main/quiet.ts';
import { createHttp } from '../../src/providers/call.ts';
import type { Outgoing } from '../../src/types.ts';
import { account, all, harness, KEY, model, outgoing, provider, serve, serveBytes } from './support.ts';
import type { Harness, Listener, Running } from './support.ts';

const state: { harness: Harness; servers: Running[] } = { harness: harness(), servers: [] };
beforeEach(() => {
  state.harness = harness();
  state.servers = [];
});
afterEach(async () => {
  await state.harness.close();
  await Promise.all(state.servers.map((server) => server.stop()));
});

async function start(listener: Listener): Promise<string> {
  const server = await serve(listener);
  state.servers.push(server);
  return server.origin;
}

/** Answers every connection's first bytes with these, then does as told. */
async function startBytes(answer: string | Buffer, then: (socket: Socket) => void = () => undefined): Promise<string> {
  const server = await serveBytes((socket) => {
    socket.once('data', () => socket.write(answer, () => then(socket)));
  });
  state.servers.push(server);
  return server.origin;
}

const never = new AbortController().signal;
const WHOLE = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}';
const event = (content: string, finish: string | null = null): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const STREAM = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';
const piece = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** What was read before it failed, and the failure. */
async function run(call: Outgoing, signal: AbortSignal = never): Promise<{ texts: string[]; failure?: Failure }> {
  const texts: string[] = [];
  try {
    const { chunks } = await state.harness.send(call, signal);
    for await (const chunk of chunks) texts.push(chunk.text);
    return { texts };
  } catch (error) {
    if (error instanceof FailureError) return { texts, failure: error.failure };
    throw error;
  }
}

const failureOf = async (call: Outgoing): Promise<Failure | undefined> => (await run(call)).failure;

/** A provider at this address, and a key sealed for that origin. */
const failureAt = (baseUrl: string, origin: string): Promise<Failure | undefined> =>
  failureOf({ ...outgoing('http://127.0.0.1:1'), target: { provider: provider({ baseUrl }), model: model() }, account: account({ origin }) });

test('an answer that goes on holds nothing of its question, which can be megabytes', async () => {
  const origin = await startBytes(`${STREAM}${event('first')}`);
  const http = createHttp({ now: Date.now, userAgent: 'test' });
  const asked = async (): Promise<{ readonly question: WeakRef<object>; readonly chunks: AsyncIterator<Uint8Array> }> => {
    const question = { method: 'POST', url: `${origin}/v1/chat/completions`, headers: {}, body: '{}' } as const;
    const answer = await http.call(question, { origin, stallMs: 10_000 }, never);
    return { question: new WeakRef(question), chunks: answer.bytes[Symbol.asyncIterator]() };
  };
  const { question, chunks } = await asked();
  await chunks.next();
  // A WeakRef holds on until the turn of the loop that made it, or looked at it, is over.
  await nextTurn();
  createCollector()();
  expect(question.deref()).toBeUndefined();
  await chunks.return?.();
  await http.close();
});

describe('no connection', () => {
  test('refused', async () => {
    const { origin, stop } = await serve(() => undefined);
    await stop();
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'overloaded', scope: 'provider', message: expect.stringContaining('refused') as unknown });
  });

  test('accepted, then closed or reset', async () => {
    for (const end of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy()]) {
      const server = await serveBytes((socket) => {
        socket.once('data', () => end(socket));
      });
      state.servers.push(server);
      const failure = await failureOf(outgoing(server.origin));
      expect(failure).toMatchObject({ kind: 'overloaded' });
      expect(failure).not.toHaveProperty('scope');
    }
  });

  test('TLS to a plain port is told as configuration', async () => {
    const origin = (await startBytes('HTTP/1.1 400 Bad Request\r\n\r\n', (socket) => socket.end())).replace('http:', 'https:');
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'overloaded', scope: 'provider' });
  });

  test('a certificate nobody signed is not trusted', async () => {
    const key = readFileSync(new URL('../fixtures/tls/key.pem', import.meta.url));
    const server = createTlsServer({ key, cert: readFileSync(new URL('../fixtures/tls/cert.pem', import.meta.url)) }, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await failureOf(outgoing(`https://localhost:${port}`))).toMatchObject({ kind: 'overloaded', scope: 'provider', message: expect.stringContaining('TLS') as unknown });
    server.close();
  });
});

describe('no HTTP', () => {
  test.each([
    ['a garbage status line', 'HELLO THERE\r\n\r\n'],
    ['oversized headers', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`],
  ])('%s', async (_name, bytes) => {
    const origin = await startBytes(bytes, (socket) => socket.end());
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'broken-answer' });
  });

  test('a bad chunk size, in the middle', async () => {
    const origin = await startBytes(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${piece(event('a'))}zz\r\n`);
    const { texts, failure } = await run(outgoing(origin, { stream: true }));
    expect(texts).toHaveLength(1);
    expect(failure).toMatchObject({ kind: 'broken-answer' });
  });

  test('a redirect is never followed', async () => {
    const seen: string[] = [];
    const origin = await start(({ url = '' }, response) => {
      seen.push(url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'overloaded', scope: 'provider', upstreamStatus: 307 });
    expect(seen).toEqual(['/v1/chat/completions']);
  });
});

describe('an end that is no end', () => {
  test.each([
    ['closed in the middle of a stream', `${STREAM}${event('a')}`],
    ['closed in the middle of an event', `${STREAM}${event('a')}data: {"cho`],
    ['a chunked stream cut off', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${piece(event('a'))}`],
    ['[DONE] without a finish reason', `${STREAM}${event('a')}data: [DONE]\n\n`],
    ['nothing at all', STREAM],
    ['comments only', `${STREAM}: hello\n\n: again\n\n`],
    ['JSON cut short', `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${WHOLE.slice(0, 40)}`],
    ['JSON shorter than it said', `HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n${WHOLE}`],
    ['malformed JSON in one event', `${STREAM}${event('a')}data: {"choices": oops}\n\n${event('', 'stop')}data: [DONE]\n\n`],
    ['an empty answer without usage', `${STREAM}${event('')}${event('', 'stop')}data: [DONE]\n\n`],
    ['finish_reason error', `${STREAM}${event('a')}${event('', 'error')}data: [DONE]\n\n`],
  ])('%s', async (_name, bytes) => {
    const origin = await startBytes(bytes, (socket) => socket.end());
    expect(await failureOf(outgoing(origin, { stream: true }))).toMatchObject({ kind: 'broken-answer' });
  });

  test('a choice that never finished, though another did', async () => {
    const second = `data: ${JSON.stringify({ choices: [{ index: 1, delta: { content: 'b' }, finish_reason: null }] })}\n\n`;
    const origin = await startBytes(`${STREAM}${event('a')}${second}${event('', 'stop')}data: [DONE]\n\n`, (socket) => socket.end());
    expect(await failureOf(outgoing(origin, { stream: true }))).toMatchObject({ kind: 'broken-answer' });
  });

  test.each(['content_filter', 'sensitive'])('a content filter that held everything back is policy; after content it is an end: %s', async (reason) => {
    const filtered = await startBytes(`${STREAM}${event('', reason)}data: [DONE]\n\n`, (socket) => socket.end());
    expect(await failureOf(outgoing(filtered, { stream: true }))).toMatchObject({ kind: 'policy' });
    const stopped = await startBytes(`${STREAM}${event('a')}${event('', reason)}data: [DONE]\n\n`, (socket) => socket.end());
    expect((await run(outgoing(stopped, { stream: true }))).failure).toBeUndefined();
  });

  test.each([
    ['no [DONE], finish reason seen', `${STREAM}${event('a')}${event('', 'stop')}`],
    ['no empty line at the end', `${STREAM}${event('a')}${event('', 'stop').trimEnd()}`],
    ['torn down after the last word', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${piece(event('a') + event('', 'stop'))}`],
  ])('%s: whole all the same', async (_name, bytes) => {
    const origin = await startBytes(bytes, (socket) => socket.end());
    const { texts, failure } = await run(outgoing(origin, { stream: true }));
    expect(failure).toBeUndefined();
    expect(texts).toHaveLength(2);
  });

  test('JSON where a stream was asked, a stream where JSON was asked, JSON after padding', async () => {
    for (const [stream, bytes, count] of [[true, WHOLE, 1], [false, `${event('a')}${event('', 'stop')}data: [DONE]\n\n`, 2], [false, `\n\n   \n${WHOLE}`, 1]] as const) {
      const origin = await startBytes(`${STREAM}${bytes}`, (socket) => socket.end());
      const { texts, failure } = await run(outgoing(origin, { stream }));
      expect(failure).toBeUndefined();
      expect(texts).toHaveLength(count);
    }
  });
});

describe('not the provider', () => {
  test('a page in a 200 rests the provider and is never passed on', async () => {
    const origin = await start((_request, response) => response.end('<!doctype html><title>Sign in to the Wi-Fi</title>'));
    const { texts, failure } = await run(outgoing(origin, { stream: true }));
    expect(texts).toEqual([]);
    expect(failure).toMatchObject({ kind: 'overloaded', scope: 'provider', message: expect.not.stringContaining('Wi-Fi') as unknown });
  });

  test('an error inside a 200, or in a stream, is treated as its own status', async () => {
    const error = '{"error":{"message":"Rate limit exceeded: free-models-per-min. ","code":429}}';
    for (const body of [error, `data: ${error}\n\n`, `${event('a')}event: error\ndata: ${error}\n\n`, `${event('a')}error: ${error}\n\n`]) {
      const origin = await startBytes(`${STREAM}${body}`, (socket) => socket.end());
      expect(await failureOf(outgoing(origin, { stream: true }))).toMatchObject({ kind: 'rate-minute', upstreamStatus: 429 });
    }
  });
});

describe('compressed though nobody asked', () => {
  const body = Buffer.from(`${event('ä'.repeat(5000))}${event('', 'stop')}data: [DONE]\n\n`);
  test.each([
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
  ])('%s is read', async (encoding, bytes) => {
    const origin = await start((_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes));
    const { texts, failure } = await run(outgoing(origin, { stream: true }));
    expect(failure).toBeUndefined();
    expect(texts[0]).toContain('ä'.repeat(5000));
  });

  test.each([
    ['cut short', gzipSync(Buffer.from(WHOLE)).subarray(0, 40), 'gzip'],
    ['garbage', Buffer.from('not gzip at all'), 'gzip'],
    ['an encoding nobody knows', Buffer.from(WHOLE), 'zzz'],
  ])('%s is a broken answer', async (_name, bytes, encoding) => {
    const origin = await start((_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bytes));
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'broken-answer' });
  });
});

test('an answer nobody can unpack is left: nothing more of it is read', async () => {
  const closed = withResolvers<string>();
  const origin = await startBytes('HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\n\r\nnever ending', (socket) => socket.once('close', () => closed.resolve('closed')));
  expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'broken-answer' });
  expect(await closed.promise).toBe('closed');
});

describe('too much', () => {
  test('a bomb, even of blanks', async () => {
    const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024, ' '), { level: 1 });
    const origin = await start((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'broken-answer', message: expect.stringContaining('64 MiB') as unknown });
  });

  test('an event of 10 MB without a line end', async () => {
    const origin = await start((_request, response) => {
      response.write(`${event('a')}data: `);
      response.end('x'.repeat(10 * 1024 * 1024));
    });
    const { texts, failure } = await run(outgoing(origin, { stream: true }));
    expect(texts).toHaveLength(1);
    expect(failure).toMatchObject({ kind: 'broken-answer', message: expect.stringContaining('8 MiB') as unknown });
  });

  test('a stream without an end', async () => {
    const origin = await start((_request, response) => {
      const more = event('x'.repeat(60_000)).repeat(4);
      const pump = (): void => {
        while (!response.destroyed && response.write(more));
      };
      response.on('drain', pump);
      pump();
    });
    expect(await failureOf(outgoing(origin, { stream: true }))).toMatchObject({ kind: 'broken-answer', message: expect.stringContaining('64 MiB') as unknown });
  });

  test('a reader that does not read holds upstream back', async () => {
    const sent = { bytes: 0 };
    const origin = await start((_request, response) => {
      const more = event('x'.repeat(60_000));
      const pump = (): void => {
        while (!response.destroyed && sent.bytes < 50_000_000 && response.write(more)) sent.bytes += more.length;
      };
      response.on('drain', pump);
      pump();
    });
    const { chunks } = await state.harness.send(outgoing(origin, { stream: true }), never);
    const iterator = chunks[Symbol.asyncIterator]();
    await iterator.next();
    // Until the sender has come to rest: what it got rid of fills the sockets, and no more.
    for (let before = -1; before !== sent.bytes; ) {
      before = sent.bytes;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    expect(sent.bytes).toBeLessThan(25_000_000);
    await iterator.return?.();
  });
});

describe('silence', () => {
  test('in the middle of an answer ends at the stall deadline', async () => {
    const origin = await startBytes(`${STREAM}${event('a')}`);
    const { texts, failure } = await run({ ...outgoing(origin, { stream: true }), stallMs: 150 });
    expect(texts).toHaveLength(1);
    expect(failure).toMatchObject({ kind: 'silent', phase: 'stall' });
  });

  test('before the first byte is not a stall, and comments are not silence', async () => {
    // Who writes is late when the reader is: they share a process, and a machine with others.
    const origin = await startBytes(STREAM, (socket) => {
      const words = ['', '', '', ': thinking\n\n', ': thinking\n\n', `${event('a')}${event('', 'stop')}data: [DONE]\n\n`];
      const timer = setInterval(() => {
        const word = words.shift();
        if (word === undefined) {
          clearInterval(timer);
          socket.end();
        } else socket.write(word);
      }, 600);
    });
    const { texts, failure } = await run({ ...outgoing(origin, { stream: true }), stallMs: 1_500 });
    expect(failure).toBeUndefined();
    expect(texts).toHaveLength(2);
  });

  test('a refusal whose body never ends is told by its status', async () => {
    const origin = await startBytes('HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n{');
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'rate-minute', upstreamStatus: 429 });
  });
});

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  const held: { resolve?: (value: Value) => void } = {};
  const promise = new Promise<Value>((resolve) => {
    held.resolve = resolve;
  });
  return { promise, resolve: (value) => held.resolve?.(value) };
}

describe('leaving', () => {
  test.each(['by aborting', 'by leaving the loop'])('in the middle, %s: the socket closes at once', async (how) => {
    const closed = withResolvers<string>();
    const origin = await startBytes(`${STREAM}${event('a')}`, (socket) => socket.once('close', () => closed.resolve('closed')));
    const controller = new AbortController();
    const { chunks } = await state.harness.send(outgoing(origin, { stream: true }), controller.signal);
    const iterator = chunks[Symbol.asyncIterator]();
    await iterator.next();
    if (how === 'by leaving the loop') await iterator.return?.();
    else {
      const reason = new FailureError({ kind: 'silent', phase: 'total', message: 'enough' });
      controller.abort(reason);
      await expect(iterator.next()).rejects.toBe(reason);
    }
    // A few turns of the loop, however late they are: no deadline and no second thought.
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    expect(await Promise.race([closed.promise, nextTurn('open')])).toBe('closed');
  });

  test('abort before headers', async () => {
    const origin = await startBytes('');
    const controller = new AbortController();
    const call = run(outgoing(origin), controller.signal);
    setTimeout(() => controller.abort(), 30);
    expect((await call).failure).toMatchObject({ kind: 'cancelled' });
    expect((await run(outgoing(origin), controller.signal)).failure).toMatchObject({ kind: 'cancelled' });
  });

  test('abort while connecting: nothing is ever sent', async () => {
    const seen: string[] = [];
    const origin = await start(({ url = '' }, response) => {
      seen.push(url);
      response.end(WHOLE);
    });
    const controller = new AbortController();
    const call = run(outgoing(origin), controller.signal);
    controller.abort();
    expect((await call).failure).toMatchObject({ kind: 'cancelled' });
    // The connection is there now: a call that was not aborted goes through, alone.
    await run(outgoing(origin));
    expect(seen).toEqual(['/v1/chat/completions']);
  });

  test('a stream that said [DONE] and does not end is whole, and soon cut off', async () => {
    const closed = withResolvers<string>();
    const origin = await startBytes(`${STREAM}${event('a')}${event('', 'stop')}data: [DONE]\n\n`, (socket) => socket.once('close', () => closed.resolve('closed')));
    expect((await run(outgoing(origin, { stream: true }))).failure).toBeUndefined();
    expect(await closed.promise).toBe('closed');
  });

  test('a whole stream gives its connection back', async () => {
    const sockets = new Set<unknown>();
    const ended = { resolve: (): void => undefined };
    const origin = await start(({ socket }, response) => {
      sockets.add(socket);
      response.write(`${event('a')}${event('', 'stop')}data: [DONE]\n\n`);
      setTimeout(() => response.end(ended.resolve), 20);
    });
    for (let turn = 0; turn < 3; turn += 1) {
      const over = withResolvers<void>();
      ended.resolve = over.resolve;
      expect((await run(outgoing(origin, { stream: true }))).failure).toBeUndefined();
      await over.promise;
      // Until the end is read at this end, too.
      for (let read = 0; read < 10; read += 1) await nextTurn();
    }
    expect(sockets.size).toBe(1);
  });
});

describe('a key goes only where it was sealed for', () => {
  test('another origin, another scheme, a name in the URL, an address inside', async () => {
    expect(await failureAt('https://evil.example/v1', 'https://api.groq.com')).toMatchObject({ kind: 'credential' });
    expect(await failureAt('http://api.groq.com/v1', 'http://api.groq.com')).toMatchObject({ kind: 'overloaded', message: expect.stringContaining('https') as unknown });
    expect(await failureAt('https://me:secret@api.groq.com/v1', 'https://api.groq.com')).toMatchObject({ kind: 'overloaded', message: expect.not.stringContaining('secret') as unknown });
    for (const address of ['10.0.0.1', '169.254.169.254', '[fd00::1]', '[::ffff:192.168.0.1]', '100.64.0.1', '0.0.0.0', '[64:ff9b::a00:1]']) {
      expect(await failureAt(`https://${address}/v1`, new URL(`https://${address}`).origin)).toMatchObject({ kind: 'overloaded', scope: 'provider', message: expect.stringContaining('not an address') as unknown });
    }
  });

  test('a request for another origin than the key was opened for is not sent', async () => {
    const origin = await start((_request, response) => response.end(WHOLE));
    const call = state.harness.http.call({ method: 'GET', url: `${origin}/v1/models`, headers: {} }, { origin: 'https://api.groq.com', stallMs: 1000 }, never);
    await expect(call).rejects.toMatchObject({ failure: { kind: 'credential' } });
  });

  test('a name that turns out to be inside is not connected to', async () => {
    await state.harness.close();
    state.harness = harness({ resolve: (_hostname, _options, found) => found(null, [{ address: '169.254.169.254', family: 4 }]) });
    expect(await failureAt('https://api.groq.com/v1', 'https://api.groq.com')).toMatchObject({ kind: 'overloaded', scope: 'provider', message: expect.stringContaining('169.254.169.254') as unknown });
  });

  test.each([KEY, 'canary-0123456789'])('a refusal that quotes the key %s does not pass it on', async (key) => {
    await state.harness.close();
    state.harness = harness({ key });
    const origin = await start((_request, response) => response.writeHead(401).end(JSON.stringify({ error: { message: `Invalid key ${key}.` } })));
    expect(await failureOf(outgoing(origin))).toMatchObject({ kind: 'credential', message: expect.not.stringContaining(key) as unknown });
  });

  test.each(['', 'two lines\n', 'gsk_ä'])('%j is no key', async (key) => {
    await state.harness.close();
    state.harness = harness({ key });
    expect(await failureOf(outgoing('http://127.0.0.1:1'))).toMatchObject({ kind: 'credential', message: expect.stringContaining('add the account again') as unknown });
  });
});

test('many at once', async () => {
  const origin = await start((_request, response) => response.end(WHOLE));
  const answers = await Promise.all(Array.from({ length: 100 }, async () => all((await state.harness.send(outgoing(origin), never)).chunks)));
  expect(answers.every((chunks) => chunks.length === 1)).toBe(true);
});
