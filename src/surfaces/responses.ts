/** `POST /v1/responses`: OpenAI's newer way of asking, on top of any provider. Nothing is kept between two questions. */
import { failureOf } from '../failure.ts';
import { parseChat } from './chat.ts';
import type { Arrival, Conversation } from './conversation.ts';
import { createTeller } from './responses-answer.ts';
import type { Event } from './responses-answer.ts';
import { readResponses } from './responses-request.ts';

export function responses(input: unknown, arrival: Arrival): Conversation {
  const { asked, body, dropped } = readResponses(input);
  const request = parseChat(body, arrival, 'responses');
  const teller = createTeller(request, asked);
  return {
    request,
    dropped,
    async *stream(chunks, now) {
      try {
        for await (const event of teller.tell(chunks)) yield frame(event);
      } catch (error) {
        yield teller.fail(failureOf(error), now()).map(frame).join('');
      }
    },
    async whole(chunks) {
      let last: Event | undefined;
      for await (const event of teller.tell(chunks)) last = event;
      return JSON.stringify(last?.['response']);
    },
  };
}

function frame(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
