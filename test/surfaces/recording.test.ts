/** Recordings built by hand after their containers' specifications; every one says how long it is. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { secondsOf } from '../../src/surfaces/recording.ts';
import { m4a, wav } from '../support/sound.ts';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const written = (bytes: number, write: (buffer: Buffer) => unknown): Buffer => {
  const buffer = Buffer.alloc(bytes);
  write(buffer);
  return buffer;
};
const le32 = (value: number): Buffer => written(4, (buffer) => buffer.writeUInt32LE(value));
const be32 = (value: number): Buffer => written(4, (buffer) => buffer.writeUInt32BE(value));
const join = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

const flac = (seconds: number, rate = 44_100): Buffer =>
  join(latin('fLaC'), Buffer.from([0x80, 0, 0, 34]), Buffer.alloc(10), Buffer.from([rate >> 12, (rate >> 4) & 255, ((rate & 15) << 4) | 2, 0xf0]), be32(rate * seconds), Buffer.alloc(16));

const page = (granule: bigint, content: Buffer): Buffer => join(latin('OggS'), Buffer.from([0, 2]), Buffer.from(BigInt64Array.of(granule).buffer), Buffer.alloc(12), Buffer.from([1, content.length & 255]), content);
const opus = (seconds: number): Buffer => join(page(0n, join(latin('OpusHead'), Buffer.from([1, 1]), Buffer.from([0x38, 1]), le32(16_000), Buffer.alloc(3))), page(BigInt(seconds * 48_000 + 312), Buffer.alloc(50)));
const vorbis = (seconds: number): Buffer => join(page(0n, join(latin('\x01vorbis'), le32(0), Buffer.from([2]), le32(22_050), Buffer.alloc(14))), page(BigInt(seconds * 22_050), Buffer.alloc(50)));

const double = (value: number): Buffer => written(8, (buffer) => buffer.writeDoubleBE(value));
const webm = (seconds: number | undefined, scale = [0x0f, 0x42, 0x40]): Buffer => {
  const length = seconds === undefined ? Buffer.alloc(0) : join(Buffer.from([0x44, 0x89, 0x88]), double((seconds * 1e9) / Buffer.from(scale).readUIntBE(0, scale.length)));
  return join(Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0x80, 0x18, 0x53, 0x80, 0x67, 0xff, 0x15, 0x49, 0xa9, 0x66, 0x90, 0x2a, 0xd7, 0xb1, 0x80 + scale.length, ...scale]), length, Buffer.alloc(8_000));
};

/** 128 kbit/s at 44.1 kHz: frames of 417 bytes, 38.28 a second. */
const FRAME = Buffer.from([0xff, 0xfb, 0x90, 0x00]);
const mp3 = (seconds: number): Buffer => join(latin('ID3'), Buffer.from([4, 0, 0, 0, 0, 1, 0]), Buffer.alloc(128), FRAME, Buffer.alloc(16_000 * seconds - 4));
const variable = (seconds: number): Buffer => join(FRAME, Buffer.alloc(32), latin('Xing'), be32(1), be32(Math.floor((seconds * 44_100) / 1152)), Buffer.alloc(900));

describe('a recording says how long it is', () => {
  test.each<readonly [string, Buffer]>([
    ['wav', wav(7)],
    ['wav, with a chunk of another kind before its sound', wav(7, { before: join(latin('LIST'), le32(3), Buffer.alloc(4)) })],
    ['wav, from a recorder that did not know its end', wav(7, { told: false })],
    ['flac', flac(7)],
    ['flac, of a rate that fills its bits', flac(7, 192_000)],
    ['ogg with opus', opus(7)],
    ['ogg with vorbis', vorbis(7)],
    ['m4a, its length at the end', m4a(7)],
    ['m4a, of 64 bits', m4a(7, true)],
    ['webm', webm(7)],
    ['webm, in units of its own', webm(7, [0x07, 0xa1, 0x20])],
    ['mp3 of one bitrate, after a tag', mp3(7)],
    ['mp3 of many bitrates, which counts its frames', variable(7)],
  ])('%s', (_name, file) => {
    expect(secondsOf(file)).toBe(7);
  });

  test('a piece of a second is charged as one', () => {
    expect(secondsOf(wav(0.25))).toBe(1);
  });
});

describe('where it does not', () => {
  test('its size tells: 4,000 bytes a second', () => {
    expect(secondsOf(webm(undefined))).toBe(3);
    expect(secondsOf(Buffer.from('x'.repeat(8_000)))).toBe(2);
    expect(secondsOf(Buffer.alloc(0))).toBe(0);
  });

  test('cut or changed anywhere, it is a whole number, and soon', () => {
    const files = [wav(1), flac(3), opus(3), vorbis(3), m4a(3), m4a(3, true), webm(3), mp3(1), variable(3)];
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), fc.array(fc.tuple(fc.nat({ max: 199 }), fc.nat({ max: 255 })), { maxLength: 12 }), (file, length, changes) => {
        const mutant = Buffer.from(file.subarray(0, length % (file.length + 1)));
        for (const [at, value] of changes) if (at < mutant.length) mutant[at] = value;
        const seconds = secondsOf(mutant);
        expect(Number.isInteger(seconds) && seconds >= 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
