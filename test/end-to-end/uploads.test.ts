/** Recordings on their way through: what upstream reads, what is held meanwhile, and who else may be asked. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFile } from 'openai';
import OpenAI from 'openai';
import { startProcess } from '../support/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { m4a } from '../support/sound.ts';
import { ADMIN_TOKEN, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const MIB = 1024 * 1024;

interface Call {
  readonly provider: string;
  readonly key: string;
  readonly length: string | undefined;
  readonly hash: string;
  readonly size: number;
}

/** Reads each upload to its end, or as the test says. */
interface Upstream {
  readonly origin: string;
  readonly calls: Call[];
  /** Of the next calls, whoever they are for. */
  readonly refusals: { readonly status: number; readonly body: unknown }[];
  /** Called instead of reading. */
  reading?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly close: () => void;
}

async function startUpstream(): Promise<Upstream> {
  const calls: Call[] = [];
  const refusals: Upstream['refusals'] = [];
  const read = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const provider = request.url?.split('/')[1] ?? '';
    if (request.method === 'GET') return void response.writeHead(404).end('{}');
    if (upstream.reading !== undefined) return upstream.reading(request, response);
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of request as AsyncIterable<Buffer>) {
      size += piece.length;
      hash.update(piece);
    }
    calls.push({ provider, key: request.headers.authorization ?? '', length: request.headers['content-length'], hash: hash.digest('hex'), size });
    const refusal = refusals.shift();
    response.writeHead(refusal?.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(refusal?.body ?? { text: provider }));
  };
  const server = createServer((request, response) => void read(request, response).catch(() => undefined));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const upstream: Upstream = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    refusals,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return upstream;
}

const entry = (name: string, aliases: string, base: string): string =>
  `  ${name}: { base_url: "${base}", models: [{ name: whisper-of-${name}, aliases: [${aliases}], capabilities: [transcription], price: { input: 0, output: 0 } }] }`;

const state: { system: System; upstream: Upstream } = { system: undefined as never, upstream: undefined as never };
beforeAll(async () => {
  const upstream = await startUpstream();
  // `dead` is first asked of nobody who listens.
  const providers = ['providers:', entry('nobody', 'dead', 'http://127.0.0.1:1/v1'), ...['first', 'second'].map((name) => entry(name, 'whisper-1, dead', `${upstream.origin}/${name}/v1`)), entry('counted', 'memos', `${upstream.origin}/counted/v1`).replace('{ name:', '{ rate_limit: { audio_seconds_per_hour: 7200 }, name:'), ''].join('\n');
  const system = await startSystem({ providers, accounts: {}, rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n' });
  for (const provider of ['first', 'second', 'nobody', 'counted']) expect((await system.admin('POST', '/accounts', { provider, label: 'one', key: `${provider}-key-1`, check: false })).status).toBe(201);
  Object.assign(state, { system, upstream });
});
beforeEach(() => {
  state.upstream.calls.length = 0;
});
afterEach(async () => {
  state.upstream.refusals.length = 0;
  delete state.upstream.reading;
  await state.system.admin('DELETE', '/cooldowns');
});
afterAll(async () => {
  await state.system.close();
  state.upstream.close();
});

const field = (name: string, value: string): string => `--b0undary\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
/** Bytes that hold many line ends and dashes, and no two places alike. */
const SOUND = Buffer.alloc(24 * MIB);
for (let at = 0; at < SOUND.length; at += 4) SOUND.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
SOUND.write('\r\n--b0undar', 6 * MIB);

interface Parts {
  readonly model?: string;
  readonly bytes?: number;
  readonly after?: string;
  readonly sound?: Buffer;
}

const formOf = ({ model = 'whisper-1', bytes = 8 * MIB, after = field('language', 'de'), sound = SOUND.subarray(0, bytes) }: Parts): Buffer =>
  Buffer.concat([Buffer.from(`${field('model', model)}--b0undary\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`), sound, Buffer.from(`\r\n${after}--b0undary--\r\n`)]);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const upload = (url: string, length: number, headers: Readonly<Record<string, string>> = {}): ClientRequest =>
  httpRequest(`${url}/v1/audio/transcriptions`, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b0undary', 'content-length': length, ...headers } });

async function send(form: Buffer, url = state.system.url): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>>; readonly headers: IncomingMessage['headers'] }> {
  const request = upload(url, form.length);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  // Who is answered before all is sent finds the connection closed.
  request.on('error', () => undefined).end(form);
  const [response] = await answered;
  return { status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(await text(response)) as Readonly<Record<string, unknown>> };
}

/** The same daemon as a process of its own, whose memory and reads are its own. */
async function apart(): Promise<DaemonProcess> {
  const { directory, environmentFor } = state.system;
  return startProcess(await environmentFor('apart'), directory);
}

describe('a large upload', () => {
  test('arrives byte by byte, as long as it says, under the model’s own name', async () => {
    const { status, body } = await send(formOf({}));
    const [call] = state.upstream.calls;
    expect([status, body]).toEqual([200, { text: call?.provider }]);
    const expected = formOf({ model: `whisper-of-${call?.provider}` });
    expect(call).toEqual({ provider: call?.provider, key: `Bearer ${call?.provider}-key-1`, length: String(expected.length), hash: sha256(expected), size: expected.length });
  });

  test('is read no faster than upstream reads it', async () => {
    const daemon = await apart();
    try {
      const reading = new Promise<IncomingMessage>((resolve) => {
        state.upstream.reading = (request, response) => {
          resolve(request);
          request.once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"text":"late"}'));
        };
      });
      const read = async (): Promise<number> => Number(/rchar: (\d+)/.exec(await readFile(`/proc/${daemon.pid}/io`, 'utf8'))?.[1]);
      const start = await read();
      const form = formOf({ bytes: SOUND.length });
      const response = once(upload(daemon.url, form.length).end(form), 'response') as Promise<[IncomingMessage]>;
      const upstream = await reading;
      // Once nothing moves any more, all that the daemon has read is kept, or in the socket to upstream.
      let before = 0;
      let now = await read();
      while (now - before > MIB / 4) {
        await sleep(300);
        before = now;
        now = await read();
      }
      upstream.resume();
      expect(JSON.parse(await text((await response)[0]))).toEqual({ text: 'late' });
      expect(now - start).toBeLessThan(12 * MIB);
      expect((await read()) - start).toBeGreaterThanOrEqual(form.length);
    } finally {
      daemon.signal('SIGKILL');
      await daemon.ended;
    }
  });

  test('costs the daemon a part of its size in memory, six at a time', async () => {
    const daemon = await apart();
    try {
      const most = async (): Promise<number> => Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]) * 1024;
      const before = await most();
      const form = formOf({ bytes: SOUND.length });
      // A daemon short of time turns uploads away, and on a busy machine it may be.
      const persist = async (): Promise<number> => {
        for (;;) {
          const { status, headers } = await send(form, daemon.url);
          if (status !== 503) return status;
          await sleep(Number(headers['retry-after']) * 1000);
        }
      };
      expect(await Promise.all(Array.from({ length: 6 }, persist))).toEqual([200, 200, 200, 200, 200, 200]);
      // 144 MiB went through. Kept whole they cost 44 MiB each, and so 12.
      expect((await most()) - before).toBeLessThan(144 * MIB);
    } finally {
      daemon.signal('SIGKILL');
      await daemon.ended;
    }
  });

  test('that has gone to one who fails cannot go to another: the client is told to send it again, and who does is answered', async () => {
    const refusal = { status: 429, body: { error: { message: 'too much at once', type: 'rate_limit_error' } } };
    state.upstream.refusals.push(refusal);
    const { status, body, headers } = await send(formOf({}));
    expect([status, headers['retry-after']]).toEqual([429, '1']);
    expect(body['error']).toMatchObject({ message: expect.stringMatching(/too much at once; the upload is too large to be kept.*send it again/) });
    expect((await send(formOf({}))).status).toBe(200);
    expect(new Set(state.upstream.calls.map(({ provider }) => provider)).size).toBe(2);
    await state.system.admin('DELETE', '/cooldowns');
    state.upstream.refusals.push(refusal);
    const patient = new OpenAI({ baseURL: `${state.system.url}/v1`, apiKey: 'any', maxRetries: 2 });
    expect(await patient.audio.transcriptions.create({ model: 'whisper-1', file: await toFile(SOUND.subarray(0, 8 * MIB), 'a.wav') })).toEqual({ text: expect.any(String) });
    expect(state.upstream.calls).toHaveLength(4);
  });

  test('whose fault it is itself is told so, and goes nowhere else', async () => {
    state.upstream.refusals.push({ status: 400, body: { error: { message: 'response_format must be one of [json text verbose_json]', type: 'invalid_request_error' } } });
    const { status, body } = await send(formOf({}));
    expect([status, body['error']]).toEqual([400, expect.objectContaining({ message: expect.stringContaining('must be one of') })]);
    expect(state.upstream.calls).toHaveLength(1);
  });

  test('goes whole to the next where the first was not to be reached', async () => {
    const answer = await send(formOf({ model: 'dead' }));
    expect([answer.status, Number(answer.headers['x-tollfree-attempts'])]).toEqual([200, 2]);
    expect(state.upstream.calls.map(({ hash, provider }) => [hash, provider])).toEqual([[sha256(formOf({ model: `whisper-of-${String(answer.headers['x-tollfree-provider'])}` })), answer.headers['x-tollfree-provider']]]);
  });

  test('with a second model hidden behind the file is refused, and upstream does not get to see it', async () => {
    const { status, body } = await send(formOf({ after: field('model', 'expensive') }));
    expect([status, body['error']]).toEqual([400, expect.objectContaining({ param: 'model', message: expect.stringContaining('two fields') })]);
    expect(state.upstream.calls).toEqual([]);
    expect((await send(formOf({ bytes: 100 }))).status).toBe(200);
  });

  test.each([['32', false], ['64', true]])('whose length stands at its end, in numbers of %s bits, holds a guess by its size until it has gone by, and then what it said', async (_bits, long) => {
    interface Counted {
      readonly accounts: readonly { readonly provider: string; readonly windows: readonly { readonly unit: string; readonly used: number }[] }[];
    }
    const used = async (): Promise<number> => {
      const { accounts } = (await (await state.system.admin('GET', '/accounts')).json()) as Counted;
      return accounts.find(({ provider }) => provider === 'counted')?.windows.find(({ unit }) => unit === 'audio_seconds')?.used ?? 0;
    };
    const before = await used();
    const held: number[] = [];
    const look = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
      held.push((await used()) - before);
      incoming.resume().once('end', () => answer.writeHead(200, { 'content-type': 'application/json' }).end('{"text":"x"}'));
    };
    state.upstream.reading = (incoming, answer) => void look(incoming, answer);
    // Eight minutes at 128 kbit/s.
    expect((await send(formOf({ model: 'memos', sound: m4a(480, long, 480 * 16_000) }))).status).toBe(200);
    // At the 32 kbit/s of speech.
    expect(held).toEqual([1_921]);
    expect((await used()) - before).toBe(480);
  });

  test('that asks for a stream behind its file is answered as one, event by event', async () => {
    const open: { response?: ServerResponse } = {};
    state.upstream.reading = (incoming, answer) => {
      open.response = answer;
      incoming.resume().once('end', () => answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"type":"transcript.text.delta","delta":"Gr"}\n\n'));
    };
    const form = formOf({ after: field('stream', 'true') });
    const request = upload(state.system.url, form.length);
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    request.end(form);
    const [response] = await answered;
    expect(response.headers['content-type']).toBe('text/event-stream');
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toContain('"Gr"');
    // Only now it goes on.
    open.response?.end('data: {"type":"transcript.text.done","text":"Gruss"}\n\n');
    expect(await text(response)).toContain('transcript.text.done');
  });

  test('whose client leaves in the middle is left upstream, too, and harms nobody', async () => {
    const form = formOf({});
    const request = upload(state.system.url, form.length);
    request.on('error', () => undefined);
    const left = new Promise<void>((resolve) => {
      state.upstream.reading = (incoming) => void incoming.on('data', () => undefined).on('error', () => undefined).once('close', resolve);
    });
    request.write(form.subarray(0, 6 * MIB), () => request.destroy());
    await left;
    delete state.upstream.reading;
    expect((await send(formOf({ bytes: 100 }))).status).toBe(200);
  });

  test('that does not come in its time is its client’s fault, not the provider’s', async () => {
    const form = formOf({});
    const request = upload(state.system.url, form.length, { 'x-tollfree-deadline-ms': '2000' });
    request.on('error', () => undefined);
    request.write(form.subarray(0, 6 * MIB));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { error } = JSON.parse(await text(response)) as { error: { message: string } };
    expect([response.statusCode, error.message]).toEqual([400, expect.stringContaining('the upload was not whole within')]);
    request.destroy();
    expect((await send(formOf({ bytes: 100 }))).status).toBe(200);
  });
});

describe('an upload that is kept', () => {
  const refusal = { status: 500, body: { error: { message: 'out of order', type: 'server_error' } } };

  test('because it is small, goes to the next', async () => {
    state.upstream.refusals.push({ status: 429, body: { error: { message: 'slow down', type: 'rate_limit_error' } } });
    expect((await send(formOf({ bytes: 3 * MIB }))).status).toBe(200);
    const { calls } = state.upstream;
    expect(new Set(calls.map(({ provider }) => provider))).toEqual(new Set(['first', 'second']));
    expect(calls.map(({ hash }) => hash)).toEqual(calls.map(({ provider }) => sha256(formOf({ model: `whisper-of-${provider}`, bytes: 3 * MIB }))));
  });

  test('because its model is named after the file, as OpenAI’s client does it, too', async () => {
    state.upstream.refusals.push(refusal);
    expect(await state.system.client.audio.transcriptions.create({ file: await toFile(SOUND.subarray(0, 8 * MIB), 'a.wav'), model: 'whisper-1' })).toEqual({ text: expect.any(String) });
    expect(state.upstream.calls).toHaveLength(2);
    expect(new Set(state.upstream.calls.map(({ size, provider }) => size - `whisper-of-${provider}`.length)).size).toBe(1);
  });

  test('where it does not say how long it is', async () => {
    const request = httpRequest(`${state.system.url}/v1/audio/transcriptions`, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b0undary' } });
    request.end(formOf({}));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [call] = state.upstream.calls;
    expect([response.statusCode, JSON.parse(await text(response))]).toEqual([200, { text: call?.provider }]);
    expect(call?.hash).toBe(sha256(formOf({ model: `whisper-of-${call?.provider}` })));
  });
});

test('nothing of all this is left behind', async () => {
  const { accounts } = (await (await fetch(`${state.system.url}/admin/accounts`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json()) as { accounts: { in_flight?: number; state: string; provider: string }[] };
  expect(accounts.filter(({ provider }) => provider !== 'nobody').map((one) => one.state)).toEqual(['active', 'active', 'active']);
});
