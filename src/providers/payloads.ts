/**
 * Bytes to chunks, by way of payloads: a whole JSON body, or the events of a stream, whichever came.
 *
 * What the first character says is believed, not the content type: providers answer streams with JSON and JSON with
 * streams, and edges in between answer with pages. No event stream begins with a brace, a bracket or an angle.
 */
import { StringDecoder } from 'node:string_decoder';
import { FailureError } from '../failure.ts';
import type { ChatChunk, Clock } from '../types.ts';
import type { HttpAnswer } from './call.ts';
import type { Decoder, Payload } from './dialect.ts';
import { parseJson } from './json.ts';
import { createScrubber } from './scrub.ts';
import { createEventReader, MAX_PAYLOAD } from './sse.ts';
import type { Reader } from './sse.ts';

export interface ReadingOptions {
  /** As sent: it must not come back. */
  readonly credential: string;
  /** Who is speaking, for messages. */
  readonly host: string;
  readonly now: Clock;
  /** The longest one event may take to be whole, milliseconds. */
  readonly eventMs?: number | undefined;
}

type Answer = Pick<HttpAnswer, 'bytes' | 'drain'>;

/**
 * The chunks of an answer, as its reader asks for them. Throws a FailureError where it breaks, hides an error or ends
 * without its end; leaving early closes the connection.
 *
 * One iterator by hand where five generators one around the other would be shorter: each of them costs half a
 * microsecond a chunk.
 */
export function readChunks({ bytes, drain }: Answer, decoder: Decoder, options: ReadingOptions): AsyncIterable<ChatChunk> {
  const text = new StringDecoder('utf8');
  const scrubber = createScrubber(options.credential);
  const reader = createSniffer(options);
  const source = bytes[Symbol.asyncIterator]();
  const ready: ChatChunk[] = [];
  const state: { taken: number; last: boolean; end?: { readonly failure?: unknown } } = { taken: 0, last: false };

  /** Undefined: no more comes. */
  const take = (piece: Uint8Array | undefined): readonly Payload[] => {
    if (piece === undefined) {
      state.last = true;
      return reader.feed(text.write(scrubber.end()) + text.end());
    }
    const payloads = reader.feed(text.write(scrubber.feed(piece)));
    if (reader.over()) {
      state.last = true;
      drain();
    }
    return payloads;
  };
  const pull = async (): Promise<readonly Payload[]> => {
    try {
      const next: IteratorResult<Uint8Array, unknown> = await source.next();
      return take(next.done === true ? undefined : next.value);
    } catch (error) {
      // A connection torn down after the last word takes nothing away from the answer.
      if (!decoder.complete()) throw error;
      state.last = true;
      await source.return?.();
      return [];
    }
  };
  /** Nor does a last event of which only a part came. */
  const isCutOff = (payload: Payload): boolean => decoder.complete() && parseJson(payload.text) === undefined;
  const read = (payloads: readonly Payload[]): void => {
    for (const payload of payloads) ready.push(...decoder.read(payload));
    if (!state.last) return;
    for (const payload of reader.end()) if (!isCutOff(payload)) ready.push(...decoder.read(payload));
    decoder.end();
    state.end = {};
  };

  const iterator: AsyncIterator<ChatChunk> = {
    async next() {
      for (;;) {
        const value = ready[state.taken];
        if (value !== undefined) {
          state.taken += 1;
          return { done: false, value };
        }
        ready.length = state.taken = 0;
        if (state.end !== undefined && 'failure' in state.end) throw state.end.failure;
        if (state.end !== undefined) return { done: true, value: undefined };
        try {
          read(await pull());
        } catch (failure) {
          state.end = { failure };
          await source.return?.();
        }
      }
    },
    async return() {
      if (state.end === undefined) {
        state.end = {};
        await source.return?.();
      }
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function createSniffer(source: ReadingOptions): Reader {
  const state: { reader?: Reader } = {};
  return {
    feed(text) {
      // Some providers pad with blanks while they think, before a body as before an event. A byte order mark is a blank, too.
      const start = state.reader === undefined ? text.trimStart() : text;
      if (start === '') return [];
      state.reader ??= choose(start, source);
      return state.reader.feed(start);
    },
    end: () => state.reader?.end() ?? [],
    over: () => state.reader?.over() ?? false,
  };
}

function choose(start: string, { host, now, eventMs }: ReadingOptions): Reader {
  if (start.startsWith('<')) {
    throw new FailureError({ kind: 'overloaded', scope: 'provider', message: `${host} answered with a web page; something stands between it and us` });
  }
  return start.startsWith('{') || start.startsWith('[') ? createBodyReader(host) : createEventReader({ host, now, eventMs });
}

function createBodyReader(host: string): Reader {
  const parts: string[] = [];
  const size = { characters: 0 };
  return {
    feed(text) {
      parts.push(text);
      size.characters += text.length;
      if (size.characters > MAX_PAYLOAD) throw new FailureError({ kind: 'broken-answer', message: `${host} sent a body of more than ${MAX_PAYLOAD / 1024 / 1024} MiB` });
      return [];
    },
    end: () => [{ text: parts.join(''), whole: true }],
    over: () => false,
  };
}
