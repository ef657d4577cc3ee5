/** Sound at the simulated Groq: the official client on one side, the recorded words, headers and limits on the other. */
import { describe, expect, test } from '@jest/globals';
import OpenAI, { BadRequestError, NotFoundError, RateLimitError, toFile } from 'openai';
import { secondsOf } from '../../src/surfaces/recording.ts';
import type { Simulators } from '../../src/sim/simulators.ts';
import { wav } from '../support/sound.ts';
import { keyOf, withSimulators } from './support.ts';

const clientOf = ({ baseUrls }: Simulators): OpenAI => new OpenAI({ baseURL: baseUrls.groq, apiKey: keyOf('groq', 'alice'), maxRetries: 0 });
const file = (seconds: number) => toFile(wav(seconds), 'hello.wav', { type: 'audio/wav' });
const model = 'whisper-large-v3-turbo';

describe('listening', () => {
  test('in each format it has, the same words', () => withSimulators({}, async (simulators) => {
    const { transcriptions, translations } = clientOf(simulators).audio;
    const { text } = await transcriptions.create({ model, file: await file(7) });
    expect(text).toMatch(/^ \w.*\.$/);
    expect(await transcriptions.create({ model, file: await file(7), response_format: 'text' })).toBe(text);
    const verbose = await transcriptions.create({ model, file: await file(7), response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] });
    expect(Object.keys(verbose).sort()).toEqual(['duration', 'language', 'segments', 'task', 'text', 'words', 'x_groq']);
    expect(verbose).toMatchObject({ text, duration: 7, segments: [{ start: 0, end: 7, no_speech_prob: expect.any(Number) }] });
    expect(verbose.words?.map(({ word }) => word).join(' ')).toBe(text.trim());
    expect(await translations.create({ model, file: await file(7), response_format: 'verbose_json' })).toMatchObject({ task: 'translate', text });
    await expect(transcriptions.create({ model, file: await file(7), response_format: 'srt' })).rejects.toBeInstanceOf(BadRequestError);
  }));

  test('is counted in seconds, an hour of them told in headers that refill', () => withSimulators({}, async (simulators) => {
    const { response } = await clientOf(simulators).audio.transcriptions.create({ model, file: await file(2) }).withResponse();
    const told = [...response.headers].filter(([name]) => name.startsWith('x-ratelimit'));
    expect(Object.fromEntries(told)).toEqual({
      'x-ratelimit-limit-audio-seconds': '7200', 'x-ratelimit-remaining-audio-seconds': '7198', 'x-ratelimit-reset-audio-seconds': '1s',
      'x-ratelimit-limit-requests': '2000', 'x-ratelimit-remaining-requests': '1999', 'x-ratelimit-reset-requests': '43.2s',
    });
  }));

  test('beyond the hour it is refused by that window’s name, and answers again when it said', () =>
    withSimulators({ limits: { groq: { rate_limit: { audio_seconds_per_hour: 10 }, reset: { audio_seconds_per_hour: { kind: 'refill' } } } } }, async (simulators) => {
      const listen = async (seconds: number) => clientOf(simulators).audio.transcriptions.create({ model, file: await file(seconds) });
      await listen(8);
      const refused = await listen(5).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RateLimitError);
      expect(refused).toMatchObject({ code: 'rate_limit_exceeded', type: 'audio_seconds', message: expect.stringContaining('on audio seconds per hour (ASH): Limit 10, Used 8, Requested 5. Please try again in 18m0s.') });
      simulators.advance(18 * 60_000);
      await listen(5);
    }));

  test('what is no recording, and a model that does not listen, are refused', () => withSimulators({}, async (simulators) => {
    const { audio } = clientOf(simulators);
    await expect(clientOf(simulators).post('/audio/transcriptions', { body: { model } })).rejects.toThrow("'file' or 'url' must be provided");
    await expect(audio.transcriptions.create({ model: 'openai/gpt-oss-120b', file: await file(1) })).rejects.toBeInstanceOf(NotFoundError);
  }));

  test('the record shows what came, and not the sound', () => withSimulators({}, async (simulators) => {
    await clientOf(simulators).audio.transcriptions.create({ model, file: await file(1), language: 'de' });
    expect(simulators.calls()[0]).toMatchObject({ path: '/audio/transcriptions', model, body: { model, language: 'de', file: { name: 'hello.wav', type: 'audio/wav', bytes: wav(1).length, sha256: expect.stringMatching(/^[\da-f]{64}$/) } } });
  }));
});

describe('speaking', () => {
  const speech = { model: 'canopylabs/orpheus-v1-english', voice: 'hannah', input: 'Hello there, how are you?' } as const;

  test('a WAV as long as its words, in the one format and the voices there are', () => withSimulators({}, async (simulators) => {
    const { audio } = clientOf(simulators);
    const response = await audio.speech.create({ ...speech, response_format: 'wav' });
    expect(response.headers.get('content-type')).toBe('audio/wav');
    const short = Buffer.from(await response.arrayBuffer());
    const long = Buffer.from(await (await audio.speech.create({ ...speech, input: speech.input.repeat(20) })).arrayBuffer());
    expect([short, long].map((sound) => sound.toString('latin1', 0, 4))).toEqual(['RIFF', 'RIFF']);
    expect(secondsOf(long)).toBeGreaterThan(secondsOf(short));
    await expect(audio.speech.create({ ...speech, response_format: 'mp3' })).rejects.toThrow('response_format must be one of [wav]');
    await expect(audio.speech.create({ ...speech, voice: 'alloy' })).rejects.toThrow('voice must be one of');
  }));
});
