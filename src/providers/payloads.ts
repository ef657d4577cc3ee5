/**
 * Bytes to payloads: a whole JSON body, or the events of a stream, whichever came.
 *
 * What the first character says is believed, not the content type: providers answer streams with JSON and JSON with
 * streams, and edges in between answer with pages. No event stream begins with a brace, a bracket or an angle.
 */
import { StringDecoder } from 'node:string_decoder';
import { FailureError } from '../failure.ts';
import type { Clock } from '../types.ts';
import type { Payload } from './dialect.ts';
import { createEventReader, MAX_PAYLOAD } from './sse.ts';
import type { Reader } from './sse.ts';

export interface PayloadSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Called when the sender said it is done: the rest is of no interest. */
  readonly drain: () => void;
  /** Who is speaking, for messages. */
  readonly host: string;
  readonly now: Clock;
  /** The longest one event may take to be whole, milliseconds. */
  readonly eventMs?: number | undefined;
}

export async function* readPayloads(source: PayloadSource): AsyncGenerator<Payload> {
  const decoder = new StringDecoder('utf8');
  const reader = createSniffer(source);
  for await (const chunk of source.bytes) {
    for (const payload of reader.feed(decoder.write(chunk))) yield payload;
    if (reader.over()) return source.drain();
  }
  for (const payload of reader.feed(decoder.end())) yield payload;
  for (const payload of reader.end()) yield payload;
}

function createSniffer(source: PayloadSource): Reader {
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

function choose(start: string, { host, now, eventMs }: PayloadSource): Reader {
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
