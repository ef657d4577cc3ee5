/** Answers of other formats, told in OpenAI's: from there on they are read like everybody's. */
import type { Payload } from './dialect.ts';
import type { Json } from './json.ts';

/** What stays the same in every chunk of one answer. */
export interface Head {
  readonly id: string;
  readonly model: string;
}

export interface Finish {
  readonly reason: string;
  readonly usage?: Json;
}

/** One `chat.completion.chunk`. */
export function chunkOf(head: Head, delta: Json, finish?: Finish, index = 0): Payload {
  return payload(false, { ...head, object: 'chat.completion.chunk', created: 0, choices: [{ index, delta, finish_reason: finish?.reason ?? null }], ...(finish?.usage && { usage: finish.usage }) });
}

/** One whole `chat.completion`. */
export function completionOf(head: Head, message: Json, { reason, usage }: Finish): Payload {
  return payload(true, { ...head, object: 'chat.completion', created: 0, choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: reason }], ...(usage && { usage }) });
}

function payload(whole: boolean, value: Json): Payload {
  return { text: JSON.stringify(value), whole };
}

export function usageFields({ input, output, cached = 0, reasoning = 0 }: { readonly input: number; readonly output: number; readonly cached?: number; readonly reasoning?: number }): Json {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(cached > 0 && { prompt_tokens_details: { cached_tokens: cached } }),
    ...(reasoning > 0 && { completion_tokens_details: { reasoning_tokens: reasoning } }),
  };
}
