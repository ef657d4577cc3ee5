/** OpenAI's official client where providers differ by what they are asked and answer besides words. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';
import { startRecorder } from './recorder.ts';
import type { Recorded, Recorder, Reply } from './recorder.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures/perplexity', name), 'utf8');
const vectors = (model: string): string => JSON.stringify({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5, 0.25] }], model, usage: { prompt_tokens: 1, total_tokens: 1 } });

const state: { system: System; recorder: Recorder; down: Set<string> } = { system: undefined as never, recorder: undefined as never, down: new Set() };

function answer({ path, body }: Recorded): Reply {
  const [, provider = ''] = path.split('/');
  if (state.down.has(provider)) return { status: 503, type: 'application/json', body: '{"error":{"message":"overloaded"}}' };
  if (provider !== 'perplexity') return { type: 'application/json', body: vectors(provider) };
  return body.includes('"stream":true') ? { type: 'text/event-stream', body: fixture('stream.sse') } : { type: 'application/json', body: fixture('answer.json') };
}

beforeAll(async () => {
  const recorder = await startRecorder(answer);
  const entry = (name: string, model: string, aliases: string, capability: string): string =>
    `  ${name}: { base_url: "${recorder.origin}/${name}", models: [{ name: ${model}, aliases: [${aliases}], capabilities: [${capability}], price: { input: 0, output: 0 } }] }`;
  const providers = ['providers:', entry('north', 'bge-m3-of-north', 'bge-m3', 'embeddings'), entry('south', 'bge-m3-of-south', 'bge-m3', 'embeddings'), entry('other', 'nomic', 'nomic-embed', 'embeddings'), entry('perplexity', 'sonar', '', 'text_generation'), ''].join('\n');
  const system = await startSystem({ providers, accounts: {}, rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n' });
  for (const provider of ['north', 'south', 'other', 'perplexity']) expect((await system.admin('POST', '/accounts', { provider, label: 'one', key: `${provider}-key-1`, check: false })).status).toBe(201);
  Object.assign(state, { system, recorder });
});
beforeEach(() => {
  state.recorder.seen.length = 0;
});
afterEach(async () => {
  state.down.clear();
  await state.system.admin('DELETE', '/cooldowns');
});
afterAll(async () => {
  await state.system.close();
  state.recorder.close();
});

const embed = (model: string) => state.system.client.embeddings.create({ model, input: 'x' });
const askedOf = (): Set<string | undefined> => new Set(state.recorder.seen.filter(({ body }) => body !== '').map(({ path }) => path.split('/')[1]));

describe('embeddings', () => {

  test('fall back to whoever has the same model, under the name it has there', async () => {
    state.down.add('north');
    expect((await embed('bge-m3')).data[0]?.embedding).toEqual([0.5, 0.25]);
    expect((await embed('bge-m3')).model).toBe('south');
    const bodies = state.recorder.seen.filter(({ path }) => path.startsWith('/south')).map(({ body }) => JSON.parse(body) as { model: string });
    expect(new Set(bodies.map(({ model }) => model))).toEqual(new Set(['bge-m3-of-south']));
  });

  test('and to no other: vectors of two models do not mix', async () => {
    state.down.add('north').add('south');
    await expect(embed('bge-m3')).rejects.toMatchObject({ status: 503 });
    expect(askedOf()).toEqual(new Set(['north', 'south']));
  });

  test('one that is named with its provider has nobody to fall back to', async () => {
    state.down.add('north');
    await expect(embed('north/bge-m3-of-north')).rejects.toMatchObject({ status: 503 });
    expect(askedOf()).toEqual(new Set(['north']));
  });

  test.each(['auto', 'auto:general'])('no rule chooses one: %s', async (model) => {
    await expect(embed(model)).rejects.toMatchObject({ status: 400, param: 'model' });
    expect(askedOf().size).toBe(0);
  });
});

describe('perplexity', () => {
  const search: Readonly<Record<string, unknown>> = { search_mode: 'academic', search_domain_filter: ['example.com', '-x.example'], search_recency_filter: 'month', search_after_date_filter: '3/1/2025', return_images: true, return_related_questions: true, web_search_options: { search_context_size: 'low', user_location: { country: 'AT' } } };
  const question = { model: 'perplexity/sonar', messages: [{ role: 'user' as const, content: 'hello' }], ...search };

  test('search parameters go there, citations, results and costs come back', async () => {
    expect(await state.system.client.chat.completions.create(question)).toEqual(JSON.parse(fixture('answer.json')));
    expect(JSON.parse(state.recorder.seen.at(-1)?.body ?? '')).toEqual({ ...question, model: 'sonar', stream: false });
    expect(state.recorder.seen.at(-1)?.path).toBe('/perplexity/chat/completions');
  });

  test('in a stream with every chunk', async () => {
    const stream = await state.system.client.chat.completions.create({ ...question, stream: true });
    const chunks: Record<string, unknown>[] = [];
    for await (const chunk of stream) chunks.push(chunk as unknown as Record<string, unknown>);
    expect(chunks.map((chunk) => chunk['citations'])).toEqual(chunks.map(() => ['https://example.com']));
    expect(chunks.at(-1)?.['usage']).toMatchObject({ total_tokens: 10 });
  });
});
