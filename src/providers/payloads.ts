/**
 * Bytes to chunks, by way of payloads: a whole JSON body, or the events of a stream, whichever came.
 *
 * What the first character says is believed, not the content type: providers answer streams with JSON and JSON with
 * streams, and edges in between answer with pages. No event stream begins with a brace, a bracket or an angle.
 */
import { StringDecoder } from 'node:string_decoder';
import { FailureError } from '../failure.ts';
import { createSource, END, sourceOf } from '../source.ts';
import type { Source, Taken } from '../source.ts';
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
 */
export function readChunks({ bytes, drain }: Answer, decoder: Decoder, options: ReadingOptions): Source<ChatChunk> {
  const text = new StringDecoder('utf8');
  const scrubber = createScrubber(options.credential);
  const reader = createSniffer(options);
  const source = sourceOf(bytes);
  const ready: ChatChunk[] = [];
  const state: { taken: number; last: boolean; end?: { readonly failure?: unknown } } = { taken: 0, last: false };

  const feed = (piece: Uint8Array): readonly Payload[] => {
    const payloads = reader.feed(text.write(scrubber.feed(piece)));
    if (reader.over()) {
      state.last = true;
      drain();
    }
    return payloads;
  };
  const feedLast = (): readonly Payload[] => {
    state.last = true;
    return reader.feed(text.write(scrubber.end()) + text.end());
  };
  /** Undefined: nothing has come. */
  const pull = (): readonly Payload[] | undefined => {
    try {
      const piece = source.take();
      if (piece === undefined) return undefined;
      return piece === END ? feedLast() : feed(piece);
    } catch (error) {
      // A connection torn down after the last word takes nothing away from the answer.
      if (!decoder.complete()) throw error;
      state.last = true;
      source.leave();
      return [];
    }
  };
  /** Nor does a last event of which only a part came. */
  const isCutOff = (payload: Payload): boolean => decoder.complete() && parseJson(payload.text) === undefined;
  const read = (payloads: readonly Payload[]): void => {
    for (const payload of payloads) for (const chunk of decoder.read(payload)) ready.push(chunk);
    if (!state.last) return;
    for (const payload of reader.end()) if (!isCutOff(payload)) ready.push(...decoder.read(payload));
    decoder.end();
    state.end = {};
  };

  return createSource({
    take(): Taken<ChatChunk> {
      for (;;) {
        const chunk = ready[state.taken];
        if (chunk !== undefined) {
          state.taken += 1;
          return chunk;
        }
        ready.length = state.taken = 0;
        if (state.end !== undefined && 'failure' in state.end) throw state.end.failure;
        if (state.end !== undefined) return END;
        try {
          const payloads = pull();
          if (payloads === undefined) return undefined;
          read(payloads);
        } catch (failure) {
          state.end = { failure };
          source.leave();
        }
      }
    },
    when: source.when,
    leave() {
      if (state.end !== undefined) return;
      state.end = {};
      source.leave();
    },
  });
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
