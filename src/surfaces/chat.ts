/** `POST /v1/chat/completions`: a body becomes a {@link ChatRequest}, or an error that names the field. */
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import type { Caller, ChatRequest } from '../types.ts';
import { estimatePrompt, needsOf, textOf } from './prompt.ts';

/** Strict about what is read here; fields unknown to us pass through. */
const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const toolCall = z.looseObject({ id: z.string().optional() });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(part)]).nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_call_id: z.string().nullish(),
});
const body = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
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

/** A client says what it wants, never where to or on whose credential: these fields of other gateways are dropped. */
const IGNORED: ReadonlySet<string> = new Set(['api_base', 'api_key', 'api_version', 'base_url', 'extra_headers', 'headers', 'proxy']);

/** What the transport knows about a request. */
export interface Arrival {
  readonly id: string;
  readonly caller: Caller;
  readonly receivedAt: number;
  readonly deadline: number;
  readonly priority: number;
}

/** Throws `invalid-request` with `param` as the path of the first wrong field. */
export function parseChat(input: unknown, arrival: Arrival): ChatRequest {
  const parsed = body.safeParse(input);
  if (!parsed.success) throw invalid(parsed.error);
  const { data } = parsed;
  refuseStrayResults(data.messages);
  const maxOutput = data.max_completion_tokens ?? data.max_tokens ?? undefined;
  return {
    ...arrival,
    surface: 'chat',
    model: data.model,
    stream: data.stream === true,
    body: Object.fromEntries(Object.entries(data).filter(([key]) => !IGNORED.has(key))),
    text: textOf(data.messages),
    needs: needsOf(data),
    promptTokens: estimatePrompt(data),
    ...(maxOutput !== undefined && { maxOutput }),
  };
}

/** A tool's result answers a call made earlier in the same conversation; providers refuse others, each in its own words. */
function refuseStrayResults(messages: z.infer<typeof body>['messages']): void {
  const called = new Set<string>();
  for (const [index, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    for (const call of calls ?? []) if (call.id !== undefined) called.add(call.id);
    if (role === 'tool' && !(typeof id === 'string' && called.has(id))) {
      throw new FailureError({
        kind: 'invalid-request',
        param: `messages[${index}].tool_call_id`,
        message: `messages[${index}] is a tool result, but no earlier assistant message made that tool call`,
      });
    }
  }
}

function invalid(error: z.ZodError): FailureError {
  const [issue] = error.issues;
  const param = pathOf(issue?.path ?? []);
  return new FailureError({ kind: 'invalid-request', message: `${param || 'the body'}: ${(issue?.message ?? 'not understood').toLowerCase()}`, ...(param && { param }) });
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`)).join('');
}
