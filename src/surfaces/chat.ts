/** `POST /v1/chat/completions`: a body becomes a {@link ChatRequest}, or an error that names the field. */
import { z } from 'zod';
import { check, refused } from '../schema.ts';
import type { ChatRequest, Surface } from '../types.ts';
import { written } from '../written.ts';
import { streamChat, wholeChat } from './chat-answer.ts';
import { clientFields, ownWords, userOf, withoutNotes } from './client-fields.ts';
import type { Arrival, Conversation } from './conversation.ts';
import { isRecord } from './json.ts';
import type { Json } from './json.ts';
import { estimatePrompt, needsOf, textOf } from './prompt.ts';
import { readResponses } from './responses-request.ts';

/** Strict about what is read here; fields unknown to us pass through. */
const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const toolCall = z.looseObject({ id: z.string().optional() });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(part)]).nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_call_id: z.string().nullish(),
});
export const chatBody = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  ...ownWords,
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  n: z.int().min(1).max(128).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).max(1024).nullish(),
  functions: z.array(z.looseObject({ name: z.string() })).max(1024).nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
});

/** `POST /v1/chat/completions`. */
export function chat(input: unknown, arrival: Arrival, text?: string): Conversation {
  const { body: asked, dropped } = isRecord(input) && 'input' in input && !('messages' in input) ? askedAsResponses(input) : { body: input, dropped: [] };
  const request = parseChat(asked, arrival, { text: asked === input ? text : undefined });
  const includeUsage = (request.body['stream_options'] as { include_usage?: unknown } | null | undefined)?.include_usage === true;
  return { request, dropped, stream: (chunks, now) => streamChat(chunks, { requestId: request.id, now, includeUsage }), whole: wholeChat };
}

/** Cursor asks here in the words of the Responses API, and reads a chat's answer. */
function askedAsResponses({ stream_options: options, ...input }: Json): { readonly body: Json; readonly dropped: readonly string[] } {
  const { body: question, dropped } = readResponses(input);
  return { body: { ...question, ...(options !== undefined && { stream_options: options }) }, dropped };
}

interface Asked {
  readonly surface?: Surface;
  /** What the input was read from. Absent: not at hand, or it was said in other words. */
  readonly text?: string | undefined;
}

/** Throws `invalid-request` with `param` as the path of the first wrong field. */
export function parseChat(input: unknown, arrival: Arrival, { surface = 'chat', text }: Asked = {}): ChatRequest {
  const data = check(chatBody, input);
  refuseStrayResults(data.messages);
  const messages = withoutNotes(data.messages);
  const user = userOf(data);
  // Without its notes it is another text.
  const asCame = messages === data.messages ? written(text, data) : undefined;
  const maxOutput = data.max_completion_tokens ?? data.max_tokens ?? undefined;
  return {
    surface,
    model: data.model,
    stream: data.stream === true,
    body: clientFields(messages === data.messages ? data : { ...data, messages }),
    text: textOf(data.messages),
    needs: needsOf(data),
    promptTokens: estimatePrompt(data),
    ...(asCame !== undefined && { written: asCame }),
    ...(user !== undefined && { user }),
    ...arrival,
    ...(maxOutput !== undefined && { maxOutput }),
    ...(typeof data.max_context_tokens === 'number' && { maxContext: data.max_context_tokens }),
    ...(data.dry_run === true && { dryRun: true as const }),
  };
}

/** A tool's result answers a call made earlier in the same conversation; providers refuse others, each in its own words. */
function refuseStrayResults(messages: z.infer<typeof chatBody>['messages']): void {
  const called = new Set<string>();
  for (const [index, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    for (const call of calls ?? []) if (call.id !== undefined) called.add(call.id);
    if (role === 'tool' && !(typeof id === 'string' && called.has(id))) {
      throw refused(`messages[${index}].tool_call_id`, 'this is a tool result, but no earlier assistant message made that tool call');
    }
  }
}
