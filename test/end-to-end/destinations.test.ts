/** A key goes where it was sealed for and nowhere else, whoever asks for that and however. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadCatalogue } from '../../src/config/catalogue.ts';
import { startDaemon } from '../../src/main.ts';
import { hello, startSystem, type System } from '../support/system.ts';

const KEY = 'sim-groq-one';

interface Thief {
  readonly url: string;
  readonly seen: IncomingHttpHeaders[];
  readonly server: Server;
}
const state: { system: System; thief: Thief } = { system: undefined as never, thief: undefined as never };

/** Somebody who would take what comes, and says so in a way everybody believes. */
async function startThief(answer: RequestListener): Promise<Thief> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server };
}

const whole: RequestListener = (request, response) => {
  request.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: [], choices: [{ index: 0, message: { role: 'assistant', content: 'thanks' }, finish_reason: 'stop' }] })));
};

/** A catalogue of one provider, wherever it is said to be. */
const catalogue = (baseUrl: string): string => `providers:\n  groq:\n    title: Groq\n    base_url: "${baseUrl}"\n    dialect: openai\n    priority: 1\n    quota_scope: account\n    key_check_path: /models\n    models:\n      - { name: m, context: 8192, capabilities: [text_generation], price: { input: 0, output: 0 } }\n`;
const rules = 'routing_rules:\n  - name: general\n    provider_preferences: [groq]\ndefault_rule: general\n';

beforeAll(async () => {
  state.thief = await startThief(whole);
});
afterEach(() => void state.thief.seen.splice(0));
afterAll(() => {
  state.thief.server.closeAllConnections();
  state.thief.server.close();
});
/** A system of its own for each test, or one for all of them. */
const closeAfterEach = (): void => afterEach(() => state.system.close());

async function eventually(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Why a refused request was refused, by every account that was asked. */
async function reasonsOf(answer: Response): Promise<readonly string[]> {
  expect(answer.ok).toBe(false);
  const { error } = (await answer.json()) as { error: { attempts?: { reason: string }[] } };
  return [...new Set((error.attempts ?? []).map(({ reason }) => reason))];
}

describe('a base_url that was edited after sealing', () => {
  closeAfterEach();

  test('while the daemon runs: refused as a credential failure, and nothing is sent', async () => {
    // Where it was sealed for, so that all is well at first.
    state.system = await startSystem({ accounts: { groq: ['one'] }, rules, providers: catalogue('http://127.0.0.1:1/v1') });
    const { system, thief } = state;
    await system.daemon.stop();
    const environment = { ...system.environment };
    const origin = environment['TOLLFREE_BASE_URL_GROQ'];
    delete environment['TOLLFREE_BASE_URL_GROQ'];
    const file = join(system.directory, 'providers.yaml');
    await writeFile(file, catalogue(origin ?? ''));
    const daemon = await startDaemon({ environment, directory: system.directory });
    try {
      await writeFile(file, catalogue(`${thief.url}/v1`));
      await eventually(async () => (await readFile(join(system.directory, 'data', 'tollfree.log'), 'utf8')).includes('the catalogue changed'));
      const answer = await fetch(`http://127.0.0.1:${daemon.port}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello(), model: 'groq/m' }) });
      expect(await reasonsOf(answer)).toEqual(['credential']);
      expect(thief.seen).toEqual([]);
    } finally {
      await daemon.stop();
    }
  });

  test('by the environment, before the start: neither for answers, nor for lists, nor for key checks', async () => {
    state.system = await startSystem({ accounts: { groq: ['one'] }, rules, providers: catalogue('https://api.groq.com/v1'), environment: { TOLLFREE_BASE_URL_GROQ: `${state.thief.url}/v1` } });
    expect(await reasonsOf(await state.system.chat({ ...hello(), model: 'groq/m' }))).toEqual(['credential']);
    const { accounts } = (await (await state.system.admin('GET', '/accounts')).json()) as { accounts: { id: string }[] };
    expect((await state.system.admin('POST', `/accounts/${accounts[0]?.id}/test`, {})).status).toBeGreaterThanOrEqual(400);
    await eventually(async () => (await state.system.logLines()).some(({ message }) => String(message).includes('groq does not tell its models')));
    expect(state.thief.seen).toEqual([]);
  });
});

describe('an upstream that sends elsewhere', () => {
  closeAfterEach();

  test.each([301, 302, 303, 307, 308])('%d: nobody goes', async (status) => {
    const mover = await startThief((request, response) => void request.resume().once('end', () => response.writeHead(status, { location: `${state.thief.url}/v1/chat/completions` }).end()));
    state.system = await startSystem({ accounts: {}, rules, providers: catalogue(`${mover.url}/v1`) });
    try {
      expect((await state.system.admin('POST', '/accounts', { provider: 'groq', key: KEY, check: false })).status).toBe(201);
      expect((await state.system.chat({ ...hello(), model: 'groq/m' })).ok).toBe(false);
      expect(mover.seen.length).toBeGreaterThan(0);
      expect(state.thief.seen).toEqual([]);
    } finally {
      mover.server.close();
    }
  });
});

describe('a place no key may go to', () => {
  test.each([
    'http://api.groq.com/v1', 'http://10.0.0.1/v1', 'http://169.254.169.254/latest', 'ftp://127.0.0.1/v1', 'https://user:pass@api.groq.com/v1', 'https://api.groq.com/v1?x=', 'http://127.0.0.1.nip.io/v1', 'file:///etc/passwd',
  ])('%s: no catalogue may name it', (baseUrl) => {
    expect(() => loadCatalogue(catalogue(baseUrl), 'providers.yaml', { dialects: ['openai'] })).toThrow(/base_url/);
  });
});

describe('a place that only looks like one', () => {
  closeAfterEach();

  test.each(['https://10.0.0.1', 'https://192.168.1.1', 'https://169.254.169.254', 'https://[fd00:ec2::254]', 'https://[fe80::1]', 'https://[::ffff:10.0.0.1]', 'https://[64:ff9b::a9fe:a9fe]', 'https://100.100.100.200', 'https://0.0.0.0'])('%s: https or not, nothing is sent there', async (origin) => {
    state.system = await startSystem({ accounts: {}, rules, providers: catalogue(`${origin}/v1`) });
    expect((await state.system.admin('POST', '/accounts', { provider: 'groq', key: KEY, check: false })).status).toBe(201);
    const startedAt = performance.now();
    const answer = await state.system.chat({ ...hello(), model: 'groq/m' });
    expect(answer.ok).toBe(false);
    // Refused here: a connection to nowhere would take its five seconds.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await eventually(async () => (await state.system.logLines()).some(({ message }) => message === 'request'));
  });
});

const url = (): string => state.thief.url;

describe('a client', () => {
  beforeAll(async () => {
    state.system = await startSystem({ accounts: { groq: ['one'] } });
  });
  afterAll(() => state.system.close());

  const asks: readonly (readonly [string, () => { readonly body?: object; readonly headers?: Record<string, string> }])[] = [
    ['names a destination in the body', () => ({ body: { api_base: url(), base_url: url(), baseURL: url(), endpoint: url(), url: url(), proxy: url(), api_host: url(), organization: 'x' } })],
    ['names a credential in the body', () => ({ body: { api_key: 'another-key', apiKey: 'another-key', key: 'another-key', headers: { authorization: 'Bearer another-key', host: 'evil.example' }, extra_headers: { authorization: 'Bearer another-key' } } })],
    ['names either in a header', () => ({ headers: { authorization: 'Bearer another-key', 'x-api-key': 'another-key', 'x-goog-api-key': 'another-key', 'x-forwarded-host': 'evil.example', 'x-forwarded-for': '10.0.0.1', 'x-tollfree-base-url': url(), 'x-portkey-custom-host': url(), 'openai-organization': 'x', forwarded: 'host=evil.example' } })],
  ];
  test.each(asks)('%s: the call goes where it always goes, with the key it always has', async (_name, asked) => {
    state.system.simulators.clearCalls();
    const { body = {}, headers = {} } = asked();
    const answer = await state.system.chat({ ...hello(), model: 'groq/openai/gpt-oss-120b', ...body }, headers);
    const [call] = state.system.simulators.calls({ path: '/chat/completions' });
    expect([answer.status, answer.status === 200 ? call?.account : undefined]).toEqual(answer.status === 200 ? [200, 'one'] : [400, undefined]);
    expect(state.thief.seen).toEqual([]);
  });

  test.each(['http://evil.example/m', 'groq@evil.example/m', 'groq/../../m', 'groq/m?x=http://evil.example', '//evil.example/m', 'groq/openai/gpt-oss-120b#@evil.example', 'https:evil', '__proto__/m', 'constructor/m'])('asks for a model called %j: it is a name and nothing else', async (model) => {
    state.system.simulators.clearCalls();
    const answer = await state.system.chat({ ...hello(), model });
    expect([400, 404]).toContain(answer.status);
    expect(state.system.simulators.calls({ path: '/chat/completions' })).toEqual([]);
  });

  test.each(['/v1/../admin/accounts', '/v1/%2e%2e/%2e%2e/evil', '/v1//evil.example/x', '/v1/a%2f..%2f..%2fb', '/v1/@evil.example'])('posts to %s: no path leads out of a provider', async (path) => {
    state.system.simulators.clearCalls();
    const answer = await fetch(`${state.system.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'groq/openai/gpt-oss-120b' }) });
    expect(answer.ok).toBe(false);
    expect(state.system.simulators.calls().filter(({ path: asked }) => asked !== '/models')).toEqual([]);
  });
});
