/**
 * The only outgoing HTTP. One request, one answer, no redirects followed, nothing sent before the destination is judged.
 *
 * undici's `dispatch` with a small handler costs a sixth of `fetch`; what fetch would have done is the rest of this file.
 */
import { lookup } from 'node:dns';
import { FailureError } from '../failure.ts';
import type { AbortSignalLike, Clock } from '../types.ts';
import { createConnections } from './connections.ts';
import type { Connections } from './connections.ts';
import { checkedLookup, checkUrl } from './destination.ts';
import type { Resolve } from './destination.ts';
import type { HttpHeaders, HttpRequest } from './dialect.ts';
import { exchange } from './exchange.ts';
import type { Place } from './exchange.ts';
import { transportFailure } from './transport-failure.ts';
import { createWatch } from './watch.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The body, decompressed. Throws a FailureError where it breaks; leaving the loop early closes the connection. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Nothing more is wanted: what is left is read away for a moment, so that the connection can serve again. */
  readonly drain: () => void;
}

export interface CallOptions {
  /** The credential inside was opened for this origin; the URL must have it. */
  readonly origin: string;
  /** The longest silence between two bytes of the body, milliseconds. Back-pressure of ours does not count. */
  readonly stallMs: number;
}

export interface Http {
  /** Throws a FailureError when no answer begins. Aborting closes the connection at once and throws the reason, if that is a FailureError, else `cancelled`. */
  call(request: HttpRequest, options: CallOptions, signal: AbortSignalLike): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** openai-python's figure, too: an edge that takes no connection in 5 s will not answer in time either. */
const CONNECT_MS = 5000;

/** 128k answer tokens at 300 bytes an event are 38 MB: what is longer is no answer. Counted on the wire and after decompression. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Ten times as many as a large catalogue has models. Paths that are passed on are a client's own words, and could be endless. */
const MOST_PLACES = 10_000;

export interface HttpOptions {
  readonly now: Clock;
  /** Cloudflare turns away clients without a normal one (403, `error code: 1010`). */
  readonly userAgent: string;
  /** In place of `dns.lookup`. */
  readonly resolve?: Resolve;
  /** The longest a connection may take to be made, milliseconds. */
  readonly connectMs?: number;
}

export function createHttp({ now, userAgent, resolve = lookup, connectMs = CONNECT_MS }: HttpOptions): Http {
  const places = new Map<string, Place>();
  const origins = new Map<string, Connections>();
  const watch = createWatch(now);

  const connectionsTo = (origin: string): Connections => {
    const connections = origins.get(origin) ?? createConnections(origin, { timeout: connectMs, lookup: checkedLookup(resolve) });
    origins.set(origin, connections);
    return connections;
  };
  /** Nearly all URLs come from the catalogue, so there are as many as models: each is taken apart and judged once. */
  const placeOf = (address: string): Place => {
    const known = places.get(address);
    if (known !== undefined) return known;
    const url = new URL(address);
    try {
      checkUrl(url);
    } catch (error) {
      throw transportFailure(error, { host: url.host, phase: 'connecting' });
    }
    if (places.size >= MOST_PLACES) places.clear();
    const place = { host: url.host, origin: url.origin, path: url.pathname + url.search, connections: connectionsTo(url.origin) };
    places.set(address, place);
    return place;
  };

  const placeFor = (address: string, origin: string): Place => {
    const place = placeOf(address);
    if (place.origin !== origin) throw new FailureError({ kind: 'credential', message: `the key was opened for ${origin} and does not go to ${place.origin}` });
    return place;
  };

  return {
    // Not async, which would be three turns of waiting for what is a promise already.
    call(request, { origin, stallMs }, signal) {
      try {
        return exchange({ place: placeFor(request.url, origin), request, userAgent, watch, now, stallMs, mostBytes: MOST_BYTES }, signal);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    async close() {
      await Promise.all([...origins.values()].map((connections) => connections.close()));
      origins.clear();
      places.clear();
    },
  };
}
