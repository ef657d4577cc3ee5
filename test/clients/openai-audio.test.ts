/** OpenAI's official client on sound, against the daemon with a simulated Groq and a second provider that has what Groq has not. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { toFile } from 'openai';
import { m4a, wav } from '../support/sound.ts';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';
import { startRecorder } from './recorder.ts';
import type { Recorded, Recorder, Reply } from './recorder.ts';

const SRT = '1\n00:00:00,000 --> 00:00:07,000\nGrüß Gott\n\n';
const VTT = 'WEBVTT\n\n00:00:00.000 --> 00:00:07.000\nGrüß Gott\n\n';
const MP3 = Buffer.from('ID3\x04 not really sung', 'latin1');

/** OpenAI's Whisper: every format, subtitles as plain text. */
function answer({ path, body }: Recorded): Reply {
  if (path === '/v1/audio/speech') return { type: 'audio/mpeg', body: [MP3.subarray(0, 5), MP3.subarray(5)] };
  const format = /name="response_format"\r\n\r\n(\w+)/.exec(body)?.[1] ?? 'json';
  if (format === 'srt' || format === 'vtt') return { type: 'text/plain; charset=utf-8', body: format === 'srt' ? SRT : VTT };
  return { status: 500, type: 'application/json', body: '{"error":{"message":"was not expected here"}}' };
}

const state: { system: System; recorder: Recorder } = { system: undefined as never, recorder: undefined as never };
beforeAll(async () => {
  const recorder = await startRecorder(answer);
  const free = 'price: { input: 0, output: 0 }';
  const hour = 'rate_limit: { audio_seconds_per_hour: 7200, audio_seconds_per_day: 28800 }';
  const providers = `
providers:
  groq:
    base_url: https://api.groq.com/openai/v1
    priority: 1
    quota_scope: organization
    models_share_quota: false
    reset: { audio_seconds_per_hour: { kind: refill } }
    models:
      - { name: whisper-large-v3-turbo, aliases: [whisper-1], capabilities: [transcription], ${hour}, ${free} }
      - { name: canopylabs/orpheus-v1-english, capabilities: [speech], ${free} }
  studio:
    base_url: ${recorder.origin}/v1
    priority: 2
    models:
      - { name: whisper, aliases: [whisper-1], capabilities: [transcription], ${free} }
      - { name: tts, capabilities: [speech], ${free} }
`;
  const system = await startSystem({ providers, accounts: { groq: ['one', 'two'] }, rules: 'routing_rules: [{ name: general }]\ndefault_rule: general\n' });
  expect((await system.admin('POST', '/accounts', { provider: 'studio', label: 'desk', key: 'studio-key-1', check: false })).status).toBe(201);
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

const file = (seconds: number) => toFile(wav(seconds), 'hello.wav', { type: 'audio/wav' });

/** Seconds of sound counted at Groq, by account and length of the window. */
async function counted(): Promise<Record<string, number>> {
  const { accounts } = (await (await state.system.admin('GET', '/accounts')).json()) as { accounts: { provider: string; label: string; windows: { unit: string; seconds: number; used: number }[] }[] };
  const windows = accounts.filter(({ provider }) => provider === 'groq').flatMap(({ label, windows: all }) => all.filter(({ unit }) => unit === 'audio_seconds').map(({ seconds, used }) => [`${label}/${seconds}`, Math.round(used)] as const));
  return Object.fromEntries(windows);
}

const total = (seconds: Readonly<Record<string, number>>, window: number): number => Object.entries(seconds).filter(([name]) => name.endsWith(`/${window}`)).reduce((sum, [, used]) => sum + used, 0);

describe('transcription', () => {
  test('json, text and verbose_json come as Groq says them', async () => {
    const { transcriptions } = state.system.client.audio;
    const { data: json, response } = await transcriptions.create({ model: 'whisper-1', file: await file(3), language: 'de' }).withResponse();
    expect(response.headers.get('x-tollfree-provider')).toBe('groq');
    expect(json).toEqual({ text: expect.any(String), x_groq: { id: expect.any(String) } });
    expect(await transcriptions.create({ model: 'auto', file: await file(3), response_format: 'text' })).toBe(json.text);
    const verbose = await transcriptions.create({ model: 'whisper-1', file: await file(3), response_format: 'verbose_json', timestamp_granularities: ['word'] });
    expect(verbose).toMatchObject({ task: 'transcribe', text: json.text, duration: 3, segments: [{ start: 0, end: 3 }] });
    expect(verbose.words?.length).toBeGreaterThan(3);
    const sha256 = createHash('sha256').update(wav(3)).digest('hex');
    const calls = state.system.simulators.calls({ path: '/audio/transcriptions' });
    expect(calls.map(({ body }) => body)).toEqual([
      { model: 'whisper-large-v3-turbo', language: 'de', file: { name: 'hello.wav', type: 'audio/wav', bytes: wav(3).length, sha256 } },
      { model: 'whisper-large-v3-turbo', response_format: 'text', file: expect.objectContaining({ sha256 }) },
      { model: 'whisper-large-v3-turbo', response_format: 'verbose_json', 'timestamp_granularities[]': 'word', file: expect.objectContaining({ sha256 }) },
    ]);
  });

  test('as events, also of a model that does not stream', async () => {
    const events: object[] = [];
    for await (const event of await state.system.client.audio.transcriptions.create({ model: 'groq/whisper-large-v3-turbo', file: await file(3), stream: true })) events.push(event);
    const [{ delta: text } = { delta: '' }] = events as { delta: string }[];
    expect(text).toMatch(/\S/);
    expect(events).toEqual([{ type: 'transcript.text.delta', delta: text }, { type: 'transcript.text.done', text, x_groq: { id: expect.any(String) } }]);
  });

  test('translation', async () => {
    expect(await state.system.client.audio.translations.create({ model: 'whisper-1', file: await file(2), response_format: 'verbose_json' })).toMatchObject({ task: 'translate', duration: 2 });
  });

  test.each([['srt', SRT], ['vtt', VTT]] as const)('%s goes to whoever has it, after Groq has said it has not', async (format, subtitles) => {
    const { data, response } = await state.system.client.audio.transcriptions.create({ model: 'whisper-1', file: await file(7), response_format: format }).withResponse();
    expect(data).toBe(subtitles);
    expect(response.headers.get('x-tollfree-provider')).toBe('studio');
    expect(state.system.simulators.calls().map(({ status }) => status)).toEqual([400]);
    expect(state.recorder.seen[0]?.body).toContain('name="model"\r\n\r\nwhisper\r\n');
  });

  test('where nobody has it, the client is told what Groq takes', async () => {
    await expect(state.system.client.audio.transcriptions.create({ model: 'groq/whisper-large-v3-turbo', file: await file(1), response_format: 'vtt' })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('response_format must be one of') });
  });

  test('is counted in seconds: as the recording says, then as the answer does', async () => {
    const before = await counted();
    await state.system.client.audio.transcriptions.create({ model: 'groq/whisper-large-v3-turbo', file: await file(40) });
    const after = await counted();
    expect(total(after, 86_400) - total(before, 86_400)).toBe(40);
    // What lies elsewhere may have any length: a minute is held free for it. The answer says it was half of one.
    const form = new FormData();
    for (const [name, value] of [['model', 'groq/whisper-large-v3-turbo'], ['url', 'https://example.com/hello.mp3'], ['response_format', 'verbose_json']] as const) form.set(name, value);
    expect(await (await fetch(`${state.system.url}/v1/audio/transcriptions`, { method: 'POST', body: form })).json()).toMatchObject({ duration: 30 });
    expect(total(await counted(), 86_400) - total(after, 86_400)).toBe(30);
  });

  test('an account whose hour is full is passed over before anything is sent', async () => {
    state.system.simulators.setLimits({ groq: { rate_limit: { audio_seconds_per_hour: 7200 }, reset: { audio_seconds_per_hour: { kind: 'refill' } } } });
    const listen = async () => (await state.system.client.audio.transcriptions.create({ model: 'groq/whisper-large-v3-turbo', file: await toFile(m4a(6_000), 'long.m4a') }).withResponse()).response.headers.get('x-tollfree-account');
    expect(new Set([await listen(), await listen()])).toEqual(new Set(['one', 'two']));
    await expect(listen()).rejects.toMatchObject({ status: 429 });
    expect(state.system.simulators.calls().map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('speech', () => {
  test('Groq speaks WAV, in its voices', async () => {
    const response = await state.system.client.audio.speech.create({ model: 'auto', voice: 'hannah', input: 'hello', response_format: 'wav' });
    expect([response.headers.get('content-type'), response.headers.get('x-tollfree-provider')]).toEqual(['audio/wav', 'groq']);
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1', 0, 4)).toBe('RIFF');
    expect(state.system.simulators.calls()[0]).toMatchObject({ body: { model: 'canopylabs/orpheus-v1-english', input: 'hello', voice: 'hannah', response_format: 'wav' } });
  });

  test('another format or voice is spoken by whoever has it, byte by byte', async () => {
    for (const wish of [{ voice: 'hannah', response_format: 'mp3' }, { voice: 'alloy' }] as const) {
      const response = await state.system.client.audio.speech.create({ model: 'auto', input: 'hello', ...wish });
      expect([response.headers.get('content-type'), response.headers.get('x-tollfree-provider')]).toEqual(['audio/mpeg', 'studio']);
      expect(Buffer.from(await response.arrayBuffer()).equals(MP3)).toBe(true);
    }
  });

  test('terms nobody has accepted rest the model, not the account', async () => {
    const undo = await state.system.simulators.misbehave({ provider: 'groq', path: '/audio/speech', fault: { kind: 'refusal', name: 'terms-required' } });
    const response = await state.system.client.audio.speech.create({ model: 'auto', voice: 'hannah', input: 'hello', response_format: 'wav' });
    expect(response.headers.get('x-tollfree-provider')).toBe('studio');
    await undo();
    expect(await state.system.client.audio.transcriptions.create({ model: 'auto', file: await file(1) }).withResponse().then((one) => one.response.headers.get('x-tollfree-attempts'))).toBe('1');
  });
});
