/** Transcripts in the formats that are no JSON: whether an answer is in the one that was asked for. */
import { FailureError } from '../failure.ts';
import type { ChatRequest } from '../types.ts';

export interface Wording {
  readonly format: string;
  readonly is: (text: string) => boolean;
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;
export const isJson = (contentType: string): boolean => JSON_TYPE.test(contentType);

/** Of silence there is nothing to tell: an empty transcript is one. */
const WORDINGS: Readonly<Record<string, Wording['is']>> = {
  text: (text) => !/^\{\s*"text"\s*:/.test(text),
  srt: (text) => text === '' || /^\d+\r?\n\d+:\d\d:\d\d[,.]\d{3} --> /.test(text),
  vtt: (text) => /^WEBVTT(?:\s|$)/.test(text),
};

/** Undefined: the answer is JSON, or another thing altogether. */
export function wordingOf({ relay, body, stream }: ChatRequest): Wording | undefined {
  const format = body['response_format'];
  if (stream || relay === undefined || !relay.path.startsWith('/audio/trans') || typeof format !== 'string') return undefined;
  const is = WORDINGS[format];
  return is && { format, is: (text) => is(text.replace(/^\uFEFF?\s*/, '')) };
}

/** Some providers pass over the wish: another may meet it. */
export function notIn(format: string): FailureError {
  return new FailureError({ kind: 'caller', capability: true, param: 'response_format', message: `response_format: this model's provider did not answer in ${format}` });
}
