/** A request's body, read with every bound checked before anything is parsed. */
import type { IncomingMessage } from 'node:http';
import { isDeeperThan } from '../depth.ts';
import { FailureError } from '../failure.ts';
import type { Failure } from '../failure.ts';

/** Deeper than any tool schema in use. */
const MAX_DEPTH = 100;

/** The JSON body of a request. Throws what {@link readAs} throws. */
export function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  return readAs(request, limit, (value) => value);
}

/**
 * What `read` makes of the JSON body of a request of at most `limit` bytes, and of the text it stood in: handed over here, so that
 * nobody holds more of it than `read` keeps.
 * Throws `media-type`, `too-large`, `invalid-request`, or `cancelled` when the client stops in the middle.
 */
export async function readAs<T>(request: IncomingMessage, limit: number, read: (value: unknown, text: string) => T): Promise<T> {
  requireJson(request);
  requireFits(request, limit);
  const text = (await readBytes(request, limit)).toString('utf8');
  const value = parse(text);
  if (isDeeperThan(value, MAX_DEPTH)) throw refuse({ kind: 'invalid-request', message: `the body is nested deeper than ${MAX_DEPTH} levels` });
  return read(value, text);
}

/** Browsers send other types across sites without asking first; requiring this one makes them ask. */
function requireJson(request: IncomingMessage): void {
  const sent = request.headers['content-type'] ?? '';
  // As nearly all clients send it.
  if (sent !== 'application/json') judgeType(sent);
}

function judgeType(sent: string): void {
  const [type = '', ...parameters] = sent.toLowerCase().split(';').map((piece) => piece.trim());
  if (type !== 'application/json') throw refuse({ kind: 'media-type', message: 'the content-type must be application/json' });
  const charset = parameters.find((piece) => piece.startsWith('charset='))?.slice('charset='.length).replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw refuse({ kind: 'media-type', message: 'the charset must be utf-8' });
}

function refuseEncoded({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw refuse({ kind: 'media-type', message: 'send the body uncompressed, without a content-encoding' });
}

/** A body of any type. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  requireFits(request, limit);
  return readBytes(request, limit);
}

/** Before anything is read. Throws `media-type` or `too-large`. */
export function requireFits(request: IncomingMessage, limit: number): void {
  refuseEncoded(request);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
}

const tooLarge = (limit: number): FailureError => refuse({ kind: 'too-large', message: `the body is larger than ${limit} bytes` });

interface Reading {
  readonly chunks: Buffer[];
  bytes: number;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
}

function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // What listeners hold is held until the answer has ended: of the body, nothing.
    const state: { reading: Reading | undefined } = { reading: { chunks: [], bytes: 0, resolve, reject } };
    const end = (): Reading | undefined => {
      const { reading } = state;
      state.reading = undefined;
      return reading;
    };
    request.on('data', (chunk: Buffer) => {
      const { reading } = state;
      if (reading === undefined) return;
      reading.bytes += chunk.length;
      if (reading.bytes > limit) end()?.reject(tooLarge(limit));
      else reading.chunks.push(chunk);
    });
    request.on('end', () => {
      const reading = end();
      reading?.resolve(joined(reading.chunks));
    });
    const broken = (): void => {
      if (!request.complete) end()?.reject(refuse({ kind: 'cancelled', message: 'the connection closed before the body was whole' }));
    };
    request.on('close', broken);
    request.on('error', broken);
  });
}

/** Most bodies come in one piece. */
const joined = (chunks: readonly Buffer[]): Buffer => (chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));

/** V8's own message quotes the text, which is a prompt: only the position is kept. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    throw refuse({ kind: 'invalid-request', message: text === '' ? 'the body is empty; send a JSON object' : `the body is not valid JSON${position === undefined ? '' : ` (at character ${position})`}` });
  }
}

function refuse(failure: Failure): FailureError {
  return new FailureError(failure);
}
