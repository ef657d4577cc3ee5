/** Secrets planted everywhere one can be, and everything tollfree writes or says searched for them. As real processes. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { bare, program } from '../cli/process.ts';
import { startProcess, type DaemonProcess } from '../support/process.ts';

/** Hardly any has a prefix that a pattern could know it by, so that a leak shows as one, and is not just masked. */
const CANARIES = {
  key: 'KanarienvogelOne0123456789',
  refusedKey: 'KanarienvogelTwo0123456789',
  adminToken: 'KanarienvogelThree0123456789',
  passphrase: 'KanarienvogelFour 0123456789',
  wrongPassphrase: 'KanarienvogelFive 0123456789',
  prompt: 'KanarienvogelSix0123456789',
  webhook: 'KanarienvogelSeven0123456789',
  webhookPath: 'KanarienvogelEight0123456789',
  userInfo: 'KanarienvogelNine0123456789',
  wrongBearer: 'KanarienvogelTen0123456789',
  answer: 'KanarienvogelEleven0123456789',
  commandKey: 'KanarienvogelTwelve0123456789',
  /** Where a label should be: there is nothing but its look to know it by. */
  typedKey: 'gsk_KanarienvogelThirteen0123456789',
};
/** As they are, and as they look in encodings that carry secrets along unseen. */
const formsOf = (secret: string): string[] => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').replace(/=+$/, ''), Buffer.from(secret).toString('base64url'), Buffer.from(secret).toString('hex')];

interface House {
  readonly directory: string;
  readonly data: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly daemon: DaemonProcess;
  /** Everything said to anybody: answers, events, webhooks, commands. */
  readonly heard: Map<string, string>;
  readonly argv: Set<string>;
  readonly secrets: Map<string, string>;
  readonly servers: Server[];
}
const state: { house: House } = { house: undefined as never };

const listening = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers?: Record<string, string>;
}

function answering(reply: (request: IncomingMessage, body: string) => Reply): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, text: words, headers = {} } = reply(request, await text(request));
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(words);
  };
  return createServer((request, response) => void answer(request, response));
}

const post = (headers: Record<string, string>, body: unknown): RequestInit => ({ method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** An upstream that repeats whatever it was told, in every place an answer has. */
function echo(request: IncomingMessage, body: string): Reply {
  const { authorization = '' } = request.headers;
  const key = authorization.replace('Bearer ', '');
  const words = `no: ${authorization} / ${key} / https://user:${key}@example.com/?key=${encodeURIComponent(key)} / ${body}`;
  if (request.method === 'GET') return { status: key === CANARIES.key ? 200 : 401, text: JSON.stringify(key === CANARIES.key ? { data: [] } : { error: { message: words } }) };
  const model = /"model":"([^"]*)"/.exec(body)?.[1] ?? '';
  const error = JSON.stringify({ error: { message: words, type: key, code: key, param: key } });
  if (model === 'fine') return { status: 200, text: JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model, choices: [{ index: 0, message: { role: 'assistant', content: CANARIES.answer }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }) };
  if (model === 'inside') return { status: 200, text: error };
  if (model === 'stream') return { status: 200, headers: { 'content-type': 'text/event-stream' }, text: `data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: ${error}\n\n` };
  if (model === 'moved') return { status: 307, headers: { location: `https://${key}@example.com/` }, text: words };
  if (model === 'page') return { status: 502, headers: { 'content-type': 'text/html' }, text: `<html>${words}</html>` };
  return { status: Number(/\d+$/.exec(model)?.[0] ?? 400), text: error };
}

const MODELS = ['fine', 'inside', 'stream', 'moved', 'page', 'status-400', 'status-401', 'status-402', 'status-403', 'status-404', 'status-413', 'status-429', 'status-500'];

const catalogue = (upstream: string): string =>
  [
    'providers:',
    '  echo:',
    '    title: Echo',
    `    base_url: ${upstream}/v1`,
    '    dialect: openai',
    '    priority: 1',
    '    quota_scope: account',
    '    key_check_path: /models',
    '    models:',
    ...MODELS.map((name) => `      - { name: ${name}, context: 4096, capabilities: [text_generation], price: { input: 0, output: 0 } }`),
  ].join('\n');

async function command(house: Pick<House, 'environment' | 'directory' | 'heard' | 'argv'>, line: readonly string[], stdin = ''): Promise<void> {
  const child = spawn(process.execPath, [program, ...line], { cwd: house.directory, env: { ...bare, ...house.environment } });
  if (child.pid !== undefined) house.argv.add(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'));
  child.stdin.end(stdin);
  const [out, words] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  house.heard.set(`tollfree ${line.slice(0, 2).join(' ')} ${house.heard.size}`, `${out}${words}`);
}

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tollfree-canaries-'));
  const heard = new Map<string, string>();
  const argv = new Set<string>();
  const upstream = answering((request, body) => echo(request, body));
  const receiver = answering((request, body) => {
    heard.set(`webhook ${heard.size}`, `${JSON.stringify(request.headers)}${body}`);
    return { status: 500, text: body };
  });
  const [at, hook] = [await listening(upstream), await listening(receiver)];
  const write = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };
  const environment = {
    TOLLFREE_DATA_DIR: join(directory, 'data'),
    TOLLFREE_PASSPHRASE: CANARIES.passphrase,
    TOLLFREE_ADMIN_TOKEN: CANARIES.adminToken,
    TOLLFREE_CONFIG: await write('tollfree.yaml', `log: { level: debug }\nwebhooks: [{ url: "${hook}/${CANARIES.webhookPath}", secret: ${CANARIES.webhook} }]\n`),
    TOLLFREE_PROVIDERS: await write('providers.yaml', catalogue(at)),
    TOLLFREE_RULES: await write('routing-rules.yaml', 'routing_rules:\n  - name: general\n    provider_preferences: [echo]\ndefault_rule: general\n'),
    TOLLFREE_PORT: '0',
    HOME: directory,
  };
  const house = { directory, data: join(directory, 'data'), environment, heard, argv, secrets: new Map(Object.entries(CANARIES)), servers: [upstream, receiver] };
  await command(house, ['accounts', 'add', 'echo', '--key-stdin', '--label', 'good'], CANARIES.key);
  await command(house, ['accounts', 'add', 'echo', '--key-stdin', '--label', 'bad'], CANARIES.refusedKey);
  await command(house, ['accounts', 'add', 'echo', '--key-stdin', '--no-check', '--label', 'bad'], CANARIES.refusedKey);
  await command(house, ['accounts', 'remove', CANARIES.typedKey], '');
  const daemon = await startProcess(environment, directory);
  state.house = { ...house, daemon };
  await useEverything(state.house);
});

afterAll(async () => {
  state.house.daemon.signal('SIGKILL');
  await state.house.daemon.ended;
  for (const server of state.house.servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(state.house.directory, { recursive: true, force: true });
});

async function useEverything({ daemon, heard, secrets }: House): Promise<void> {
  const said = async (name: string, path: string, options: RequestInit = {}): Promise<string> => {
    const answer = await fetch(`${daemon.url}${path}`, options);
    const body = await answer.text();
    heard.set(name, `${answer.status} ${JSON.stringify([...answer.headers])} ${body}`);
    return body;
  };
  const json = { 'content-type': 'application/json' };
  const admin = { ...json, authorization: `Bearer ${CANARIES.adminToken}` };

  const seen = readEvents(daemon.url, admin, heard);

  const body = (model: string, more: object = {}): object => ({ model, messages: [{ role: 'user', content: CANARIES.prompt }], ...more });
  for (const model of MODELS) {
    // The one answer that belongs to the caller holds the caller's canary: it is not searched.
    const answer = await said(`chat ${model}`, '/v1/chat/completions', post(json, body(`echo/${model}`, { stream: model === 'stream' })));
    if (model === 'fine') {
      expect(answer).toContain(CANARIES.answer);
      heard.delete(`chat ${model}`);
    }
    await said(`messages ${model}`, '/v1/messages', post(json, body(`echo/${model}`, { max_tokens: 5, stream: model === 'stream' })));
    if (model === 'fine') heard.delete(`messages ${model}`);
    if (model !== 'fine') await said(`relay ${model}`, '/v1/rerank', post(json, { model: `echo/${model}`, query: CANARIES.prompt }));
    await said('cooldowns cleared', '/admin/cooldowns', { method: 'DELETE', headers: admin });
  }
  await said('destination in the body', '/v1/chat/completions', post(json, body('echo/status-400', { api_base: `https://x:${CANARIES.userInfo}@example.com`, api_key: CANARIES.userInfo })));
  await said('cut body', '/v1/chat/completions', post(json, `{"model":"auto","messages":[{"content":"${CANARIES.prompt}`));
  await said('wrong type', '/v1/chat/completions', post(json, { model: 'auto', messages: CANARIES.prompt }));
  await said('another charset', '/v1/chat/completions', post({ 'content-type': 'text/plain' }, CANARIES.prompt));
  await said('wrong bearer', '/admin/accounts', { headers: { authorization: `Bearer ${CANARIES.wrongBearer}` } });
  await said('wrong session', '/admin/session', post(json, { token: CANARIES.wrongBearer }));
  await said('key in an address', `/v1/models?key=${CANARIES.userInfo}&api_key=${CANARIES.userInfo}`);
  await said('key in a path', `/v1/models/${CANARIES.typedKey}`);
  await said('key for a model', '/v1/chat/completions', post(json, { model: CANARIES.typedKey, messages: [{ role: 'user', content: 'x' }] }));
  await raw(daemon.url, `GET http://user:${CANARIES.userInfo}@127.0.0.1/v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`).then((answer) => heard.set('absolute form', answer));

  await said('account refused', '/admin/accounts', post(admin, { provider: 'echo', key: CANARIES.commandKey, label: 'third' }));
  await said('account with a wrong field', '/admin/accounts', post(admin, { provider: 'echo', key: CANARIES.commandKey, kee: CANARIES.commandKey }));
  await said('account of nobody', '/admin/accounts', post(admin, { provider: 'nobody', key: CANARIES.commandKey }));
  await said('account added', '/admin/accounts', post(admin, { provider: 'echo', key: CANARIES.commandKey, label: 'third', check: false }));
  const { accounts } = JSON.parse(await said('accounts', '/admin/accounts', { headers: admin })) as { accounts: { id: string }[] };
  for (const { id } of accounts) await said(`test ${id}`, `/admin/accounts/${id}/test`, post(admin, {}));
  await said('cut admin body', '/admin/accounts', post(admin, `{"provider":"echo","key":"${CANARIES.commandKey}`));
  await said('explain', '/admin/explain', post(admin, { prompt: CANARIES.prompt }));
  await said('wrong passphrase', '/admin/vault/unlock', post(admin, { passphrase: CANARIES.wrongPassphrase }));
  await said('lock', '/admin/vault/lock', post(admin, {}));
  await said('locked', '/v1/chat/completions', post(json, body('auto')));
  await said('unlock', '/admin/vault/unlock', post(admin, { passphrase: CANARIES.passphrase }));
  await said('rotate', '/admin/vault/rotate', post(admin, {}));
  const { secret } = JSON.parse(await said('virtual key', '/admin/virtual-keys', post(admin, { name: 'somebody' }))) as { secret: string };
  heard.delete('virtual key');
  secrets.set('virtual key', secret);
  await said('with a virtual key', '/v1/chat/completions', post({ ...json, authorization: `Bearer ${secret}` }, body('echo/status-500')));
  await said('with a wrong one', '/v1/chat/completions', post({ ...json, authorization: `Bearer ${CANARIES.wrongBearer}` }, body('echo/fine')));
  for (const path of ['/admin/accounts', '/admin/virtual-keys', '/admin/usage-stats', '/admin/requests', '/admin/activity', '/admin/providers', '/admin/cooldowns', '/admin/rules', '/admin/vault', '/health', '/metrics']) await said(`GET ${path}`, path, { headers: admin });
  await (await seen)();
}

async function readEvents(url: string, headers: Record<string, string>, heard: Map<string, string>): Promise<() => Promise<void>> {
  const stop = new AbortController();
  const answer = await fetch(`${url}/admin/events`, { headers, signal: stop.signal });
  const frames: string[] = [];
  const reading = (async () => {
    for await (const frame of answer.body ?? []) frames.push(Buffer.from(frame as Uint8Array).toString());
  })().catch(() => undefined);
  return async () => {
    // Frames are told four times a second.
    await new Promise((resolve) => setTimeout(resolve, 400));
    stop.abort();
    await reading;
    heard.set('live events', frames.join(''));
  };
}

function raw(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end(request);
  return text(socket);
}

/** Which of the secrets are in a text, in any form. */
const found = (content: string): string[] => [...state.house.secrets].flatMap(([name, secret]) => (formsOf(secret).some((form) => content.includes(form)) ? [name] : []));

describe('no secret', () => {
  test('in anything that was said to anybody', () => {
    expect(state.house.heard.size).toBeGreaterThan(50);
    expect(state.house.heard.get('live events')).toContain('request-finished');
    expect([...state.house.heard.keys()]).toContainEqual(expect.stringMatching(/^webhook/));
    // A provider's refusal is told to whoever asked, and may quote what they asked.
    const ownPrompt = /^(?:chat|messages|relay|destination) .*/;
    expect([...state.house.heard].flatMap(([name, words]) => found(words).flatMap((secret) => (secret === 'prompt' && ownPrompt.test(name) ? [] : [`${secret} in ${name}`])))).toEqual([]);
  });

  test('in the log, on standard output or standard error', () => {
    expect(state.house.daemon.words()).toContain('"request"');
    expect(found(state.house.daemon.words())).toEqual([]);
  });

  test('in any command line', () => {
    const running = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return [];
      }
    });
    expect(running.some((line) => line.includes('cli/index.js'))).toBe(true);
    // What a person typed by mistake is theirs to see, in the one command they typed it into.
    expect([...running, ...state.house.argv].filter((line) => !line.includes('remove')).flatMap(found)).toEqual([]);
  });

  test('in a core dump, and no debugger to ask for one', async () => {
    const { daemon } = state.house;
    expect((await readFile(`/proc/${daemon.pid}/coredump_filter`, 'utf8')).trim()).toBe('00000000');
    daemon.signal('SIGUSR1');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(daemon.words()).not.toContain('Debugger listening');
    expect((await fetch(`${daemon.url}/health/live`)).status).toBe(200);
  });

  test('in any file of the data directory, all of which are private', async () => {
    const { daemon, data } = state.house;
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    const names = readdirSync(data, { recursive: true, encoding: 'utf8' });
    expect(names).toEqual(expect.arrayContaining(['vault.json', 'keys.json', 'audit.log', 'tollfree.log', 'quota.journal']));
    for (const name of names) {
      const found = await stat(join(data, name));
      expect([name, found.mode & 0o077]).toEqual([name, 0]);
    }
    expect(names.filter((name) => !name.includes('.lock.')).flatMap((name) => filesIn(join(data, name)).flatMap((content) => found(content).map((secret) => `${secret} in ${name}`)))).toEqual([]);
  });
});

/** Bytes one to one, so that nothing is lost to an encoding. */
function filesIn(path: string): string[] {
  try {
    return [readFileSync(path, 'latin1')];
  } catch {
    return [];
  }
}
