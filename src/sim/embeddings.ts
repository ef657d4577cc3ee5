import { createHash } from 'node:crypto';
import { pieces } from './tokens.ts';
import type { JsonObject, Result, Scene } from './types.ts';

/** Small enough to read in a test, large enough to look like a vector. */
const DIMENSIONS = 64;

/** A unit vector, the same for the same text. */
function vector(text: string, dimensions: number): Float32Array {
  const digest = createHash('sha256').update(text).digest();
  const raw = Float32Array.from({ length: dimensions }, (_, index) => Math.sin((digest[index % digest.length] ?? 0) + index));
  const length = Math.hypot(...raw);
  return raw.map((value) => value / length);
}

/** Little-endian 32-bit floats, as the OpenAI clients decode them. */
function base64(values: Float32Array): string {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes.toString('base64');
}

/** Answers an embeddings body in the format that was asked for. */
export function embed({ model }: Scene, body: JsonObject): Result {
  const input: readonly unknown[] = Array.isArray(body['input']) ? body['input'] : [body['input'] ?? ''];
  const texts = input.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
  const dimensions = typeof body['dimensions'] === 'number' ? body['dimensions'] : DIMENSIONS;
  const tokens = texts.reduce((sum, text) => sum + pieces(text).length, 0);
  const data = texts.map((text, index) => {
    const values = vector(text, dimensions);
    return { object: 'embedding', index, embedding: body['encoding_format'] === 'base64' ? base64(values) : [...values] };
  });
  return { reply: { status: 200, body: { object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } } }, cost: { tokens } };
}
