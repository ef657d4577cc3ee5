/** A form as it comes in: read whole where it is small, else its beginning, and the rest as fast as upstream takes it. */
import type { IncomingMessage } from 'node:http';
import { FailureError } from '../failure.ts';
import { readForm, readOn } from '../surfaces/form.ts';
import type { Form } from '../surfaces/form.ts';
import { listenerFor } from '../surfaces/recording.ts';
import type { Upload } from '../types.ts';
import { readBody, requireFits } from './body.ts';

export interface Received {
  readonly form: Form;
  readonly bytes: Buffer;
  readonly rest?: Upload['rest'];
}

/** What is kept of a form, so that another account may be asked with it: a quarter of an hour of speech at 32 kbit/s. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Throws `invalid-request`, `media-type`, `too-large`, or `cancelled` when the client stops in the middle. */
export async function receiveForm(request: IncomingMessage, limit: number): Promise<Received> {
  const contentType = request.headers['content-type'] ?? '';
  const size = Number(request.headers['content-length'] ?? 0);
  if (!(size > KEPT_BYTES)) return whole(await readBody(request, limit), contentType);
  requireFits(request, limit);
  const reader = readerOf(request);
  const start = await take(reader, KEPT_BYTES);
  const form = readForm(start, contentType, size);
  // Nobody can be asked before the model is known: some clients name it after the file.
  if (form.model === undefined) return whole(Buffer.concat([start, await take(reader, size)]), contentType);
  const state = { begun: false, whole: false };
  async function* pieces(): AsyncGenerator<Buffer> {
    state.begun = true;
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) yield piece;
    state.whole = true;
  }
  const listener = form.file && listenerFor(form.file.bytes);
  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const piece of readOn(start.subarray(form.read), pieces(), contentType)) {
      listener?.hear(piece);
      yield piece;
    }
  }
  const rest = { length: size - form.read, bytes: { [Symbol.asyncIterator]: bytes }, begun: () => state.begun, whole: () => state.whole, seconds: () => listener?.seconds(), leave: reader.leave };
  return { form, bytes: start.subarray(0, form.read), rest };
}

const whole = (bytes: Buffer, contentType: string): Received => ({ form: readForm(bytes, contentType), bytes });

interface Reader {
  /** Undefined: that was all. */
  readonly next: () => Promise<Buffer | undefined>;
  /** Nothing more will be asked for; whoever waits for a piece is told so. */
  readonly leave: () => void;
}

/** Between two pieces the connection is not read from. */
function readerOf(request: IncomingMessage): Reader {
  const waiting: { leave?: () => void } = {};
  request.pause();
  return {
    next: () =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => () => {
          for (const [name, listener] of listeners) request.off(name, listener);
          delete waiting.leave;
          act();
        };
        const gone = settle(() => reject(new FailureError({ kind: 'cancelled', message: 'the connection closed before the body was whole' })));
        const end = settle(() => resolve(undefined));
        const data = (piece: Buffer): void => {
          request.pause();
          settle(() => resolve(piece))();
        };
        const listeners = [['data', data], ['end', end], ['close', gone], ['error', gone]] as const;
        waiting.leave = gone;
        if (request.readableEnded) return end();
        if (request.destroyed) return gone();
        for (const [name, listener] of listeners) request.on(name, listener);
        request.resume();
      }),
    leave: () => waiting.leave?.(),
  };
}

/** Until there are so many bytes, or all of them. */
async function take(reader: Reader, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let taken = 0; taken < bytes; ) {
    const piece = await reader.next();
    if (piece === undefined) break;
    pieces.push(piece);
    taken += piece.length;
  }
  return Buffer.concat(pieces);
}
