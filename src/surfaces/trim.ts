/** `max_context_tokens`, in a chat or as a header: a long conversation made to fit by forgetting its oldest turns. */
import { FailureError } from '../failure.ts';
import type { ChatRequest } from '../types.ts';
import { estimatePrompt, needsOf, textOf } from './prompt.ts';
import type { Asked, Message } from './prompt.ts';

/**
 * A turn is what a user said and all that answered it, tool calls and their results included, and goes as one. The system
 * prompt and the last turn stay. Throws `invalid-request` where these alone are too long; `named`: how the caller said it.
 */
export function trimTo(request: ChatRequest, most: number, named: string): ChatRequest {
  if (request.promptTokens <= most) return request;
  const asked = request.body as unknown as Asked;
  const forgotten = new Set<Message>();
  let promptTokens = request.promptTokens;
  for (const turn of turnsOf(asked.messages).slice(0, -1)) {
    turn.forEach((message) => forgotten.add(message));
    promptTokens -= estimatePrompt({ messages: turn });
    if (promptTokens > most) continue;
    const messages = asked.messages.filter((message) => !forgotten.has(message));
    const { original: _longer, written: _all, ...rest } = request;
    return { ...rest, body: { ...request.body, messages }, text: textOf(messages), needs: needsOf({ ...asked, messages }), promptTokens };
  }
  throw new FailureError({
    kind: 'invalid-request',
    param: named,
    code: 'context_length_exceeded',
    message: `the system prompt and the last turn alone are longer than ${most} tokens; shorten them, or allow more in ${named}`,
  });
}

const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';

/** Oldest first. What comes before the first user message is a turn of its own. */
function turnsOf(messages: readonly Message[]): readonly (readonly Message[])[] {
  const turns: Message[][] = [];
  for (const message of messages) {
    if (isSystem(message)) continue;
    if (message.role === 'user' || turns.length === 0) turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns;
}
