/** A multipart form, read as far as its short fields; what it carries is not copied. RFC 7578. */
import { refused } from '../schema.ts';

export interface Form {
  readonly contentType: string;
  /** Fields that are no files, by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** The first file, as far as it is here, and how long it is in all. */
  readonly file?: { readonly bytes: Buffer; readonly size: number };
  /** Where the model's name stands. */
  readonly model?: { readonly name: string; readonly start: number; readonly end: number };
  /** What comes before was read for what it is; {@link readOn} goes on from here. */
  readonly read: number;
}

/** Longer than any prompt for a recording may be. */
const LONGEST_FIELD = 64 * 1024;
/** Node takes as much before a body. */
const LONGEST_HEADERS = 16 * 1024;
const HEADERS_END = Buffer.from('\r\n\r\n');

/**
 * `bytes` may be the beginning of a form of `size` bytes: then the last part may be cut short.
 * Throws `invalid-request` where they are not the form their content type says.
 */
export function readForm(bytes: Buffer, contentType: string, size = bytes.length): Form {
  const { parts, read } = partsOf(bytes, boundaryOf(contentType), size === bytes.length);
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  let model: Form['model'];
  let file: Form['file'];
  for (const { headers, start, end } of parts) {
    const name = nameIn(headers);
    if (name === undefined) continue;
    if (name === 'model' && model !== undefined) throw twoModels();
    if (/;\s*filename\*?=/i.test(headers)) {
      if (name === 'model') throw refused('model', 'must be a field, not a file');
      file ??= { bytes: bytes.subarray(start, end ?? bytes.length), size: (end ?? size) - start };
      continue;
    }
    if (end === undefined || end - start > LONGEST_FIELD) continue;
    fields[name] = bytes.toString('utf8', start, end);
    if (name === 'model') model = { name: fields[name].trim(), start, end };
  }
  return { contentType, fields, ...(file !== undefined && { file }), ...(model !== undefined && { model }), read };
}

/** Somebody else might read the other one. */
const twoModels = () => refused('model', 'the form has two fields of this name');

function boundaryOf(contentType: string): Buffer {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw refused('content-type', 'a form needs its boundary');
  return Buffer.from(`\r\n--${boundary}`);
}

function nameIn(headers: string): string | undefined {
  const [, quoted, plain] = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(headers) ?? [];
  return quoted ?? plain;
}

interface Part {
  readonly headers: string;
  /** Of the content. No end: it is not here yet. */
  readonly start: number;
  readonly end?: number;
}

/** `mark`: what stands between two parts, which begins with a line end; the first may do without. */
function partsOf(bytes: Buffer, mark: Buffer, whole: boolean): { readonly parts: readonly Part[]; readonly read: number } {
  const parts: Part[] = [];
  const short = (read: number): { readonly parts: readonly Part[]; readonly read: number } => {
    if (whole) throw cutShort();
    return { parts, read };
  };
  let at = bytes.indexOf(mark.subarray(2)) - 2;
  if (at < -2) throw refused('', 'is not the form its content-type says');
  for (;;) {
    const named = at + mark.length;
    if (isLast(bytes, named)) return { parts, read: whole ? bytes.length : at };
    const headersEnd = bytes.indexOf(HEADERS_END, named);
    if (headersEnd < 0) return short(Math.max(0, at));
    const start = headersEnd + HEADERS_END.length;
    // An empty content shares its line end with the headers.
    at = bytes.indexOf(mark, headersEnd + 2);
    parts.push({ headers: bytes.toString('utf8', named, headersEnd), start, ...(at >= 0 && { end: Math.max(start, at) }) });
    if (at < 0) return short(Math.max(headersEnd + 2, bytes.length - mark.length + 1));
  }
}

const cutShort = () => refused('', 'the form is cut short');

const isLast = (bytes: Buffer, named: number): boolean => bytes.toString('latin1', named, named + 2) === '--';

/**
 * The rest of a form, from `held` on, piece by piece as it comes and before anybody else has seen it.
 * Throws `invalid-request` where a second field names a model, and where the form is cut short.
 */
export async function* readOn(held: Buffer, rest: AsyncIterable<Buffer>, contentType: string): AsyncGenerator<Buffer> {
  const mark = boundaryOf(contentType);
  const state = { bytes: held, over: false };
  for await (const piece of rest) {
    state.bytes = Buffer.concat([state.bytes, piece]);
    const passed = state.over ? state.bytes.length : judge(state, mark);
    if (passed > 0) yield state.bytes.subarray(0, passed);
    state.bytes = state.bytes.subarray(passed);
  }
  if (!state.over) throw cutShort();
}

/** How many of the bytes hold nothing that is still to be judged. */
function judge(state: { readonly bytes: Buffer; over: boolean }, mark: Buffer): number {
  const { bytes } = state;
  for (let from = 0; ; ) {
    const at = bytes.indexOf(mark, from);
    if (at < 0) return Math.max(from, bytes.length - mark.length + 1);
    const named = at + mark.length;
    if (isLast(bytes, named)) {
      state.over = true;
      return bytes.length;
    }
    const headersEnd = bytes.indexOf(HEADERS_END, named);
    if (headersEnd < 0 && bytes.length - at > LONGEST_HEADERS) throw refused('', 'a part of the form has headers that do not end');
    if (headersEnd < 0) return at;
    if (nameIn(bytes.toString('utf8', named, headersEnd)) === 'model') throw twoModels();
    from = headersEnd + 2;
  }
}
