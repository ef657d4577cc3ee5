/** What a request makes the daemon do, counted, so that the figures are the same on any machine; what it takes in time is the benches' matter. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyFile } from '../../src/vault/find-unlock.ts';
import { openVault } from '../../src/vault/vault.ts';

type Work = Readonly<Record<'promises' | 'ticks' | 'timers' | 'immediates' | 'connections' | 'files' | 'synchronousWrites' | 'collections' | 'bytes', number>>;

/** Room for so much garbage that none is collected while it is counted, MB. */
const YOUNG_MB = 512;

const event = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'counted', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const usage = { prompt_tokens: 200, completion_tokens: 60, total_tokens: 260 };
const whole = JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'counted', choices: [{ index: 0, message: { role: 'assistant', content: 'The quick brown fox. '.repeat(12) }, finish_reason: 'stop' }], usage });

/** Answers JSON at once; a stream gets its next piece only when the test asks for it, so that each arrives by itself. */
const upstream: { server: Server; streaming: ServerResponse | undefined } = {
  streaming: undefined,
  server: createServer((request, response) => {
    const parts: string[] = [];
    request.on('data', (part: Buffer) => parts.push(part.toString()));
    request.on('end', () => {
      if (parts.join('').includes('"stream":true')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event({ role: 'assistant', content: 'first' }));
        upstream.streaming = response;
      } else response.writeHead(200, { 'content-type': 'application/json' }).end(whole);
    });
  }),
};

const state: { directory: string; daemon: ChildProcess | undefined; url: string; modules: readonly string[] } = { directory: '', daemon: undefined, url: '', modules: [] };

beforeAll(async () => {
  await once(upstream.server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(upstream.server.address() as AddressInfo).port}`;
  state.directory = await mkdtemp(join(tmpdir(), 'tollfree-test-'));
  const at = (name: string): string => join(state.directory, name);
  await mkdir(at('data'), { mode: 0o700 });
  const vault = await openVault({ file: at('data/vault.json'), pid: process.pid, now: Date.now });
  await vault.create([await makeKeyFile(at('vault.key'))]);
  await vault.addAll([{ provider: 'groq', label: 'one', origin, key: 'key-that-is-counted' }]);
  vault.lock();
  const model = { name: 'counted', context: 131_072, price: { input: 0, output: 0 } };
  await writeFile(at('providers.yaml'), JSON.stringify({ providers: { groq: { base_url: `${origin}/v1`, rate_limit: { requests_per_minute: 1_000_000, tokens_per_day: 1_000_000_000 }, models: [model] } } }));
  await writeFile(at('rules.yaml'), JSON.stringify({ routing_rules: [{ name: 'fox', conditions: { content_keywords: ['fox'] }, provider_preferences: ['groq'] }], default_rule: 'fox' }));
  await writeFile(at('tollfree.yaml'), 'log: { format: json }\n');
  state.daemon = fork(join(import.meta.dirname, '..', 'support', 'count-work.js'), {
    cwd: state.directory,
    execArgv: [`--min-semi-space-size=${YOUNG_MB}`, `--max-semi-space-size=${YOUNG_MB}`],
    env: { PATH: process.env['PATH'], TOLLFREE_DATA_DIR: at('data'), TOLLFREE_KEY_FILE: at('vault.key'), TOLLFREE_CONFIG: at('tollfree.yaml'), TOLLFREE_PROVIDERS: at('providers.yaml'), TOLLFREE_RULES: at('rules.yaml'), TOLLFREE_PORT: '0' },
    silent: true,
  });
  const [{ port, modules }] = (await once(state.daemon, 'message')) as [{ port: number; modules: readonly string[] }];
  state.modules = modules;
  state.url = `http://127.0.0.1:${port}/v1/chat/completions`;
});

afterAll(async () => {
  const { daemon } = state;
  if (daemon?.exitCode === null) {
    daemon.kill();
    await once(daemon, 'exit');
  }
  upstream.server.closeAllConnections();
  upstream.server.close();
  await rm(state.directory, { recursive: true, force: true });
});

async function ask(stream: boolean): Promise<Response> {
  const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Tell me of the fox. '.repeat(50) }], stream });
  const answer = await fetch(state.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  expect(answer.status).toBe(200);
  return answer;
}

async function askJson(): Promise<void> {
  expect(await (await ask(false)).text()).toBe(whole);
}

async function askStream(pieces: number): Promise<void> {
  const answer = await ask(true);
  const said = { events: 0, left: pieces };
  for await (const part of answer.body ?? []) {
    said.events += Buffer.from(part as Uint8Array).toString().split('\n\n').length - 1;
    if (said.left > 0) upstream.streaming?.write(event({ content: ' word' }));
    else if (said.left === 0) upstream.streaming?.end(`${event({}, 'stop')}data: [DONE]\n\n`);
    said.left -= 1;
  }
  expect(said.events).toBeGreaterThan(pieces);
}

async function workSoFar(): Promise<Work> {
  const told = once(state.daemon as ChildProcess, 'message');
  state.daemon?.send('count');
  const [work] = (await told) as [Work];
  return work;
}

/** What was done for each of so many. */
async function workFor(run: () => Promise<void>, times: number): Promise<Work> {
  const before = await workSoFar();
  for (let time = 0; time < times; time++) await run();
  return share(await workSoFar(), before, times);
}

function share(more: Work, less: Work, by: number): Work {
  return Object.fromEntries(Object.entries(more).map(([kind, count]) => [kind, (count - less[kind as keyof Work]) / by])) as Work;
}

/** What is more than it may be. A figure grows for a reason that stands in the commit, or not at all. */
const excess = (work: Work, limits: Work): object => Object.fromEntries(Object.entries(work).filter(([kind, count]) => count > limits[kind as keyof Work]));

test('a start loads of undici the pool alone', () => {
  expect(state.modules.filter((file) => /undici.lib.(?!core|dispatcher|handler|interceptor|llhttp|util|global|encoding)/.test(file))).toEqual([]);
});

test('what a JSON answer takes', async () => {
  for (let time = 0; time < 100; time++) await askJson();
  // Measured: 24 promises, 8.2 ticks, 3.3 timers, 5 immediates, 5 writes, 111 KB; a little more of each comes with the time it takes.
  expect(excess(await workFor(askJson, 100), { promises: 30, ticks: 12, timers: 6, immediates: 5.6, connections: 0, files: 1, synchronousWrites: 5.6, collections: 0, bytes: 150_000 })).toEqual({});
});

test('what each chunk of a stream takes', async () => {
  for (let time = 0; time < 10; time++) await askStream(20);
  const few = await workFor(() => askStream(10), 10);
  const many = await workFor(() => askStream(50), 10);
  // Measured: no promise, 4 ticks, 5.6 KB.
  expect(excess(share(many, few, 40), { promises: 0.5, ticks: 5, timers: 0.2, immediates: 0.2, connections: 0, files: 0.2, synchronousWrites: 0.2, collections: 0, bytes: 8_000 })).toEqual({});
});
