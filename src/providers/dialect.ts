/**
 * A wire format: pure functions between the one form everything inside speaks and one provider's own.
 * `test/providers/conformance.test.ts` runs every dialect over recorded answers.
 */
import type { FailureError, UpstreamFailure } from '../failure.ts';
import type { ChatChunk, ChatRequest, Provider, Target } from '../types.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces come with their `content-length`. */
  readonly body?: string | AsyncIterable<Uint8Array>;
}

/** Names in lower case; a repeated header is a list. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A refusal as it came: any status but 2xx, or an error found inside a 200. */
export interface HttpFailure {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** Possibly cut short, possibly not JSON. */
  readonly body: string;
  readonly provider: string;
  readonly model: string;
}

/** What an answer is made of, before anyone knows what it means. */
export interface Payload {
  /** One event's data, in one line; or a whole JSON body. */
  readonly text: string;
  readonly whole: boolean;
  /** The event's name, where it has one. */
  readonly event?: string | undefined;
}

/** Makes a failure of an error that came inside a 200. */
export type Refuse = (body: string) => FailureError;

/** Reads one answer, payload by payload, without a pause in between: streams cost by the chunk. */
export interface Decoder {
  /** What one payload says. Throws a FailureError where it breaks the answer or is an error. */
  read(payload: Payload): readonly ChatChunk[];
  /** The answer has its end in place: a connection torn down afterwards takes nothing away from it. */
  readonly complete: () => boolean;
  /** After the last payload. Throws a FailureError where the answer ended without its end. */
  end(): void;
}

/**
 * Of a question in JSON. What the catalogue adds replaces neither the key nor what the answer is read by. Here and wherever each
 * request makes an object that grows, it begins with fields of its own: begun with a spread it gets a new shape of V8's for each
 * field that is added, which costs 1.4 µs (Node 20.20) and is counted in `test/end-to-end/shapes.test.ts`.
 */
export function questionHeaders({ headers }: Provider, stream: boolean, authorization: Readonly<Record<string, string>>): Record<string, string> {
  const all: Record<string, string> = { accept: '', 'content-type': '', ...headers, ...authorization };
  all['accept'] = stream ? 'text/event-stream' : 'application/json';
  all['content-type'] = 'application/json';
  return all;
}

/** A decoder of another format's payloads, each translated to those `decoder` reads. */
export function translated(translate: (payload: Payload) => Iterable<Payload>, decoder: Decoder): Decoder {
  return { ...decoder, read: (payload) => Array.from(translate(payload)).flatMap((told) => decoder.read(told)) };
}

export interface Dialect {
  /** The headers a credential travels in. Names in lower case. */
  readonly authorize: (credential: string) => Readonly<Record<string, string>>;
  /** The request as this provider wants it, credential included. */
  encode(request: ChatRequest, target: Target, credential: string): HttpRequest;
  /** For one answer. `asCame`: with each chunk the event it was, because the question was asked in this dialect's own words. */
  decode(refuse: Refuse, asCame?: boolean): Decoder;
  /** What a refusal means. `now` in epoch milliseconds. */
  explain(failure: HttpFailure, now: number): UpstreamFailure;
}
