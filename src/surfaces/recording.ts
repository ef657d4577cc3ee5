/** How long a recording is, as its container says: providers that listen count seconds. No sound is decoded. */

/** Speech at the 32 kbit/s browsers record with. Where a container does not tell its length, this rather says too long than too short. */
const SPEECH_BYTES_A_SECOND = 4_000;

/**
 * Whole seconds, rounded up as they are charged. `file` may be the beginning of one of `size` bytes.
 * One that is cut short, or lies, is measured by its size.
 */
export function secondsOf(file: Buffer, size = file.length): number {
  const told = CONTAINERS.find(({ is }) => is(file))?.seconds(file, size);
  const seconds = told !== undefined && Number.isFinite(told) && told > 0 ? told : size / SPEECH_BYTES_A_SECOND;
  return Math.ceil(seconds);
}

interface Container {
  readonly is: (file: Buffer) => boolean;
  /** Undefined: it does not say. */
  readonly seconds: (file: Buffer, size: number) => number | undefined;
}

const marked = (mark: string, at = 0) => (file: Buffer): boolean => file.toString('latin1', at, at + mark.length) === mark;

const CONTAINERS: readonly Container[] = [
  { is: (file) => marked('RIFF')(file) && marked('WAVE', 8)(file), seconds: wav },
  { is: marked('fLaC'), seconds: flac },
  { is: marked('OggS'), seconds: ogg },
  { is: marked('ftyp', 4), seconds: mp4 },
  { is: marked('\x1a\x45\xdf\xa3'), seconds: matroska },
  { is: (file) => marked('ID3')(file) || isFrame(file, 0), seconds: mp3 },
];

const has = (file: Buffer, at: number, bytes: number): boolean => at >= 0 && at + bytes <= file.length;

/** Chunks of a name and a length, padded to even; `fmt ` stands before `data`. */
function wav(file: Buffer, size: number): number | undefined {
  let bytesASecond = 0;
  for (let at = 12; has(file, at, 8); ) {
    const name = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    if (name === 'fmt ' && has(file, at, 20)) bytesASecond = file.readUInt32LE(at + 16);
    // A recorder that streams does not know the length when it writes it.
    if (name === 'data') return Math.min(length || Number.POSITIVE_INFINITY, size - at - 8) / bytesASecond;
    at += 8 + length + (length % 2);
  }
  return undefined;
}

/** STREAMINFO comes first: 20 bits of sample rate, and 36 of samples, five bits after it ends a byte later. */
function flac(file: Buffer): number | undefined {
  if (!has(file, 18, 8)) return undefined;
  const rate = file.readUIntBE(18, 3) >>> 4;
  const samples = (file.readUInt8(21) & 0x0f) * 2 ** 32 + file.readUInt32BE(22);
  return samples / rate;
}

/** The last page tells how many samples there were, the first who wrote them. Of a beginning, what follows is taken to be like it. */
function ogg(file: Buffer, size: number): number | undefined {
  const last = file.lastIndexOf('OggS');
  if (!has(file, last, 14)) return undefined;
  const samples = Number(file.readBigUInt64LE(last + 6)) * (size > file.length ? size / last : 1);
  const opus = file.subarray(0, 128).indexOf('OpusHead');
  if (has(file, opus, 12)) return (samples - file.readUInt16LE(opus + 10)) / 48_000;
  const vorbis = file.subarray(0, 128).indexOf('\x01vorbis', 0, 'latin1');
  return has(file, vorbis, 16) ? samples / file.readUInt32LE(vorbis + 12) : undefined;
}

/** `mvhd` within `moov`: a time scale, and the length in it; of 32 bits each, or 64 for the length where the version is 1. */
function mp4(file: Buffer): number | undefined {
  const movie = boxIn(file, 'moov');
  return lengthIn(movie && boxIn(movie, 'mvhd'));
}

function lengthIn(header: Buffer | undefined): number | undefined {
  if (header === undefined || !has(header, 0, LENGTH_BYTES)) return undefined;
  const long = header.readUInt8(0) === 1;
  return (long ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16)) / header.readUInt32BE(long ? 20 : 12);
}

const LENGTH_BYTES = 32;
const MVHD = Buffer.from('mvhd');

/** What passes of a recording that did not tell its length at its beginning. */
export interface Listener {
  readonly hear: (piece: Buffer) => void;
  /** Whole seconds. Undefined: not told so far, or never. */
  readonly seconds: () => number | undefined;
}

/** Recorders that write while they record put `moov`, and `mvhd` first in it, at the end. Undefined: no MP4. */
export function listenerFor(beginning: Buffer): Listener | undefined {
  if (!marked('ftyp', 4)(beginning)) return undefined;
  const state: { held: Buffer; seconds?: number } = { held: Buffer.alloc(0) };
  return {
    hear(piece) {
      const bytes = Buffer.concat([state.held, piece]);
      for (let at = bytes.indexOf(MVHD, 8); at >= 0; at = bytes.indexOf(MVHD, at + 1)) {
        const seconds = marked('moov', at - 8)(bytes) ? lengthIn(bytes.subarray(at + MVHD.length)) : undefined;
        if (seconds !== undefined && Number.isFinite(seconds) && seconds > 0) state.seconds = Math.ceil(seconds);
      }
      state.held = bytes.subarray(-(8 + MVHD.length + LENGTH_BYTES));
    },
    seconds: () => state.seconds,
  };
}

function boxIn(parent: Buffer, wanted: string): Buffer | undefined {
  for (let at = 0; has(parent, at, 8); ) {
    const short = parent.readUInt32BE(at);
    const large = short === 1 && has(parent, at, 16);
    const length = large ? Number(parent.readBigUInt64BE(at + 8)) : short === 0 ? parent.length - at : short;
    const head = large ? 16 : 8;
    if (length < head) return undefined;
    if (parent.toString('latin1', at + 4, at + 8) === wanted) return parent.subarray(at + head, at + length);
    at += length;
  }
  return undefined;
}

/** `Duration` in units of `TimestampScale`, which is a millisecond unless it says so. Browsers that record leave it out. */
function matroska(file: Buffer): number | undefined {
  const start = file.subarray(0, 64 * 1024);
  const info = start.indexOf(Buffer.from([0x15, 0x49, 0xa9, 0x66]));
  const at = info < 0 ? -1 : start.indexOf(Buffer.from([0x44, 0x89]), info);
  if (!has(start, at, 11)) return undefined;
  const size = start.readUInt8(at + 2) & 0x7f;
  const length = size === 4 ? start.readFloatBE(at + 3) : size === 8 ? start.readDoubleBE(at + 3) : Number.NaN;
  const scale = start.indexOf(Buffer.from([0x2a, 0xd7, 0xb1]), info);
  const bytes = has(start, scale, 4) ? start.readUInt8(scale + 3) & 0x7f : 0;
  const nanoseconds = bytes > 0 && bytes <= 6 && has(start, scale + 4, bytes) ? start.readUIntBE(scale + 4, bytes) : 1e6;
  return (length * nanoseconds) / 1e9;
}

/** kbit/s of layer III, of MPEG 1 and of its two successors with lower rates. */
const BITRATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const RATES = [44_100, 48_000, 32_000] as const;
/** By the version's two bits: 2.5, none, 2, 1. */
const RATE_DIVISORS = [4, 0, 2, 1] as const;

/** A sync word, layer III, and neither a rate nor a bitrate that does not exist. */
function isFrame(file: Buffer, at: number): boolean {
  if (!has(file, at, 4)) return false;
  const word = file.readUInt32BE(at);
  return word >>> 21 === 0x7ff && ((word >>> 19) & 3) !== 1 && ((word >>> 17) & 3) === 1 && ((word >>> 12) & 15) !== 15 && ((word >>> 10) & 3) !== 3;
}

/** The first frame may count all of them (`Xing`, `Info`); else all are taken to be as large as it is. */
function mp3(file: Buffer, size: number): number | undefined {
  const tag = marked('ID3')(file) && has(file, 6, 4) ? 10 + [6, 7, 8, 9].reduce((size, at) => size * 128 + (file.readUInt8(at) & 0x7f), 0) : 0;
  const at = [0, 1, 2, 3].map((more) => tag + more).find((place) => isFrame(file, place));
  if (at === undefined) return undefined;
  const word = file.readUInt32BE(at);
  const version = (word >>> 19) & 3;
  const rate = (RATES[(word >>> 10) & 3] ?? 0) / (RATE_DIVISORS[version] ?? 0);
  const bitrate = (BITRATES[version === 3 ? 0 : 1][(word >>> 12) & 15] ?? 0) * 1000;
  const samples = version === 3 ? 1152 : 576;
  const head = file.subarray(at, at + 64).toString('latin1');
  const counted = at + Math.max(head.indexOf('Xing'), head.indexOf('Info'));
  if (counted > at && has(file, counted, 12) && (file.readUInt32BE(counted + 4) & 1) === 1) return (file.readUInt32BE(counted + 8) * samples) / rate;
  return ((size - at) * 8) / bitrate;
}
