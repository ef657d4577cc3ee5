/** What a provider sends, without the key it was sent: some refusals quote it, and so may anything else. */

const HIDDEN = Buffer.from('[key]');

/** Hides a secret in bytes that come piece by piece, however it is cut. */
export interface Scrubber {
  /** What can be passed on already: all of the piece, but for an end in which the secret may have begun. */
  feed(piece: Uint8Array): Buffer;
  /** What was held back until the end. */
  end(): Buffer;
}

const NOTHING = Buffer.alloc(0);

export function createScrubber(secret: string): Scrubber {
  const key = Buffer.from(secret);
  const state: { held: Buffer } = { held: NOTHING };
  return {
    feed(piece) {
      const fresh = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      const text = replaced(state.held.length === 0 ? fresh : Buffer.concat([state.held, fresh]), key);
      const begun = begunAtEnd(text, key);
      state.held = begun === 0 ? NOTHING : text.subarray(text.length - begun);
      return begun === 0 ? text : text.subarray(0, text.length - begun);
    },
    end: () => state.held,
  };
}

/** The same bytes with every occurrence of the secret replaced by `[key]`. */
export async function* scrubbed(bytes: AsyncIterable<Uint8Array>, secret: string): AsyncGenerator<Uint8Array> {
  const scrubber = createScrubber(secret);
  for await (const piece of bytes) {
    const told = scrubber.feed(piece);
    if (told.length > 0) yield told;
  }
  const held = scrubber.end();
  if (held.length > 0) yield held;
}

function replaced(text: Buffer, key: Buffer): Buffer {
  let at = text.indexOf(key);
  if (at < 0) return text;
  const parts: Buffer[] = [];
  let from = 0;
  for (; at >= 0; at = text.indexOf(key, from)) {
    parts.push(text.subarray(from, at), HIDDEN);
    from = at + key.length;
  }
  return Buffer.concat([...parts, text.subarray(from)]);
}

/** How many of the last bytes may be the beginning of the key: the next piece will tell. Nearly always none. */
function begunAtEnd(text: Buffer, key: Buffer): number {
  const first = key[0] ?? 0;
  for (let at = text.indexOf(first, Math.max(0, text.length - key.length + 1)); at >= 0; at = text.indexOf(first, at + 1)) {
    if (text.compare(key, 0, text.length - at, at) === 0) return text.length - at;
  }
  return 0;
}
