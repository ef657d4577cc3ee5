/** What a provider sends, without the key it was sent: some refusals quote it, and so may anything else. */

const HIDDEN = Buffer.from('[key]');

/** The same bytes with every occurrence of the secret, however it is cut into pieces, replaced by `[key]`. */
export async function* scrubbed(bytes: AsyncIterable<Uint8Array>, secret: string): AsyncGenerator<Uint8Array> {
  const key = Buffer.from(secret);
  let held: Uint8Array | undefined;
  for await (const piece of bytes) {
    const text = replaced(held === undefined ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) : Buffer.concat([held, piece]), key);
    const begun = begunAtEnd(text, key);
    held = begun === 0 ? undefined : text.subarray(text.length - begun);
    if (begun < text.length) yield text.subarray(0, text.length - begun);
  }
  if (held !== undefined) yield held;
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
