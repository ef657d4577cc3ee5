import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { scrubbed } from '../../src/providers/scrub.ts';

async function* pieces(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(from, end);
    from = end;
  }
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('a key is left out however the bytes are cut, and nothing else is touched', async () => {
  const words = fc.array(fc.constantFrom('aab', 'a', 'aa', 'é', 'aabaab', 'x', '\n'), { maxLength: 12 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(words, fc.array(fc.nat(), { maxLength: 6 }), fc.constantFrom('aab', 'aabaac', 'x'), async (text, cuts, key) => {
      expect(await whole(scrubbed(pieces(text, cuts), key))).toBe(text.replaceAll(key, '[key]'));
    }),
  );
});

test('nothing waits for the next piece unless a key may have begun', async () => {
  const reader = scrubbed(pieces('data: gsk\n\ndata: gs', [11]), 'gsk_0123');
  expect(Buffer.from((await reader.next()).value as Uint8Array).toString()).toBe('data: gsk\n\n');
  expect(Buffer.from((await reader.next()).value as Uint8Array).toString()).toBe('data: ');
  expect(Buffer.from((await reader.next()).value as Uint8Array).toString()).toBe('gs');
});
