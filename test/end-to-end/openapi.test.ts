/** `/openapi.json` against the running program: its routes, its doors, and every answer, called by a client generated from it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Router } from 'express';
import { OpenAPIClientAxios } from 'openapi-client-axios';
import type { Document as OpenApi, OpenAPIClient } from 'openapi-client-axios';
import { RELAY_KINDS } from '../../src/surfaces/relay.ts';
import { startRecorder } from '../clients/recorder.ts';
import type { Recorder, Reply } from '../clients/recorder.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

interface Route {
  readonly path: string | RegExp;
  readonly methods?: readonly string[];
  readonly router?: Listing;
}
interface Listing {
  readonly listRoutes: () => readonly Route[];
}

interface Told {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>> };
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Told>>>>;
  readonly components: { readonly schemas: object; readonly responses: Readonly<Record<string, Told['responses'][string]>> };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly data: unknown;
}

/** One alone may stand for itself among the parameters. */
type Call = (operationId: string, status: number, parameters?: object | string | null, body?: unknown, more?: object) => Promise<unknown>;

/** Every router that anything is mounted on. */
const routers = new Set<Listing>();
const prototype = Router.prototype as unknown as { use: (this: Listing, ...handlers: unknown[]) => unknown };
const { use } = prototype;

const state: { system: System; recorder: Recorder; document: Document; client: OpenAPIClient } = { system: undefined as never, recorder: undefined as never, document: undefined as never, client: undefined as never };
beforeAll(async () => {
  prototype.use = function noted(...handlers) {
    routers.add(this);
    return use.apply(this, handlers);
  };
  const recorder = await startRecorder(workshop);
  const system = await startSystem({ accounts: { groq: ['one'] }, providers: catalogueWith(recorder), rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n' });
  prototype.use = use;
  expect((await system.admin('POST', '/accounts', { provider: 'workshop', key: 'workshop-key-1', check: false })).status).toBe(201);
  const document = (await (await fetch(`${system.url}/openapi.json`)).json()) as Document;
  const generated = new OpenAPIClientAxios({ definition: structuredClone(document) as unknown as OpenApi, withServer: { url: system.url }, axiosConfigDefaults: { validateStatus: null, maxRedirects: 0, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } } });
  Object.assign(state, { system, recorder, document, client: await generated.init() });
});
afterAll(async () => {
  await state.system.close();
  state.recorder.close();
});

const json = (value: unknown): Reply => ({ status: 200, type: 'application/json', body: JSON.stringify(value) });

/** A provider that has what the simulated ones have not. */
function workshop({ path }: { readonly path: string }): Reply {
  switch (path) {
    case '/v1/embeddings': return json({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25, 2] }], model: 'x', usage: { prompt_tokens: 3, total_tokens: 3 } });
    case '/v1/audio/transcriptions':
    case '/v1/audio/translations': return json({ text: 'Grüß Gott' });
    case '/v1/audio/speech': return { type: 'audio/mpeg', body: [Uint8Array.of(1, 2, 3)] };
    default: return json({ created: 1, data: [] });
  }
}

const catalogueWith = ({ origin }: Recorder): string => `
providers:
  groq: { base_url: "https://api.groq.com/openai/v1", models: [{ name: openai/gpt-oss-20b, context: 131072, price: { input: 0, output: 0 } }] }
  workshop:
    base_url: ${origin}/v1
    models: [{ name: any, capabilities: [embeddings, transcription, speech, image_generation, moderation], price: { input: 0, output: 0 } }]
`;

/** In OpenAPI's way of writing paths. The relay takes whatever is below `/v1`; what the dashboard is made of is its own matter. */
function written(path: string | RegExp): string {
  return typeof path === 'string' ? path.replaceAll(/[:*](\w+)/g, '{$1}') : '/v1/{path}';
}

function routesOf(listing: Listing, base = ''): readonly string[] {
  return listing.listRoutes().flatMap(({ path, methods, router }) => {
    const whole = `${base}${path === '/' ? '' : written(path)}`;
    if (router !== undefined) return routesOf(router, whole);
    return (methods ?? []).filter((method) => method !== 'HEAD' && method !== '*').map((method) => `${method} ${whole}`);
  });
}

const ownMatter = (route: string): boolean => route.startsWith('GET /dashboard/');

describe('/openapi.json', () => {
  test('has every route there is, and no other', () => {
    const root = [...routers].find((router) => router.listRoutes().some(({ path }) => path === '/openapi.json'));
    const routes = root === undefined ? [] : routesOf(root).filter((route) => !ownMatter(route));
    const told = Object.entries(state.document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(routes.length).toBeGreaterThan(40);
    expect(new Set(told)).toEqual(new Set([...routes, ...Object.keys(RELAY_KINDS).map((path) => `POST /v1${path}`)]));
  });

  test('is without a mistake', async () => {
    const validator = new Validator();
    expect(await validator.validate({ ...structuredClone(state.document) })).toEqual({ valid: true });
    const operations = operationsOf(state.document);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    // A reference into nothing throws.
    expect(() => validator.resolveRefs()).not.toThrow();
  });

  test.each([
    ['/v1/audio/transcriptions', ['file', 'model', 'language', 'prompt', 'response_format', 'temperature', 'timestamp_granularities[]', 'stream']],
    ['/v1/images/edits', ['image', 'mask', 'model', 'prompt', 'n', 'size', 'response_format']],
  ])('%s: a form made of its fields is taken, and each reaches the provider', async (path, fields) => {
    const properties = formOf(state.document, path);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(fields));
    const form = new FormData();
    for (const [name, { format }] of Object.entries(properties)) form.append(name, format === 'binary' ? new Blob(['bytes']) : name === 'model' ? 'workshop/any' : name === 'stream' ? 'false' : 'words');
    const answer = await fetch(`${state.system.url}${path}`, { method: 'POST', body: form });
    expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
    const received = state.recorder.seen.at(-1)?.body ?? '';
    expect(Object.keys(properties).filter((name) => !received.includes(`name="${name}"`))).toEqual([]);
  });

  test('a client generated from it reaches every route, and gets what is said', async () => {
    const wrong: string[] = [];
    const reached = new Set<string>();
    const fits = judge(state.document);
    const call: Call = async (operationId, status, parameters = null, body, more = {}) => {
      const answer = await (state.client[operationId] as (...rest: readonly unknown[]) => Promise<Answer>)(parameters, body, more);
      if (answer.status === status) reached.add(operationId);
      else wrong.push(`${operationId}: ${answer.status} ${JSON.stringify(answer.data)}`);
      wrong.push(...fits(operationId, answer));
      return answer.data;
    };
    await callAll(call);
    expect(wrong).toEqual([]);
    expect(operationsOf(state.document).map(({ operationId }) => operationId).filter((operationId) => !reached.has(operationId))).toEqual([]);
  });

  test('says of each who may, as the doors do', async () => {
    const wrong: string[] = [];
    await state.system.admin('POST', '/virtual-keys', { name: 'first' });
    for (const [path, methods] of Object.entries(state.document.paths).filter(([found]) => !found.includes('{'))) {
      for (const [method, { security }] of Object.entries(methods)) {
        const { status } = await fetch(`${state.system.url}${path}`, { method: method.toUpperCase(), redirect: 'manual', headers: { 'content-type': 'application/json' }, ...(method !== 'get' && { body: '{}' }) });
        if ((status === 401) !== security.length > 0) wrong.push(`${method} ${path}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

type Properties = Readonly<Record<string, { readonly format?: string }>>;

function formOf({ paths, components }: Document, path: string): Properties {
  const name = paths[path]?.['post']?.requestBody?.content['multipart/form-data']?.schema.$ref.split('/').at(-1) ?? '';
  return (components.schemas as Readonly<Record<string, { readonly properties: Properties }>>)[name]?.properties ?? {};
}

const operationsOf = ({ paths }: Document): readonly Told[] => Object.values(paths).flatMap((methods) => Object.values(methods));

/** Where an answer is another than the document has it: a status or a field it does not know counts, too. */
function judge({ paths, components }: Document): (operationId: string, answer: Answer) => readonly string[] {
  const operations = new Map(operationsOf({ paths, components }).map((operation) => [operation.operationId, operation]));
  const ajv = formats.default(new Ajv2020({ strict: false, allErrors: true }).addSchema({ $id: 'doc', components: closed(components) }));
  return (operationId, { status, headers, data }) => {
    const told = operations.get(operationId)?.responses[status];
    if (told === undefined) return [`${operationId}: ${status} is not told`];
    const { content } = told.$ref === undefined ? told : (components.responses[told.$ref.split('/').at(-1) ?? ''] ?? {});
    if (content === undefined) return data ? [`${operationId}: ${status} has a body`] : [];
    const [type = ''] = (headers['content-type'] ?? '').split(';');
    const medium = content[type] ?? content['*/*'];
    if (medium === undefined) return [`${operationId}: ${type} is not told`];
    const { $ref } = medium.schema;
    if ($ref === undefined) return [];
    const fits = ajv.getSchema(`doc${$ref}`);
    if (fits === undefined) return [`${operationId}: there is no ${$ref}`];
    return fits(data) === true ? [] : (fits.errors ?? []).map(({ instancePath, message, params }) => `${operationId} ${status} ${instancePath}: ${message} ${JSON.stringify(params)}`);
  };
}

/** Clients must expect further fields; here there shall be none. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  return 'properties' in schema && 'type' in schema && schema.type === 'object' && !('additionalProperties' in schema) ? { ...inner, additionalProperties: false } : inner;
}

async function callAll(call: Call): Promise<void> {
  await callData(call);
  await callOperation(call);
  await callKeys(call);
  await callAccounts(call);
  await callVault(call);
}

async function callData(call: Call): Promise<void> {
  const { messages } = hello();
  await call('postV1ChatCompletions', 200, null, hello());
  await call('postV1ChatCompletions', 200, null, { ...hello(), stream: true });
  await call('postV1ChatCompletions', 200, { 'x-tollfree-priority': 3 }, { ...hello(), dry_run: true });
  await call('postV1ChatCompletions', 400, null, { model: 'auto' });
  await call('postV1ChatCompletions', 400, { 'x-tollfree-priority': 10 }, hello());
  await call('postV1ChatCompletions', 404, null, { ...hello(), model: 'nobody/nothing' });
  await call('postV1Completions', 200, null, { model: 'auto', prompt: 'hello' });
  await call('postV1Responses', 200, null, { model: 'auto', input: 'hello' });
  await call('postV1Messages', 200, null, { model: 'auto', max_tokens: 100, messages });
  await call('postV1Messages', 400, null, { model: 'auto', messages });
  await call('postV1MessagesCountTokens', 200, null, { model: 'auto', messages });
  await call('getV1Models', 200);
  await call('getV1ModelsId', 200, 'auto');
  await call('getV1ModelsId', 404, 'nobody');
  await call('getV1Usage', 200, { by: 'day,model', limit: 2 });
  await call('getV1Usage', 400, { by: 'account' });

  const model = 'workshop/any';
  await call('postV1Embeddings', 200, null, { model, input: 'hello' });
  await call('postV1Embeddings', 400, null, { model: 'auto', input: 'hello' });
  await call('postV1AudioSpeech', 200, null, { model, input: 'hello', voice: 'x' });
  for (const name of ['ImagesGenerations', 'ImagesEdits', 'ImagesVariations', 'Moderations']) await call(`postV1${name}`, 200, null, { model, prompt: 'a cat', input: 'hello' });
  await call('postV1Path', 200, 'rerank', { model, query: 'x' });
  for (const name of ['AudioTranscriptions', 'AudioTranslations']) {
    const form = new FormData();
    form.append('model', model);
    form.append('file', new Blob(['sound']), 'sound.wav');
    await call(`postV1${name}`, 200, null, form);
  }
}

async function callOperation(call: Call): Promise<void> {
  for (const name of ['Health', 'HealthLive', 'HealthReady', 'Metrics', 'OpenapiJson']) await call(`get${name}`, 200);
  await call('getDashboard', 308);
  await call('getAdminUsageStats', 200, { by: 'provider,day', since: '4w' });
  await call('getAdminUsageStats', 200, { format: 'csv' });
  await call('getAdminUsageStats', 400, { format: 'xml' });
  await call('getAdminRequests', 200);
  await call('getAdminRequests', 400, { limit: 201 });
  await call('getAdminActivity', 200, { range: 'day' });
  const events = (await call('getAdminEvents', 200, null, undefined, { responseType: 'stream' })) as { readonly destroy: () => void };
  events.destroy();
  await call('postAdminChat', 200, null, hello());
  await call('getAdminProviders', 200);
  await call('postAdminExplain', 200, null, { prompt: 'hello' });
  await call('postAdminExplain', 400, null, { prompt: 7 });
  await call('getAdminCooldowns', 200);
  await call('getAdminBreakers', 200);
  await call('deleteAdminCooldowns', 200);
  await call('getAdminRules', 200);
  await call('postAdminRulesCheck', 200, null, { text: 'routing_rules: 7' });
  const { text, version } = (await call('getAdminRulesSource', 200)) as { text: string; version: string };
  await call('putAdminRulesSource', 200, null, { text, version });
  await call('putAdminRulesSource', 409, null, { text, version: 'another' });
  await call('putAdminRulesSource', 400, null, { text: 'routing_rules: 7', version });
  await call('postAdminRulesCheck', 200, null, { text: 'routing_rules: [{ name: a }]\ndefault_rule: a' });
  await call('postAdminSession', 201, null, { token: ADMIN_TOKEN });
  await call('postAdminSession', 401, null, { token: 'guessed' });
  await call('getAdminSession', 200);
  await call('deleteAdminSession', 204);
}

async function callKeys(call: Call): Promise<void> {
  const terms = { name: 'ci', project: 'web', models: ['auto'], surfaces: ['chat'], limits: { usd_per_day: 0.5 }, user_limits: { requests_per_day: 3 }, priority: 2, expires_at: '2099-01-01T00:00:00Z' };
  const { id } = (await call('postAdminVirtualKeys', 201, null, terms)) as { readonly id: string };
  await call('postAdminVirtualKeys', 400, null, { name: 'a b' });
  await call('postAdminVirtualKeys', 201, null, { name: 'other' });
  const { next } = (await call('getAdminVirtualKeys', 200, { limit: 1 })) as { readonly next: string };
  expect(await call('getAdminVirtualKeys', 200, { limit: 1, after: next })).toMatchObject({ virtual_keys: [{ name: 'other' }] });
  await call('getAdminVirtualKeys', 400, { limit: 0 });
  await call('patchAdminVirtualKeysLimits', 200, null, { all: { usd_per_month: 100 }, projects: { web: { requests_per_minute: 9 }, gone: null } });
  await call('getAdminVirtualKeysLimits', 200);
  await call('patchAdminVirtualKeysLimits', 200, null, { all: null, projects: { web: null } });
  await call('getAdminVirtualKeysId', 200, id);
  await call('getAdminVirtualKeysId', 404, 'key_000000000000');
  await call('patchAdminVirtualKeysId', 200, id, { priority: null });
  await call('postAdminVirtualKeysIdRotate', 200, id);
  await call('deleteAdminVirtualKeysId', 200, id);
}

async function callAccounts(call: Call): Promise<void> {
  await call('getAdminAccounts', 200);
  const { id } = (await call('postAdminAccounts', 201, null, { provider: 'groq', key: 'sim-groq-two', label: 'two' })) as { readonly id: string };
  await call('postAdminAccounts', 400, null, { provider: 'groq' });
  await call('postAdminAccountsIdTest', 200, id);
  await call('patchAdminAccountsId', 200, id, { label: 'second', enabled: false });
  await call('deleteAdminAccountsId', 204, id);
  await call('deleteAdminAccountsId', 404, id);
}

async function callVault(call: Call): Promise<void> {
  await call('postAdminVaultRotate', 200);
  await call('getAdminVault', 200);
  await call('getAdminVaultAudit', 200);
  await call('postAdminVaultUnlock', 400, null, {});
  await call('postAdminVaultUnlock', 403, null, { passphrase: 'x' });
  await call('postAdminVaultLock', 200);
}
