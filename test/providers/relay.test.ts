/** What comes back on paths besides chat. */
import { describe, expect, test } from '@jest/globals';
import { failureOf, FailureError } from '../../src/failure.ts';
import { ofPath, relayed } from '../../src/providers/relay.ts';
import { wordingOf } from '../../src/providers/transcript.ts';
import type { Wording } from '../../src/providers/transcript.ts';
import type { ChatChunk, ChatRequest } from '../../src/types.ts';
import { all, request } from './support.ts';

async function* pieces(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const refuse = (body: string): FailureError => new FailureError({ kind: 'overloaded', message: body });
const read = (type: string | undefined, texts: readonly string[]): Promise<ChatChunk[]> => all(relayed({ headers: { 'content-type': type }, bytes: pieces(texts) }, refuse));
const failing = async (type: string | undefined, texts: readonly string[]): Promise<string> => {
  try {
    await read(type, texts);
  } catch (error) {
    return failureOf(error).kind;
  }
  throw new Error('was believed');
};

const asked = (format: string, more: Partial<ChatRequest> = {}): Wording | undefined => wordingOf(request({ response_format: format }, { relay: { path: '/audio/transcriptions' }, ...more }));
const heard = (format: string, type: string, texts: readonly string[]): Promise<ChatChunk[]> => all(relayed({ headers: { 'content-type': type }, bytes: pieces(texts) }, refuse, asked(format)));

describe('an answer', () => {
  test('in JSON is one piece, as it came, with its usage', async () => {
    const text = '{"data":[{"embedding":[0.10]}],"usage":{"prompt_tokens":3,"total_tokens":3}}';
    expect(await read('application/json; charset=utf-8', [text.slice(0, 9), text.slice(9)])).toEqual([{ text, whole: true, content: true, usage: { input: 3, output: 0 } }]);
    expect(await read('application/problem+json', ['[1]'])).toEqual([{ text: '[1]', whole: true, content: true }]);
  });

  test.each([
    ['of a picture, in tokens by other names', '{"created":1,"data":[{"b64_json":"aGk="}],"usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50}}', { input: 50, output: 50 }],
    ['of a transcript, in tokens', '{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59}}', { input: 14, output: 45 }],
    ['of a transcript, in seconds', '{"text":"hi","usage":{"type":"duration","seconds":8}}', { input: 0, output: 0, audioSeconds: 8 }],
    ['of a verbose transcript, by its length', '{"task":"transcribe","duration":8.47,"text":"hi","segments":[]}', { input: 0, output: 0, audioSeconds: 9 }],
  ])('is read for its usage: %s', async (_name, text, usage) => {
    expect(await read('application/json', [text])).toEqual([{ text, whole: true, content: true, usage }]);
  });

  describe('that is a transcript in words', () => {
    const SRT = '1\r\n00:00:00,000 --> 00:00:02,500\r\nGrüß Gott\r\n\r\n';

    test.each([
      ['srt', 'text/plain; charset=utf-8', SRT, undefined],
      ['srt', 'application/json', SRT, 'text/plain; charset=utf-8'],
      ['srt', 'text/plain', '', undefined],
      ['vtt', 'text/vtt', '\uFEFFWEBVTT\n\n00:00.000 --> 00:02.500\nGrüß Gott\n', undefined],
      ['vtt', 'text/plain', 'WEBVTT', undefined],
      ['text', 'application/json', ' Grüß Gott.\n', 'text/plain; charset=utf-8'],
      ['text', 'text/plain', '', undefined],
    ])('is one piece, byte by byte: %s as %s', async (format, type, text, told = type) => {
      const chunks = await heard(format, type, [text.slice(0, 3), text.slice(3)]);
      expect(chunks).toEqual([{ text: '', whole: true, content: true, raw: { bytes: Buffer.from(text), contentType: told } }]);
    });

    test.each([
      ['srt', '{"text":"Grüß Gott"}'],
      ['srt', 'WEBVTT\n\n'],
      ['vtt', SRT],
      ['text', '{"text":"Grüß Gott"}'],
    ])('or another provider is asked for %s: %s', async (format, text) => {
      await expect(heard(format, 'application/json', [text])).rejects.toMatchObject({ failure: { kind: 'caller', capability: true, param: 'response_format' } });
    });

    test('or the error it is', async () => {
      await expect(heard('srt', 'text/plain', ['{"error":{"message":"busy"}}'])).rejects.toMatchObject({ failure: { kind: 'overloaded' } });
      await expect(heard('text', 'text/html', ['<html>'])).rejects.toMatchObject({ failure: { kind: 'broken-answer' } });
    });

    test('of which JSON, streams and other paths know nothing', () => {
      for (const wording of [asked('json'), asked('verbose_json'), asked('srt', { stream: true }), asked('text', { relay: { path: '/images/generations' } })]) expect(wording).toBeUndefined();
    });
  });

  test('of any other kind is passed on piece by piece', async () => {
    const chunks = await read('audio/mpeg', ['ab', '', 'c']);
    expect(chunks.map(({ raw, content }) => [Buffer.from(raw?.bytes ?? []).toString(), raw?.contentType, content])).toEqual([['ab', 'audio/mpeg', true], ['c', 'audio/mpeg', true]]);
    expect((await read(undefined, ['x']))[0]?.raw?.contentType).toBe('application/octet-stream');
  });

  test.each([undefined, 'text/plain; charset=utf-8', 'application/octet-stream'])('in JSON that is not called so is read as what it is: %s', async (type) => {
    const text = ' {"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}';
    expect(await read(type, [text.slice(0, 9), text.slice(9)])).toEqual([{ text, whole: true, content: true, usage: { input: 3, output: 0 } }]);
    expect(await failing(type, ['{"error":{"message":"busy"}}'])).toBe('overloaded');
    expect(await failing(type, ['{"data":['])).toBe('broken-answer');
    expect(await failing(type, ['<!DOCTYPE html><title>Sign in</title>'])).toBe('broken-answer');
    const other = '[Music] and {words}';
    expect((await read(type, [other])).map(({ raw }) => Buffer.from(raw?.bytes ?? []).toString())).toEqual([other]);
  });

  test.each([
    ['JSON cut short', 'application/json', ['{"data":['], 'broken-answer'],
    ['nothing at all', 'application/json', [], 'broken-answer'],
    ['silence', 'audio/mpeg', [''], 'broken-answer'],
    ['a web page', 'text/html; charset=utf-8', ['<html>'], 'broken-answer'],
    ['an error inside a 200', 'application/json', ['{"error":{"message":"busy"}}'], 'overloaded'],
  ])('that is none: %s', async (_name, type, texts, kind) => expect(await failing(type, texts)).toBe(kind));
});

test('on a path of the client\'s own choice only what is surely about quota or the provider counts', () => {
  for (const kind of ['model-gone', 'model-access', 'credential', 'too-long'] as const) expect(ofPath({ kind, message: 'm', upstreamStatus: 404 })).toEqual({ kind: 'caller', message: 'm', upstreamStatus: 404 });
  for (const kind of ['rate-minute', 'rate-day', 'balance', 'overloaded'] as const) expect(ofPath({ kind, message: 'm' })).toEqual({ kind, message: 'm' });
});
