/** `POST /v1/messages`: Anthropic's way of asking, on top of any provider. */
import { failureOf } from '../failure.ts';
import type { ChatChunk } from '../types.ts';
import { parseChat } from './chat.ts';
import type { Arrival, Conversation } from './conversation.ts';
import { tellAnthropic } from './errors.ts';
import { foldMessage, messageEvents } from './messages-answer.ts';
import type { Event } from './messages-answer.ts';
import { readMessages } from './messages-request.ts';

export function messages(input: unknown, arrival: Arrival): Conversation {
  const { body, thinking, dropped } = readMessages(input);
  const request = parseChat(body, arrival, 'messages');
  const events = (chunks: AsyncIterable<ChatChunk>): AsyncIterable<Event> => messageEvents(chunks, request, thinking);
  return {
    request,
    dropped,
    async *stream(chunks, now) {
      try {
        for await (const event of events(chunks)) yield frame(event);
      } catch (error) {
        yield frame(tellAnthropic(failureOf(error), request.id, now()).body);
      }
    },
    whole: async (chunks) => JSON.stringify(await foldMessage(events(chunks))),
  };
}

/** `POST /v1/messages/count_tokens`: an estimate, since no two models cut words alike. */
export function countTokens(input: unknown, arrival: Arrival): { readonly input_tokens: number } {
  return { input_tokens: parseChat(readMessages(input, { counting: true }).body, arrival, 'messages').promptTokens };
}

/** The official client goes by the name before the data. */
function frame(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
