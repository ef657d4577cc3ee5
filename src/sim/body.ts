/** What a call brings: JSON, or a form, read by the platform's own reader. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isObject } from './tokens.ts';
import type { Call } from './types.ts';

/** No client of a provider sends more; it is here so that a runaway test cannot fill the memory. */
const MOST_BYTES = 64 * 1024 * 1024;

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MOST_BYTES) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** No `body`: it is neither, or not what it says it is. */
export async function readBody(bytes: Buffer, contentType = ''): Promise<Pick<Call, 'body' | 'file'>> {
  try {
    if (contentType.startsWith('multipart/form-data')) return await readForm(new Response(bytes, { headers: { 'content-type': contentType } }));
    return { body: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return { body: undefined };
  }
}

/** A file is recorded by what tells it from others; a field that comes twice is a list. */
async function readForm(response: Response): Promise<Pick<Call, 'body' | 'file'>> {
  const fields: Record<string, unknown> = {};
  let file: Buffer | undefined;
  for (const [name, value] of await response.formData()) {
    const known = fields[name];
    const said = typeof value === 'string' ? value : await described(value);
    fields[name] = known === undefined ? said : [known, said].flat();
    if (typeof value !== 'string') file ??= Buffer.from(await value.arrayBuffer());
  }
  return { body: fields, ...(file !== undefined && { file }) };
}

async function described(file: File): Promise<object> {
  const bytes = Buffer.from(await file.arrayBuffer());
  return { name: file.name, type: file.type, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

export const modelOf = (body: unknown): string | undefined => (isObject(body) && typeof body['model'] === 'string' ? body['model'] : undefined);
