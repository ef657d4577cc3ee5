import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, request as ask, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDoor, mayStart, type Door, type DoorOptions } from '../../src/http/door.ts';
import type { Admission } from '../../src/keys/admission.ts';
import type { Keys } from '../../src/keys/keys.ts';
import { createEstimateListUsd } from '../../src/keys/list-price.ts';
import type { Catalogue, ChatRequest, RequestSummary } from '../../src/types.ts';
import { createWorld, DAY, NOON, refusalOf, type World } from '../keys/support.ts';

const price = (listInput: number, listOutput: number) => ({ name: 'm', aliases: ['same'], capabilities: [], limits: { windows: [] }, price: { input: 0, output: 0, listInput, listOutput } });
const provider = (name: string, model: ReturnType<typeof price>) => ({ name, title: name, status: 'active' as const, baseUrl: '', dialect: 'openai', priority: 1, quotaScope: 'account' as const, limits: { windows: [] }, omit: [], rename: {}, headers: {}, models: [model] });
const catalogue: Catalogue = { providers: new Map([['a', provider('a', price(1, 2))], ['b', provider('b', { ...price(10, 1), aliases: ['other'] })]]) };

const estimateListUsd = createEstimateListUsd(() => catalogue);

/** What a client's headers become on a real socket. */
async function received(headers: Readonly<Record<string, string | string[]>>): Promise<IncomingMessage> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const arrived = new Promise<IncomingMessage>((resolve) => server.on('request', (incoming, response) => {
    response.end();
    resolve(incoming);
  }));
  ask({ port, headers: { ...headers, connection: 'close' } }).on('error', () => undefined).end();
  const incoming = await arrived;
  server.close();
  return incoming;
}

const asked = (changes: Partial<ChatRequest> = {}): ChatRequest => ({
  id: 'req_1', surface: 'chat', model: 'auto', stream: false, body: {}, text: { last: '', earlier: [], system: '' }, needs: [], promptTokens: 100,
  caller: { key: 'local', project: 'local' }, receivedAt: NOON, deadline: NOON, priority: 5, ...changes,
});
const summary = (changes: Partial<RequestSummary>): RequestSummary => ({ status: 200, words: [], attempts: [], queueMs: 0, totalMs: 1, overheadMs: 1, ...changes });

let world: World;
let keys: Keys;
let admission: Admission;
beforeEach(async () => {
  world = createWorld();
  keys = await world.openKeys();
  admission = world.openAdmission(keys);
});
afterEach(() => {
  admission.close();
  world.remove();
});

const doorWith = (options: Partial<DoorOptions> = {}): Door => createDoor({ keys, admission, estimateListUsd, now: () => world.clock.now, mode: 'auto', loopback: true, ...options });

describe('who comes in', () => {
  test('anyone, with any key or none, until the first key exists and only on this machine', async () => {
    const visitors = [{}, { authorization: 'Bearer any' }, { 'x-api-key': 'sk-something' }, { authorization: 'Basic eDp5' }];
    for (const headers of visitors) expect(doorWith().identify(await received(headers))).toEqual({ key: 'local', project: 'local' });
    for (const headers of visitors) {
      const request = await received(headers);
      expect(refusalOf(() => doorWith({ loopback: false }).identify(request))).toMatchObject({ kind: 'unauthorized' });
    }
    await keys.create({ name: 'ci' });
    for (const headers of visitors) {
      const request = await received(headers);
      for (const options of [{}, { loopback: false }, { mode: 'required' }] as const) expect(refusalOf(() => doorWith(options).identify(request))).toMatchObject({ kind: 'unauthorized' });
      expect(doorWith({ mode: 'open' }).identify(request)).toEqual({ key: 'local', project: 'local' });
      expect(refusalOf(() => doorWith({ mode: 'open', loopback: false }).identify(request))).toMatchObject({ kind: 'unauthorized' });
    }
  });

  test('a door that was closed once stays closed when its last key is revoked', async () => {
    const { key } = await keys.create({ name: 'ci' });
    await keys.revoke(key.id);
    const request = await received({});
    expect(refusalOf(() => doorWith().identify(request))).toMatchObject({ kind: 'unauthorized' });
  });

  test('whoever has a key, by either header or both, is that key', async () => {
    const { key, secret } = await keys.create({ name: 'ci', project: 'web', priority: 4 });
    const caller = { key: 'ci', project: 'web', id: key.id, priority: 4 };
    for (const headers of [{ authorization: `Bearer ${secret}` }, { authorization: `bearer  ${secret} ` }, { 'x-api-key': secret }, { 'x-api-key': secret, authorization: `Bearer ${secret}` }]) {
      const request = await received(headers);
      for (const mode of ['auto', 'required', 'open'] as const) expect(doorWith({ mode }).identify(request)).toEqual(caller);
    }
  });

  test('each mistake is told in its own words, and no secret with it', async () => {
    const { secret } = await keys.create({ name: 'ci' });
    const old = await keys.create({ name: 'old' });
    await keys.revoke(old.key.id);
    const short = await keys.create({ name: 'short', expires_at: new Date(NOON + DAY).toISOString() });
    world.clock.now = NOON + DAY;
    const unknown = `tf-${'A'.repeat(43)}`;
    const mistakes: readonly (readonly [Readonly<Record<string, string | string[]>>, string])[] = [
      [{}, 'this server needs a virtual key; send it as `Authorization: Bearer tf-…` or `x-api-key`, and `tollfree keys create NAME` makes one'],
      [{ authorization: 'Basic eDp5' }, 'the Authorization header holds no bearer'],
      [{ authorization: `Bearer ${secret} ${secret}` }, 'the Authorization header holds no bearer'],
      [{ authorization: 'Bearer sk-proj-1' }, 'that is no key of this server: they begin with tf- and have 46 characters'],
      [{ authorization: `Bearer ${secret.slice(0, -1)}` }, 'that is no key of this server'],
      [{ authorization: `Bearer ${unknown}` }, 'this server does not know that key'],
      [{ authorization: [`Bearer ${secret}`, `Bearer ${unknown}`] }, 'two different keys were sent'],
      [{ authorization: `Bearer ${secret}`, 'x-api-key': unknown }, 'two different keys were sent'],
      [{ authorization: 'Basic eDp5', 'x-api-key': secret }, 'two different keys were sent'],
      [{ 'x-api-key': old.secret }, 'the key "old" was revoked'],
      [{ 'x-api-key': short.secret }, 'the key "short" expired at 2026-11-21T12:00:00.000Z'],
    ];
    for (const [headers, words] of mistakes) {
      const request = await received(headers);
      const refused = refusalOf(() => doorWith().identify(request));
      expect(refused).toMatchObject({ kind: 'unauthorized', message: expect.stringContaining(words) });
      expect(JSON.stringify(refused)).not.toMatch(/[\w-]{30}/);
    }
  });

  test('a server that anybody could use does not start', () => {
    const table = (['auto', 'required', 'open'] as const).map((mode) => [true, false].map((loopback) => [true, false].map((keysExist) => mayStart({ mode, loopback, keysExist }) === undefined)));
    expect(table).toEqual([[[true, true], [true, false]], [[true, true], [true, true]], [[true, true], [false, false]]]);
    expect(mayStart({ mode: 'auto', loopback: false, keysExist: false })).toContain('tollfree keys create NAME');
  });
});

const scopeOf = async (shown: string) => doorWith().scopeOf(await received({ 'x-api-key': shown }));

describe('what they may ask for', () => {
  test('models and surfaces of the key', async () => {
    const { key } = await keys.create({ name: 'ci', models: ['auto', 'groq/*'], surfaces: ['chat'] });
    const caller = { key: 'ci', project: 'default', id: key.id };
    const ask = (changes: Partial<ChatRequest>): unknown => refusalOf(() => doorWith().admit(asked({ caller, ...changes })));
    expect([ask({}), ask({ model: 'groq/openai/gpt-oss-120b' })]).toEqual([undefined, undefined]);
    expect(ask({ model: 'auto:code' })).toEqual({ kind: 'forbidden', message: 'the key "ci" may not ask for "auto:code", only for auto, groq/*' });
    expect(ask({ surface: 'embeddings' })).toEqual({ kind: 'forbidden', message: 'the key "ci" may not use embeddings, only chat' });
    expect(admission.usedBy(key)).toHaveProperty('requests_total', 2);
  });

  test('and are told of no other model', async () => {
    const { secret } = await keys.create({ name: 'ci', models: ['auto', 'groq/*'] });
    const { secret: free } = await keys.create({ name: 'free' });
    const [narrow, wide] = [await scopeOf(secret), await scopeOf(free)];
    expect(['auto', 'auto:code', 'groq/gpt', 'cerebras/gpt'].map((model) => [narrow(model), wide(model)])).toEqual([[true, true], [false, true], [true, true], [false, true]]);
    await expect(scopeOf('tf-nobody')).rejects.toThrow('no key of this server');
  });

  test('takes the prompt and the longest answer at the dearest list price it could have, and settles by what was told', async () => {
    const { key } = await keys.create({ name: 'ci' });
    const caller = { key: 'ci', project: 'default', id: key.id };
    const door = doorWith();
    const used = () => {
      const { requests_total: requests, tokens_total: tokens, usd_total: usd } = admission.usedBy(key);
      return { requests, tokens, usd };
    };
    const finish = (changes: Partial<RequestSummary>): void => door.listen({ type: 'request-finished', request: asked({ caller }), summary: summary(changes) });

    door.admit(asked({ caller, maxOutput: 50, body: { n: 2 } }));
    expect(used()).toEqual({ requests: 1, tokens: 200, usd: (100 * 10 + 100 * 2) / 1e6 });
    finish({ usage: { input: 90, output: 10 }, costUsd: 0.000_01, savedUsd: 0.000_1 });
    finish({ usage: { input: 9_000, output: 10 } });
    expect(used()).toEqual({ requests: 1, tokens: 100, usd: 0.000_11 });

    door.admit(asked({ caller }));
    finish({ status: 429, failure: 'exhausted' });
    expect(used()).toEqual({ requests: 1, tokens: 100, usd: 0.000_11 });

    door.admit(asked({ caller, model: 'a/m', maxOutput: 100 }));
    finish({ status: 499, failure: 'cancelled', firstContentMs: 3 });
    expect(used()).toEqual({ requests: 2, tokens: 300, usd: 0.000_41 });
  });

  test('an alias is estimated at its own dearest, an unknown name at everybody\'s', () => {
    const tokens = { input: 1e6, output: 1e6 };
    expect(['m', 'same', 'A/SAME', 'b/other', 'auto'].map((model) => estimateListUsd(model, tokens))).toEqual([12, 3, 3, 11, 12]);
  });
});
