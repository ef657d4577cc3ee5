/** Questions besides chat: passed on with the model's own name, their answers passed back as they come. */
import type { UpstreamFailure } from '../failure.ts';
import type { ChatChunk, ChatRequest, Relay, Target, Upload, Usage } from '../types.ts';
import { stringified } from '../written.ts';
import { usageOf } from './chunk.ts';
import type { HttpHeaders, HttpRequest, Refuse } from './dialect.ts';
import { isComplaint } from './envelope.ts';
import { fitted, notTaken } from './fields.ts';
import { countAt, isRecord, parseJson, recordAt } from './json.ts';
import type { Json } from './json.ts';
import { broken } from './tally.ts';
import { isJson, notIn } from './transcript.ts';
import type { Wording } from './transcript.ts';

export interface RelayOptions {
  readonly request: ChatRequest;
  readonly target: Target;
  /** The header that carries the credential. */
  readonly authorization: Readonly<Record<string, string>>;
}

export function encodeRelay({ path, form }: Relay, { request, target: { provider, model }, authorization }: RelayOptions): HttpRequest {
  const base = { method: 'POST', url: provider.baseUrl + path } as const;
  const headers = { ...provider.headers, ...authorization, accept: '*/*' };
  if (form !== undefined) return { ...base, headers: { ...headers, ...formHeaders(form, model.name) }, body: pieces(form, model.name) };
  return { ...base, headers: { ...headers, 'content-type': 'application/json' }, body: stringified(fitted({ ...request.body, model: model.name }, provider), request.written) };
}

/** For a format of its own, which has its own questions besides chat, or none. What is passed on as it is goes where its client says. */
export function refuseForeign({ surface, relay }: ChatRequest, own: readonly string[] = []): void {
  if (surface !== 'proxy' && relay !== undefined && !own.includes(relay.path)) throw notTaken('model', `${relay.path.slice(1)} in OpenAI's form at this base_url; its compatible one may`);
}

function formHeaders({ contentType, before, after, rest }: Upload, model: string): HttpRequest['headers'] {
  return { 'content-type': contentType, 'content-length': String(before.length + Buffer.byteLength(model) + after.length + (rest?.length ?? 0)) };
}

async function* pieces({ before, after, rest }: Upload, model: string): AsyncGenerator<Uint8Array> {
  yield before;
  yield Buffer.from(model);
  yield after;
  if (rest !== undefined) yield* rest.bytes;
}

/**
 * JSON is one piece, read for the error it may be and the usage it may tell; so is a transcript, which must be in the
 * format that was asked for. Anything else is passed on as it comes.
 */
export async function* relayed({ headers, bytes }: { readonly headers: HttpHeaders; readonly bytes: AsyncIterable<Uint8Array> }, refuse: Refuse, wording?: Wording): AsyncGenerator<ChatChunk> {
  const contentType = String(headers['content-type'] ?? 'application/octet-stream');
  if (/^text\/html\b/i.test(contentType)) throw broken('answered with a web page');
  if (wording !== undefined) {
    yield readTranscript(await whole(bytes), { contentType, refuse, ...wording });
    return;
  }
  if (isJson(contentType)) {
    yield readWhole((await whole(bytes)).toString('utf8'), refuse);
    return;
  }
  const raw = (piece: Uint8Array): ChatChunk => ({ text: '', whole: false, content: true, raw: { bytes: piece, contentType } });
  let some = false;
  let held: Uint8Array[] | undefined = UNTYPED.test(contentType) ? [] : undefined;
  for await (const piece of bytes) {
    if (piece.length === 0) continue;
    if (!some && held !== undefined) held = mayBeJson(piece) ? held : undefined;
    some = true;
    if (held === undefined) yield raw(piece);
    else held.push(piece);
  }
  if (!some) throw broken('sent an empty answer');
  if (held === undefined) return;
  const all = Buffer.concat(held);
  const text = all.toString('utf8');
  // Words may begin with a bracket; nothing but JSON begins with a brace.
  yield text.trimStart().startsWith('[') && parseJson(text) === undefined ? raw(all) : readWhole(text, refuse);
}

/** What servers say that were told no type. What such an answer is, its beginning tells. */
const UNTYPED = /^(?:application\/octet-stream|binary\/octet-stream|text\/plain)\b/i;

/** Throws for a page, which is for nobody here, whatever it is called. */
function mayBeJson(piece: Uint8Array): boolean {
  const start = Buffer.from(piece.subarray(0, 64)).toString('latin1').trimStart();
  if (/^<(?:!doctype html|html)\b/i.test(start)) throw broken('answered with a web page');
  return start.startsWith('{') || start.startsWith('[');
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The very bytes. Some call subtitles JSON, and clients would try to read them as that. */
function readTranscript(bytes: Buffer, { contentType, refuse, format, is }: Wording & { readonly contentType: string; readonly refuse: Refuse }): ChatChunk {
  const text = bytes.toString('utf8');
  if (isComplaint(parseJson(text))) throw refuse(text);
  if (!is(text)) throw notIn(format);
  return { text: '', whole: true, content: true, raw: { bytes, contentType: isJson(contentType) ? 'text/plain; charset=utf-8' : contentType } };
}

function readWhole(text: string, refuse: Refuse): ChatChunk {
  const value = parseJson(text);
  if (isComplaint(value)) throw refuse(text);
  if (value === undefined) throw broken('sent something that is not JSON');
  const usage = isRecord(value) ? (usageOf(value) ?? listenedTo(value)) : undefined;
  return { text, whole: true, content: true, ...(usage !== undefined && { usage }) };
}

/** Of a transcription: OpenAI tells tokens by other names than of a chat, or the recording's length; a verbose answer tells its `duration`. */
function listenedTo(answer: Json): Usage | undefined {
  const told = recordAt(answer, 'usage');
  const input = countAt(told, 'input_tokens');
  const seconds = countAt(told, 'seconds') ?? countAt(answer, 'duration');
  if (input === undefined && seconds === undefined) return undefined;
  return { input: input ?? 0, output: countAt(told, 'output_tokens') ?? 0, ...(seconds !== undefined && { audioSeconds: seconds }) };
}

const OF_MODEL_OR_KEY: ReadonlySet<UpstreamFailure['kind']> = new Set(['model-gone', 'model-access', 'credential', 'too-long']);

/** On a path of the client's own choice a 404, 401 or 403 is about the path: it retires no model and suspends no account. */
export function ofPath(failure: UpstreamFailure): UpstreamFailure {
  if (!OF_MODEL_OR_KEY.has(failure.kind)) return failure;
  const { message } = failure;
  return { kind: 'caller', message, ...('upstreamStatus' in failure && failure.upstreamStatus !== undefined && { upstreamStatus: failure.upstreamStatus }) };
}
