/** Groq's sound: what its Whisper hears and its Orpheus says. */
import { createHash } from 'node:crypto';
import { secondsOf } from '../surfaces/recording.ts';
import { groqFailure } from './groq-refusals.ts';
import { pieces } from './tokens.ts';
import type { JsonObject, Result, Scene, Work } from './types.ts';

const SENTENCES = ['Four score and seven years ago our fathers brought forth a new nation.', 'Ask not what your country can do for you.', 'The quick brown fox jumps over the lazy dog.'];

export const sound: Readonly<Record<string, Work>> = {
  '/audio/transcriptions': { output: 'transcription', perform: (scene, body) => hear('transcribe', scene, body) },
  '/audio/translations': { output: 'transcription', perform: (scene, body) => hear('translate', scene, body) },
  '/audio/speech': { output: 'speech', perform: speak },
};

/** How long what stands behind an address is: it is not fetched. */
const ELSEWHERE_SECONDS = 30;

function hear(task: 'transcribe' | 'translate', { call: { file }, id }: Scene, body: JsonObject): Result {
  if (file === undefined && typeof body['url'] !== 'string') return { reply: groqFailure(400, "'file' or 'url' must be provided") };
  const { response_format: format = 'json' } = body;
  // Recorded where speech is asked for in a wrong format; no capture of this one exists.
  if (!['json', 'text', 'verbose_json'].includes(String(format))) return { reply: groqFailure(400, 'response_format must be one of [json text verbose_json]') };
  const seconds = file === undefined ? ELSEWHERE_SECONDS : secondsOf(file);
  const text = SENTENCES[(createHash('sha256').update(file ?? String(body['url'])).digest()[0] ?? 0) % SENTENCES.length] ?? '';
  const told = { text: ` ${text}`, x_groq: { id: `req_01${id.slice(0, 24)}` } };
  const verbose = { task, language: 'English', duration: seconds, ...told, segments: [segmentOf(told.text, seconds)], ...(granularities(body).includes('word') && { words: wordsOf(text, seconds) }) };
  return { reply: { status: 200, body: format === 'text' ? told.text : format === 'json' ? told : verbose }, cost: { audio_seconds: seconds } };
}

const granularities = (body: JsonObject): unknown[] => [body['timestamp_granularities[]']].flat();

const segmentOf = (text: string, seconds: number): JsonObject => ({
  id: 0, seek: 0, start: 0, end: seconds, text, tokens: pieces(text).map((_, index) => 50_365 + index), temperature: 0, avg_logprob: -0.097569615, compression_ratio: 1.6637554, no_speech_prob: 0.012814695,
});

function wordsOf(text: string, seconds: number): JsonObject[] {
  const words = text.split(' ');
  const each = seconds / words.length;
  return words.map((word, index) => ({ word, start: index * each, end: (index + 1) * each }));
}

const VOICES = ['autumn', 'diana', 'hannah', 'austin', 'daniel', 'troy'];
const SAMPLES_A_TOKEN = 400;

function speak(_scene: Scene, body: JsonObject): Result {
  const { input, voice, response_format: format = 'wav' } = body;
  if (format !== 'wav') return { reply: groqFailure(400, 'response_format must be one of [wav]') };
  if (!VOICES.includes(String(voice))) return { reply: groqFailure(400, `voice must be one of [${VOICES.join(' ')}]`) };
  const tokens = pieces(typeof input === 'string' ? input : '').length;
  return { reply: { status: 200, headers: { 'content-type': 'audio/wav' }, body: silence(tokens * SAMPLES_A_TOKEN) }, cost: { tokens } };
}

/** A WAV of 16 bits and one channel, at 24 kHz as Orpheus speaks. */
function silence(samples: number): Buffer {
  const bytes = samples * 2;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(24_000, 24);
  head.writeUInt32LE(48_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return Buffer.concat([head, Buffer.alloc(bytes)]);
}
