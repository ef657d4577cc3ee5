/** Vectors in the format that was asked for: clients decode base64 without looking, and providers ignore the wish. */
import { isRecord, records } from './json.ts';
import type { Json } from './json.ts';

/** OpenAI's default. */
const USUAL_FORMAT = 'float';

/** Takes and gives the text of an embeddings answer; the same text where nothing had to change. */
export function inFormat(answer: string, format: unknown): string {
  const value: unknown = JSON.parse(answer);
  if (!isRecord(value)) return answer;
  const wanted = format ?? USUAL_FORMAT;
  const convert = wanted === 'base64' ? toBase64 : wanted === 'float' ? toFloats : undefined;
  const data = records(value['data']);
  if (convert === undefined || data.every(({ embedding }) => convert(embedding) === embedding)) return answer;
  return JSON.stringify({ ...value, data: data.map((one): Json => ({ ...one, embedding: convert(one['embedding']) })) });
}

/** Little-endian 32-bit floats. */
function toBase64(embedding: unknown): unknown {
  if (!Array.isArray(embedding)) return embedding;
  const bytes = Buffer.alloc(embedding.length * Float32Array.BYTES_PER_ELEMENT);
  for (const [index, value] of embedding.entries()) bytes.writeFloatLE(Number(value), index * Float32Array.BYTES_PER_ELEMENT);
  return bytes.toString('base64');
}

function toFloats(embedding: unknown): unknown {
  if (typeof embedding !== 'string') return embedding;
  const bytes = Buffer.from(embedding, 'base64');
  return Array.from({ length: Math.floor(bytes.length / Float32Array.BYTES_PER_ELEMENT) }, (_, index) => bytes.readFloatLE(index * Float32Array.BYTES_PER_ELEMENT));
}
