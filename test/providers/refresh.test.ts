/** Lists of models in every provider's shape, merged into what we know; keys checked at no cost. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { FailureError } from '../../src/failure.ts';
import { createInquiry } from '../../src/providers/inquire.ts';
import { mergeModelList } from '../../src/providers/refresh.ts';
import { harness, KEY, model, provider, serve } from './support.ts';
import type { Listener } from './support.ts';

const NOW = Date.parse('2026-10-02T12:00:00Z');
const free = { prompt: '0', completion: '0', request: '0' };
const entry = (id: string, changes: Readonly<Record<string, unknown>> = {}): unknown => ({ id, context_length: 1_000_000, top_provider: { context_length: 262_144, max_completion_tokens: 4096 }, pricing: free, architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] }, supported_parameters: ['tools', 'response_format', 'structured_outputs', 'reasoning'], expiration_date: null, ...changes });

describe('a list of OpenRouter\'s', () => {
  const known = model({ name: 'a/known:free', context: 100, capabilities: ['text_generation', 'code_generation'] });
  const before = provider({ name: 'openrouter', models: [known, model({ name: 'a/vanished:free' }), model({ name: 'a/embedder', capabilities: ['embeddings'] })] });
  const merged = mergeModelList(before, { data: [entry('a/known:free'), entry('b/new:free'), entry('b/paid', { pricing: { prompt: '0.00003', completion: '0.00006' } }), entry('b/unpriced', { pricing: {} }), entry('b/auto', { pricing: { prompt: '-1', completion: '-1' } }), entry('b/gone:free', { expiration_date: '2026-10-01' }), entry('b/fee', { pricing: { ...free, request: '0.01' } })] }, NOW);

  test('known models keep our data and gain what they are said to do, vanished chat models leave, new ones come when they are free', () => {
    expect(merged.models.map(({ name }) => name)).toEqual(['a/known:free', 'a/embedder', 'b/new:free']);
    expect(merged.models[0]).toMatchObject({ context: 100, maxOutput: 4096, capabilities: ['text_generation', 'code_generation', 'vision', 'tools', 'json', 'json_schema', 'reasoning'] });
    const silent = { architecture: {}, supported_parameters: ['stop'] };
    expect(mergeModelList(before, { data: [entry('a/known:free', silent)] }, NOW).models[0]?.capabilities).toEqual(known.capabilities);
  });

  test('a new model has the smaller context and what it says it can', () => {
    expect(merged.models.at(-1)).toEqual({ name: 'b/new:free', aliases: [], context: 262_144, maxOutput: 4096, capabilities: ['text_generation', 'vision', 'tools', 'json', 'json_schema', 'reasoning'], limits: { windows: [] }, price: { input: 0, output: 0 } });
  });

  test('a model that became paid is free no longer', () => {
    const paid = mergeModelList(before, { data: [entry('a/known:free', { pricing: { prompt: '0.000001', completion: '0.000002' } })] }, NOW);
    expect(paid.models[0]?.price).toEqual({ input: 1, output: 2 });
  });

  test('what is given away is worth what it is sold for, unless we say otherwise; without a price that is unknown', () => {
    const price = { input: 0, output: 0 };
    const names = ['a/sold', 'a/ours', 'a/given', 'a/unpriced', 'a/routed', 'a/fee', 'a/alone'];
    const free = names.map((name) => model({ name: `${name}:free`, price: { ...price, ...(name === 'a/ours' && { listInput: 7, listOutput: 8 }) } }));
    const sold: Readonly<Record<string, object>> = {
      'a/sold': { prompt: '0.0000006', completion: '0.0000022' }, 'a/ours': { prompt: '0.000001', completion: '0.000002' }, 'a/given': { prompt: '0', completion: '0' },
      'a/unpriced': {}, 'a/routed': { prompt: '-1', completion: '-1' }, 'a/fee': { prompt: '0.000001', completion: '0.000001', request: '0.01' }, 'b/new': { prompt: '0.00000001', completion: '0' },
    };
    const list = [...names, 'b/new'].map((name) => entry(`${name}:free`)).concat(Object.entries(sold).map(([name, pricing]) => entry(name, { pricing })));
    const priced = mergeModelList(provider({ models: free }), { data: list }, NOW).models.map(({ name, price }) => [name, price]);
    expect(Object.fromEntries(priced)).toEqual({
      'a/sold:free': { ...price, listInput: 0.6, listOutput: 2.2 }, 'a/ours:free': { ...price, listInput: 7, listOutput: 8 }, 'a/given:free': price, 'a/unpriced:free': price,
      'a/routed:free': price, 'a/fee:free': price, 'a/alone:free': price, 'b/new:free': { ...price, listInput: 0.01, listOutput: 0 },
      // Found free, and sold for nothing.
      'a/given': price,
    });
  });

  test('the snapshot before stays as it was', () => {
    expect(before.models).toHaveLength(3);
  });
});

describe('other lists', () => {
  test('on one\'s own machine models cost nothing, as its entry says', () => {
    const own = provider({ baseUrl: 'http://localhost:11434/v1', models: [], modelPrice: { input: 0, output: 0 } });
    expect(mergeModelList(own, { data: [{ id: 'llama3.2:latest' }] }, NOW).models).toMatchObject([{ name: 'llama3.2:latest', price: { input: 0, output: 0 } }]);
    expect(mergeModelList({ ...provider({ models: [] }), baseUrl: own.baseUrl }, { data: [{ id: 'llama3.2:latest' }] }, NOW).models).toEqual([]);
  });

  test('what makes vectors is known by what it gives, by its kind, or by its name', () => {
    const own = provider({ models: [], modelPrice: { input: 0, output: 0 } });
    const list = { data: [{ id: 'nomic-embed-text:latest' }, { id: 'bge-m3' }, { id: 'e5', type: 'embedding' }, { id: 'x', output_modalities: ['embeddings'] }, { id: 'embedded-chat', output_modalities: ['text'] }, { id: 'llama3.2' }] };
    expect(mergeModelList(own, list, NOW).models.map(({ capabilities }) => capabilities)).toEqual([['embeddings'], ['embeddings'], ['embeddings'], ['embeddings'], ['text_generation'], ['text_generation']]);
  });

  test.each([
    ['Groq', { object: 'list', data: [{ id: 'vendor/model', active: true, context_window: 131_072, max_completion_tokens: 65_536 }, { id: 'new', active: true, context_window: 1 }] }, 131_072],
    ['a bare array', [{ id: 'vendor/model', context_length: 8192, pricing: { input: 0.2, output: 0.2 } }], 8192],
    ['Gemini', { data: [{ id: 'models/vendor/model', object: 'model' }] }, undefined],
    ['Mistral', { data: [{ id: 'vendor/model', max_context_length: 32_768, deprecation: null }] }, 32_768],
    ['Cerebras', { data: [{ id: 'vendor/model', created: 0, limits: { max_context_length: 65_536 } }] }, 65_536],
    ['Cohere', { models: [{ name: 'vendor/model', context_length: 256_000, endpoints: ['chat'], is_deprecated: false }] }, 256_000],
    ['Cloudflare', { result: [{ name: 'vendor/model' }], success: true }, undefined],
  ])('%s', (_name, list, context) => {
    const { models } = mergeModelList(provider(), list, NOW);
    expect(models.map(({ name }) => name)).toEqual(['vendor/model']);
    expect(models[0]?.context).toBe(context);
    expect(models[0]?.price).toEqual({ input: 0, output: 0 });
  });

  test('inactive, deprecated: gone', () => {
    const two = provider({ models: [model(), model({ name: 'other' })] });
    expect(mergeModelList(two, { data: [{ id: 'vendor/model', active: false }, { id: 'other' }] }, NOW).models.map(({ name }) => name)).toEqual(['other']);
  });

  test.each([['nothing', { data: [] }], ['no list', 'oops'], ['an error', { error: { message: 'no' } }], ['a list of other things', { data: [{ id: 'x' }, { id: 'y' }] }], ['null', null]])('%s changes nothing', (_name, list) => {
    const before = provider();
    expect(mergeModelList(before, list, NOW)).toBe(before);
  });
});

describe('asked over the wire', () => {
  const cleanup: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(cleanup.splice(0).map((end) => end()));
  });

  async function inquiry(listener: Listener) {
    const { http, close } = harness();
    const { origin, stop } = await serve(listener);
    cleanup.push(close, stop);
    return { ask: createInquiry({ http, now: () => NOW }), here: provider({ name: 'openrouter', title: 'OpenRouter', baseUrl: `${origin}/v1`, keyCheckPath: '/key' }) };
  }

  test('a list, with the key or without', async () => {
    const { ask, here } = await inquiry(({ url, headers }, response) => response.end(JSON.stringify({ data: [{ id: url, owned_by: headers.authorization ?? 'nobody' }] })));
    expect(await ask.listModels(here)).toEqual({ data: [{ id: '/v1/models', owned_by: 'nobody' }] });
    expect(await ask.listModels(here, KEY)).toEqual({ data: [{ id: '/v1/models', owned_by: 'Bearer [key]' }] });
  });

  test('the key travels where the provider\'s dialect carries it', async () => {
    const seen: unknown[] = [];
    const { ask, here } = await inquiry((incoming, response) => {
      seen.push(incoming.headers['x-api-key'], incoming.headers.authorization);
      response.end('{"data":[]}');
    });
    await ask.listModels({ ...here, dialect: 'anthropic' }, KEY);
    expect(seen).toEqual([KEY, undefined]);
  });

  test('a good key tells its tier and what is left of the day', async () => {
    const { ask, here } = await inquiry((_request, response) => response.end('{"data":{"label":"sk-or-v1-au7...890","is_free_tier":true,"free_model_daily_requests":{"limit":50,"remaining":-2,"used":52}}}'));
    expect(await ask.checkKey(here, KEY)).toEqual({
      ok: true, tier: 'free tier', message: 'OpenRouter accepts the key: 50 free requests a day, 0 left',
      facts: [{ unit: 'requests', seconds: 86_400, scope: 'pool', limit: 50, remaining: 0, resetAt: Date.parse('2026-10-03T00:00:00Z'), source: 'endpoint' }],
    });
  });

  test('a bad key is no', async () => {
    const { ask, here } = await inquiry((_request, response) => response.writeHead(401).end('{"error":{"message":"User not found.","code":401}}'));
    expect(await ask.checkKey(here, KEY)).toMatchObject({ ok: false, message: 'openrouter answered 401: User not found.' });
  });

  test('an outage is not a bad key', async () => {
    const { ask, here } = await inquiry((_request, response) => response.writeHead(503).end('{"error":{"message":"down"}}'));
    await expect(ask.checkKey(here, KEY)).rejects.toThrow(FailureError);
  });
});
