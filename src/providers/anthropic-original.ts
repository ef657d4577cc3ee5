/** A question in Anthropic's own words for Anthropic itself: nothing is translated, and nothing lost. */
import type { ChatChunk, Original } from '../types.ts';
import { questionHeaders } from './dialect.ts';
import type { Decoder, HttpRequest, Payload } from './dialect.ts';
import { isRecord, listAt, parseJson, textAt } from './json.ts';
import type { Json } from './json.ts';
import type { RelayOptions } from './relay.ts';

/** What the operator sends along with every call stays. */
export function asOriginal({ body, beta }: Original, { request, target: { provider, model }, authorization }: RelayOptions): HttpRequest {
  const headers = questionHeaders(provider, request.stream, authorization);
  if (beta !== undefined) headers['anthropic-beta'] = [provider.headers['anthropic-beta'], beta].filter(Boolean).join(',');
  return { method: 'POST', url: `${provider.baseUrl}/messages`, headers, body: JSON.stringify({ ...body, model: model.name, messages: listAt(body, 'messages').map(withOwnThoughts) }) };
}

/** Thoughts of another maker's model have no signature, and are refused with a wrong one. */
function withOwnThoughts(message: Json): Json {
  const content = message['content'];
  if (!Array.isArray(content) || !content.some(isUnsigned)) return message;
  return { ...message, content: content.filter((block: unknown) => !isUnsigned(block)) };
}

const isUnsigned = (block: unknown): boolean => isRecord(block) && block['type'] === 'thinking' && !block['signature'];

/** Every event in its place, also those that have no translation: pings, signatures, ends of blocks, what is new. */
export function keepingEvents(decoder: Decoder): Decoder {
  return {
    ...decoder,
    read(payload) {
      const source = { event: payload.event ?? nameOf(payload), text: payload.text };
      const [first = source.event === 'content_block_delta' ? UNTOLD : SILENT, ...more] = decoder.read(payload);
      return [{ source, ...first }, ...more];
    },
  };
}

const SILENT: ChatChunk = { text: '', whole: false, content: false };
/** A piece of the answer that OpenAI's form has no place for. */
const UNTOLD: ChatChunk = { text: '', whole: false, content: true };

function nameOf({ text }: Payload): string {
  const value = parseJson(text);
  return isRecord(value) ? (textAt(value, 'type') ?? '') : '';
}
