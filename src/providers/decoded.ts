/** Bodies as they were before compression. We ask for none (`accept-encoding: identity`); some edges compress all the same. */
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FailureError } from '../failure.ts';
import type { HttpHeaders } from './dialect.ts';

const decoders = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };

/**
 * Stops at `most` bytes: 400 KB of gzip have become 400 MB. The same iterable comes back where nothing is compressed.
 * What cannot be read throws only where somebody reads it: a refusal says enough by its status.
 */
export function decoded(bytes: AsyncIterable<Uint8Array>, headers: HttpHeaders, { host, most }: { readonly host: string; readonly most: number }): AsyncIterable<Uint8Array> {
  const encoding = String(headers['content-encoding'] ?? '').toLowerCase();
  if (encoding === '' || encoding === 'identity') return bytes;
  const create = Object.hasOwn(decoders, encoding) ? decoders[encoding as keyof typeof decoders] : undefined;
  if (create === undefined) return unreadable(bytes, `${host} answered in the encoding ${encoding}, which was not asked for`);
  return inflated(bytes, create(), { host, most });
}

async function* unreadable(bytes: AsyncIterable<Uint8Array>, message: string): AsyncGenerator<Uint8Array> {
  yield* [];
  await bytes[Symbol.asyncIterator]().return?.();
  throw new FailureError({ kind: 'broken-answer', message });
}

async function* inflated(bytes: AsyncIterable<Uint8Array>, decoder: ReturnType<typeof createGunzip>, { host, most }: { readonly host: string; readonly most: number }): AsyncGenerator<Uint8Array> {
  // The loop below sees every error: the callback is there because pipeline wants one.
  pipeline(bytes, decoder, () => undefined);
  let total = 0;
  try {
    for await (const chunk of decoder) {
      total += (chunk as Uint8Array).length;
      if (total > most) throw tooMuch(host, most);
      yield chunk as Uint8Array;
    }
  } catch (error) {
    if (error instanceof FailureError) throw error;
    throw new FailureError({ kind: 'broken-answer', message: `${host} compressed its answer wrongly or cut it short` }, { cause: error });
  }
}

export function tooMuch(host: string, most: number): FailureError {
  return new FailureError({ kind: 'broken-answer', message: `${host} sent more than ${most / 1024 / 1024} MiB; that is no answer` });
}
