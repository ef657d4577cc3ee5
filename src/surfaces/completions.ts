/** `POST /v1/completions`: the oldest way of asking. The prompt is asked as a user's message. */
import { z } from 'zod';
import { failureOf } from '../failure.ts';
import { check, refused } from '../schema.ts';
import type { ChatChunk } from '../types.ts';
import { wholeChat } from './chat-answer.ts';
import { parseChat } from './chat.ts';
import type { Arrival, Conversation } from './conversation.ts';
import { tellOpenAi } from './errors.ts';
import { unfoldCompletion } from './fold.ts';
import { isRecord, records, text } from './json.ts';
import type { Json } from './json.ts';

export const completionsBody = z.looseObject({
  prompt: z.union([z.string(), z.array(z.string()).min(1)], { error: 'must be text; lists of tokens mean something to one model only' }),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  best_of: z.int().positive().nullish(),
  logprobs: z.int().min(0).nullish(),
});

export function completions(input: unknown, arrival: Arrival): Conversation {
  const { prompt, echo, suffix, best_of: bestOf, logprobs, ...rest } = check(completionsBody, input);
  if (suffix) throw refused('suffix', 'nobody here fills in the middle; leave it out');
  if (Array.isArray(prompt) && prompt.length > 1) throw refused('prompt', 'send one prompt at a time');
  const words = typeof prompt === 'string' ? prompt : (prompt[0] ?? '');
  const request = parseChat({ ...rest, messages: [{ role: 'user', content: words }] }, arrival, 'completions');
  const includeUsage = isRecord(rest['stream_options']) && rest['stream_options']['include_usage'] === true;
  const dropped = Object.entries({ best_of: bestOf, logprobs }).flatMap(([field, value]) => (value === undefined || value === null ? [] : [field]));
  return {
    request,
    dropped,
    async *stream(chunks, now) {
      try {
        let start = echo === true ? words : '';
        for await (const told of pieces(chunks, includeUsage)) {
          const chunk = legacy(told, 'delta', start);
          if (chunk === undefined) continue;
          start = '';
          yield frame(chunk);
        }
        yield 'data: [DONE]\n\n';
      } catch (error) {
        yield frame(tellOpenAi(failureOf(error), request.id, now()).body);
      }
    },
    whole: async (chunks) => JSON.stringify(legacy(JSON.parse(await wholeChat(chunks)) as Json, 'message', echo === true ? words : '')),
  };
}

async function* pieces(chunks: AsyncIterable<ChatChunk>, includeUsage: boolean): AsyncGenerator<Json> {
  for await (const chunk of chunks) {
    if (chunk.usageOnly === true && !includeUsage) continue;
    for (const told of chunk.whole ? unfoldCompletion(chunk.text, includeUsage) : [chunk.text]) yield JSON.parse(told) as Json;
  }
}

/** Undefined where nothing is left to say in this form, e.g. of a chunk that only names the role. */
function legacy({ choices, ...rest }: Json, said: 'delta' | 'message', start: string): Json | undefined {
  const told = records(choices).flatMap((choice) => {
    const words = isRecord(choice[said]) ? text(choice[said]['content']) : '';
    const finish = choice['finish_reason'] ?? null;
    return words === '' && finish === null ? [] : [{ index: choice['index'] ?? 0, text: start + words, logprobs: null, finish_reason: finish }];
  });
  return told.length === 0 && records(choices).length > 0 ? undefined : { ...rest, object: 'text_completion', choices: told };
}

function frame(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
