/** Bodies as they were before compression. We ask for none (`accept-encoding: identity`); some edges compress all the same. */
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FailureError } from '../failure.ts';
import type { HttpHeaders } from './dialect.ts';

const decoders = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** 128k answer tokens at 300 bytes an event are 38 MB: what is longer is no answer. Counted after decompression. */
const MAX_BYTES = 64 * 1024 * 1024;

export async function* decoded(bytes: AsyncIterable<Uint8Array>, headers: HttpHeaders, host: string): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of decompressed(bytes, String(headers['content-encoding'] ?? 'identity').toLowerCase(), host)) {
    total += chunk.length;
    if (total > MAX_BYTES) throw new FailureError({ kind: 'broken-answer', message: `${host} sent more than ${MAX_BYTES / 1024 / 1024} MiB; that is no answer` });
    yield chunk;
  }
}

function decompressed(bytes: AsyncIterable<Uint8Array>, encoding: string, host: string): AsyncIterable<Uint8Array> {
  if (encoding === 'identity') return bytes;
  const create = Object.hasOwn(decoders, encoding) ? decoders[encoding as keyof typeof decoders] : undefined;
  if (create === undefined) throw new FailureError({ kind: 'broken-answer', message: `${host} answered in the encoding ${encoding}, which was not asked for` });
  return inflated(bytes, create(), host);
}

async function* inflated(bytes: AsyncIterable<Uint8Array>, decoder: ReturnType<typeof createGunzip>, host: string): AsyncGenerator<Uint8Array> {
  // The loop below sees every error: the callback is there because pipeline wants one.
  pipeline(bytes, decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof FailureError) throw error;
    throw new FailureError({ kind: 'broken-answer', message: `${host} compressed its answer wrongly or cut it short` }, { cause: error });
  }
}
