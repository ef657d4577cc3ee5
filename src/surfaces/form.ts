/** A multipart form, read as far as its short fields; what it carries is not copied. */
import { refused } from '../schema.ts';

export interface Form {
  readonly contentType: string;
  /** Fields that are no files, by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** The first file. */
  readonly file?: Buffer;
  /** The model's name, and all bytes before and after it. */
  readonly model?: { readonly name: string; readonly before: Uint8Array; readonly after: Uint8Array };
}

/** Longer than any prompt for a recording may be. */
const LONGEST_FIELD = 64 * 1024;
const HEADERS_END = Buffer.from('\r\n\r\n');

/** Throws `invalid-request` where the bytes are not the form their content type says. RFC 7578. */
export function readForm(bytes: Buffer, contentType: string): Form {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw refused('content-type', 'a form needs its boundary');
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  let model: Form['model'];
  let file: Buffer | undefined;
  for (const { headers, start, end } of partsOf(bytes, Buffer.from(`--${boundary}`))) {
    const name = /;\s*name="([^"]*)"/i.exec(headers)?.[1];
    if (name === undefined) continue;
    if (/;\s*filename\*?=/i.test(headers)) {
      file ??= bytes.subarray(start, end);
      continue;
    }
    if (end - start > LONGEST_FIELD) continue;
    fields[name] = bytes.toString('utf8', start, end);
    if (name !== 'model') continue;
    if (model !== undefined) throw refused('model', 'the form has two fields of this name');
    model = { name: fields[name].trim(), before: bytes.subarray(0, start), after: bytes.subarray(end) };
  }
  return { contentType, fields, ...(file !== undefined && { file }), ...(model !== undefined && { model }) };
}

interface Part {
  readonly headers: string;
  /** Of the content. */
  readonly start: number;
  readonly end: number;
}

function* partsOf(bytes: Buffer, delimiter: Buffer): Generator<Part> {
  const next = Buffer.concat([Buffer.from('\r\n'), delimiter]);
  let at = bytes.indexOf(delimiter);
  if (at < 0) throw refused('', 'is not the form its content-type says');
  while (bytes.toString('latin1', at + delimiter.length, at + delimiter.length + 2) !== '--') {
    const headersEnd = bytes.indexOf(HEADERS_END, at);
    const end = headersEnd < 0 ? -1 : bytes.indexOf(next, headersEnd + 2);
    if (end < 0) throw refused('', 'the form is cut short');
    const start = headersEnd + HEADERS_END.length;
    // An empty content shares its line end with the headers.
    yield { headers: bytes.toString('utf8', at + delimiter.length, headersEnd), start, end: Math.max(start, end) };
    at = end + 2;
  }
}
