/** `POST /v1/responses`: OpenAI's newer way of asking, on top of any provider. Between two questions nothing is kept, unless there is a memory. */
import { failureOf } from '../failure.ts';
import type { Caller } from '../types.ts';
import { parseChat } from './chat.ts';
import { userOf } from './client-fields.ts';
import type { Arrival, Conversation, Speak } from './conversation.ts';
import { isRecord, records, text } from './json.ts';
import type { Json } from './json.ts';
import { createTeller } from './responses-answer.ts';
import type { Event } from './responses-answer.ts';
import { readResponses } from './responses-request.ts';

/** What answers may be built on by their id. */
export interface Memory {
  /** All items up to this response. Undefined: not theirs, or not kept any more. */
  readonly recall: (caller: Caller, id: string) => readonly Json[] | undefined;
  readonly keep: (caller: Caller, id: string, items: readonly Json[], previous?: string) => void;
}

export const createResponses = (memory?: Memory): Speak => (input, arrival) => speak(input, arrival, memory);

function speak(input: unknown, arrival: Arrival, memory: Memory | undefined): Conversation {
  const { caller } = arrival;
  const { asked, items, body, dropped } = readResponses(input, memory && ((id) => memory.recall(caller, id)));
  const user = userOf(asked);
  const request = { ...parseChat(body, arrival, { surface: 'responses' }), ...(user !== undefined && { user }) };
  const keep = memory !== undefined && asked['store'] !== false;
  const teller = createTeller(request, { ...asked, store: keep });
  const kept = ({ response }: Event): void => {
    if (keep && isRecord(response)) memory.keep(caller, text(response['id']), [...items, ...records(response['output'])], asked.previous_response_id ?? undefined);
  };
  return {
    request,
    dropped,
    async *stream(chunks, now) {
      try {
        let last: Event | undefined;
        for await (const event of teller.tell(chunks)) {
          last = event;
          yield frame(event);
        }
        if (last !== undefined) kept(last);
      } catch (error) {
        yield teller.fail(failureOf(error), now()).map(frame).join('');
      }
    },
    async whole(chunks) {
      let last: Event | undefined;
      for await (const event of teller.tell(chunks)) last = event;
      if (last !== undefined) kept(last);
      return JSON.stringify(last?.['response']);
    },
  };
}

function frame(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
