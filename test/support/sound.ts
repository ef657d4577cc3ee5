/** Recordings built by hand after their containers' specifications. */
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

const le32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
};

/** 16 kHz, 16 bits, one channel. `told`: whether it says how long it is; `before`: chunks before the sound. */
export function wav(seconds: number, { told = true, before = Buffer.alloc(0) }: { readonly told?: boolean; readonly before?: Buffer } = {}): Buffer {
  const bytes = 32_000 * seconds;
  const format = Buffer.concat([latin('fmt '), le32(16), Buffer.from([1, 0, 1, 0]), le32(16_000), le32(32_000), Buffer.from([2, 0, 16, 0])]);
  return Buffer.concat([latin('RIFF'), le32(bytes + 36), latin('WAVE'), format, before, latin('data'), le32(told ? bytes : 0xffffffff), Buffer.alloc(bytes)]);
}

const be32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
};

const box = (name: string, ...content: readonly Buffer[]): Buffer => Buffer.concat([be32(8 + Buffer.concat(content).length), latin(name), ...content]);

/** Says any length without being long. `long`: in numbers of 64 bits. */
export function m4a(seconds: number, long = false, bytes = 100): Buffer {
  const header = long
    ? [Buffer.from([1, 0, 0, 0]), Buffer.alloc(16), be32(1000), be32(0), be32(seconds * 1000), Buffer.alloc(80)]
    : [Buffer.alloc(4), Buffer.alloc(8), be32(1000), be32(seconds * 1000), Buffer.alloc(80)];
  return Buffer.concat([box('ftyp', latin('M4A isom')), box('mdat', Buffer.alloc(bytes)), box('moov', box('mvhd', ...header))]);
}
