/** `POST /v1/messages`: Anthropic's way of asking, on top of any provider. */
import { failureOf } from '../failure.ts';
import type { ChatChunk, ChatRequest } from '../types.ts';
import { parseChat } from './chat.ts';
import type { Arrival, Conversation } from './conversation.ts';
import { tellAnthropic } from './errors.ts';
import { checkCalls, foldMessage, messageEvents } from './messages-answer.ts';
import type { Event } from './messages-answer.ts';
import { readMessages } from './messages-request.ts';

export function messages(input: unknown, { anthropicBeta: beta, ...arrival }: Arrival): Conversation {
  const { body, thinking, dropped, user, original } = readMessages(input);
  const chat = parseChat(body, arrival, { surface: 'messages' });
  const request: ChatRequest = {
    original: { dialect: 'anthropic', ...original, ...(beta !== undefined && { beta }) },
    ...chat,
    ...(user !== undefined && { user }),
    // A stream tells arguments as they are written, and its client reads them.
    ...(!chat.stream && { mustBeTellable: checkCalls }),
  };
  const events = (chunks: AsyncIterable<ChatChunk>): AsyncIterable<Event> => messageEvents(chunks, request, thinking);
  return {
    request,
    dropped,
    async *stream(chunks, now) {
      try {
        const { first, all } = await begin(chunks);
        if (first?.source === undefined || first.whole) for await (const event of events(all)) yield frame(event);
        else yield* ownEvents(all);
      } catch (error) {
        yield frame(tellAnthropic(failureOf(error), request.id, now()).body);
      }
    },
    async whole(chunks) {
      const { first, all } = await begin(chunks);
      if (first?.source === undefined) return JSON.stringify(await foldMessage(events(all)));
      if (!first.whole) return JSON.stringify(await foldMessage(eventsIn(all)));
      // Reading to the end closes the books.
      for await (const _ of all);
      return first.source.text;
    },
  };
}

const STOP = 'message_stop';

/** As they came; the last one, which clients wait for, also where a connection ended after the reason to stop and before it. */
async function* ownEvents(chunks: AsyncIterable<ChatChunk>): AsyncGenerator<string> {
  let last = '';
  for await (const { source } of chunks) {
    if (source === undefined) continue;
    last = source.event;
    yield `event: ${source.event}\ndata: ${source.text}\n\n`;
  }
  if (last !== STOP) yield frame({ type: STOP });
}

/** The first piece tells whether it is Anthropic itself who answers. `all` has it, too. */
async function begin(chunks: AsyncIterable<ChatChunk>): Promise<{ readonly first: ChatChunk | undefined; readonly all: AsyncIterable<ChatChunk> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const next = await iterator.next();
  return next.done === true ? { first: undefined, all: none() } : { first: next.value, all: from(next.value, iterator) };
}

async function* none(): AsyncGenerator<ChatChunk> {
  yield* [];
}

async function* from(first: ChatChunk, rest: AsyncIterator<ChatChunk>): AsyncGenerator<ChatChunk> {
  try {
    for (let next: IteratorResult<ChatChunk> = { value: first }; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Anthropic streamed although it was not asked to. */
async function* eventsIn(chunks: AsyncIterable<ChatChunk>): AsyncGenerator<Event> {
  for await (const { source } of chunks) if (source !== undefined) yield JSON.parse(source.text) as Event;
}

/** `POST /v1/messages/count_tokens`: an estimate, since no two models cut words alike. */
export function countTokens(input: unknown, arrival: Arrival): { readonly input_tokens: number } {
  return { input_tokens: parseChat(readMessages(input, { counting: true }).body, arrival, { surface: 'messages' }).promptTokens };
}

/** The official client goes by the name before the data. */
function frame(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
