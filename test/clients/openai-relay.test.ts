/** OpenAI's official client on everything that is no chat. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toFile } from 'openai';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';
import { startRecorder } from './recorder.ts';
import type { Recorded, Recorder, Reply } from './recorder.ts';

const SOUND = Uint8Array.from({ length: 4096 }, (_, index) => index % 256);
const SRT = '1\n00:00:00,000 --> 00:00:01,000\nHallo\n';
const VECTORS = { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25, 2] }], model: 'x', usage: { prompt_tokens: 3, total_tokens: 3 } };

/** As OpenAI's own reference shows them. */
const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures/openai', `${name}.json`), 'utf8').trim();

const json = (value: unknown, status = 200): Reply => ({ status, type: 'application/json', body: JSON.stringify(value) });

function answer({ path, body }: Recorded): Reply {
  switch (path) {
    case '/v1/embeddings': return json(VECTORS);
    case '/v1/audio/transcriptions': return body.includes('\r\nsrt\r\n') ? { type: 'text/plain', body: SRT } : json({ text: 'Grüß Gott', duration: 2.4, x_groq: { id: 'req_1' } });
    case '/v1/audio/speech': return { type: 'audio/mpeg', body: [SOUND.subarray(0, 100), SOUND.subarray(100)] };
    case '/v1/images/generations': return { type: 'application/json', body: fixture('image') };
    case '/v1/moderations': return body.includes('as Mistral') ? json({ id: 'm', model: 'm', results: [{ categories: { pii: true } }] }) : { type: 'application/json', body: fixture('moderation') };
    case '/v1/rerank': return json({ results: [{ index: 0 }] });
    case '/v1/forbidden': return json({ error: { message: 'invalid api key', type: 'authentication_error', code: 'invalid_api_key' } }, 401);
    case '/v1/broken': return json({ error: { message: 'out of order', type: 'server_error' } }, 500);
    default: return json({ error: { message: 'no such path' } }, 404);
  }
}

const state: { system: System; recorder: Recorder } = { system: undefined as never, recorder: undefined as never };
beforeAll(async () => {
  const recorder = await startRecorder(answer);
  const free = 'price: { input: 0, output: 0 }';
  const providers = `
providers:
  openrouter: { base_url: "https://openrouter.ai/api/v1", models: [{ name: "nvidia/nemotron-embed-1b:free", context: 32768, capabilities: [embeddings], ${free} }] }
  workshop:
    base_url: ${recorder.origin}/v1
    omit: [user]
    models:
      - { name: vectors, aliases: [shared], capabilities: [embeddings], ${free} }
      - { name: whisper-large-v3, aliases: [whisper-1], capabilities: [transcription], ${free} }
      - { name: voice, capabilities: [speech], ${free} }
      - { name: painter, capabilities: [image_generation], ${free} }
      - { name: guard, capabilities: [moderation], ${free} }
`;
  const system = await startSystem({ providers, accounts: { openrouter: ['one'] }, rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n' });
  const added = await system.admin('POST', '/accounts', { provider: 'workshop', label: 'bench', key: 'workshop-key-1', check: false });
  expect(added.status).toBe(201);
  Object.assign(state, { system, recorder });
});
beforeEach(() => {
  state.recorder.seen.length = 0;
  state.system.simulators.clearCalls();
});
afterAll(async () => {
  await state.system.close();
  state.recorder.close();
});

describe('embeddings', () => {
  test('as the client asks by itself, in base64', async () => {
    const { data, usage } = await state.system.client.embeddings.create({ model: 'openrouter/nvidia/nemotron-embed-1b:free', input: ['one', 'two'], dimensions: 16 });
    expect(data).toHaveLength(2);
    expect(data[0]?.embedding).toHaveLength(16);
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
    expect(usage.prompt_tokens).toBeGreaterThan(0);
    expect(state.system.simulators.calls({ provider: 'openrouter' }).at(-1)).toMatchObject({ path: '/embeddings', body: { model: 'nvidia/nemotron-embed-1b:free', input: ['one', 'two'], dimensions: 16, encoding_format: 'base64' } });
  });

  test('a provider that ignores the format is put right', async () => {
    const decoded = await state.system.client.embeddings.create({ model: 'shared', input: 'x' });
    expect(decoded.data[0]?.embedding).toEqual([0.5, -0.25, 2]);
    const floats = await state.system.client.embeddings.create({ model: 'shared', input: 'x', encoding_format: 'float' });
    expect(floats.data[0]?.embedding).toEqual([0.5, -0.25, 2]);
    expect(state.recorder.seen.map(({ path, headers, body }) => [path, headers.authorization, JSON.parse(body) as unknown])).toEqual([
      ['/v1/embeddings', 'Bearer workshop-key-1', { model: 'vectors', input: 'x', encoding_format: 'base64' }],
      ['/v1/embeddings', 'Bearer workshop-key-1', { model: 'vectors', input: 'x', encoding_format: 'float' }],
    ]);
  });

  test('no rule chooses between models whose vectors do not mix', async () => {
    await expect(state.system.client.embeddings.create({ model: 'auto', input: 'x' })).rejects.toMatchObject({ status: 400, param: 'model' });
    await expect(state.system.client.embeddings.create({ model: 'whisper-1', input: 'x' })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('embeddings') });
  });
});

describe('audio', () => {
  test('a recording goes through byte by byte, under the name its provider knows the model by', async () => {
    const file = await toFile(SOUND, 'hello.wav');
    const asked = { model: 'whisper-1', file, language: 'de', user: 'me' };
    const { data, response } = await state.system.client.audio.transcriptions.create(asked).withResponse();
    expect(data.text).toBe('Grüß Gott');
    expect(response.headers.has('x-tollfree-dropped')).toBe(false);
    const [call] = state.recorder.seen;
    expect(call?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(call?.body).toContain('name="model"\r\n\r\nwhisper-large-v3\r\n');
    expect(call?.body).toContain('name="language"\r\n\r\nde\r\n');
    expect(call?.body).toContain('name="user"\r\n\r\nme\r\n');
    expect(call?.body).toContain(Buffer.from(SOUND).toString('latin1'));
    const metrics = await (await fetch(`${state.system.url}/metrics`)).text();
    expect(metrics).toContain('tollfree_audio_seconds_total{provider="workshop",model="whisper-large-v3"} 3');
  });

  test('answers that are no JSON arrive as they are', async () => {
    const file = await toFile(SOUND, 'hello.wav');
    expect(await state.system.client.audio.transcriptions.create({ model: 'auto', file, response_format: 'srt' })).toBe(SRT);
  });

  test('speech: the bytes, their type, and who spoke', async () => {
    const response = await state.system.client.audio.speech.create({ model: 'auto', voice: 'alloy', input: 'hello' });
    expect(response.headers.get('content-type')).toBe('audio/mpeg');
    expect(response.headers.get('x-tollfree-provider')).toBe('workshop');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(SOUND);
  });
});

describe('the others', () => {
  test('images and moderations find their model, and come back as they were written', async () => {
    const { data: image, response } = await state.system.client.images.generate({ prompt: 'a house', n: 2, size: '1024x1024', user: 'me' }).withResponse();
    expect(image).toEqual(JSON.parse(fixture('image')));
    expect(response.headers.get('x-tollfree-dropped')).toBe('user');
    const { data: moderation } = await state.system.client.moderations.create({ input: [{ type: 'text', text: 'hello' }] }).withResponse();
    expect(moderation).toEqual(JSON.parse(fixture('moderation')));
    expect((await state.system.client.moderations.create({ model: 'guard', input: 'as Mistral answers' })).results[0]?.flagged).toBe(true);
    expect(state.recorder.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { model: 'painter', prompt: 'a house', n: 2, size: '1024x1024' },
      { model: 'guard', input: [{ type: 'text', text: 'hello' }] },
      { model: 'guard', input: 'as Mistral answers' },
    ]);
  });

  test('what nobody here knows goes to the provider the model names', async () => {
    expect(await state.system.client.post('/rerank', { body: { model: 'workshop/guard', query: 'q', documents: ['d'] } })).toEqual({ results: [{ index: 0 }] });
    expect(JSON.parse(state.recorder.seen[0]?.body ?? '')).toEqual({ model: 'guard', query: 'q', documents: ['d'] });
    await expect(state.system.client.post('/rerank', { body: { model: 'guard', query: 'q' } })).rejects.toMatchObject({ status: 400, param: 'model' });
    await expect(state.system.client.post('/rerank', { body: { query: 'q' } })).rejects.toMatchObject({ status: 400, param: 'model' });
  });

  test('failures are told in the usual envelope', async () => {
    await expect(state.system.client.post('/broken', { body: { model: 'workshop/voice' } })).rejects.toMatchObject({ status: 503, code: 'no_provider_available' });
  });

  test('a path that is not there says nothing about the model or the key', async () => {
    await expect(state.system.client.post('/nowhere', { body: { model: 'workshop/guard' } })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('no such path') });
    await expect(state.system.client.post('/forbidden', { body: { model: 'workshop/guard' } })).rejects.toMatchObject({ status: 400 });
    expect((await state.system.client.moderations.create({ model: 'guard', input: 'hello' })).results).toHaveLength(1);
  });

  test('no path leads out of the provider', async () => {
    for (const [path, status] of [['/v1/..%2f..%2fadmin', 404], ['/v1//evil.example/x', 404], ['/v1/%2e%2e/x', 404], ['/v1/a/../../x', 404], ['/v1/x?y', 400]]) {
      const response = await fetch(`${state.system.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'workshop/painter' }) });
      expect([path, response.status]).toEqual([path, status]);
    }
    for (const { path } of state.recorder.seen) expect(path).toBe('/v1/x');
  });
});
