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
  const wantsOdds = typeof logprobs === 'number';
  if (echo === true && wantsOdds) throw refused('echo', 'how probable a prompt is, nobody here tells; leave out echo or logprobs');
  const words = typeof prompt === 'string' ? prompt : (prompt[0] ?? '');
  const asked = { ...rest, messages: [{ role: 'user', content: words }], ...(wantsOdds && { logprobs: true, ...(logprobs > 0 && { top_logprobs: logprobs }) }) };
  const request = parseChat(asked, arrival, { surface: 'completions' });
  const includeUsage = isRecord(rest['stream_options']) && rest['stream_options']['include_usage'] === true;
  const start = echo === true ? words : '';
  return {
    request,
    dropped: bestOf === undefined || bestOf === null ? [] : ['best_of'],
    async *stream(chunks, now) {
      try {
        const told = createLegacy('delta', start);
        for await (const piece of pieces(chunks, includeUsage)) {
          const chunk = told(piece);
          if (chunk !== undefined) yield frame(chunk);
        }
        yield 'data: [DONE]\n\n';
      } catch (error) {
        yield frame(tellOpenAi(failureOf(error), request.id, now()).body);
      }
    },
    whole: async (chunks) => JSON.stringify(createLegacy('message', start)(JSON.parse(await wholeChat(chunks)) as Json)),
  };
}

async function* pieces(chunks: AsyncIterable<ChatChunk>, includeUsage: boolean): AsyncGenerator<Json> {
  for await (const chunk of chunks) {
    if (chunk.usageOnly === true && !includeUsage) continue;
    for (const told of chunk.whole ? unfoldCompletion(chunk.text, includeUsage) : [chunk.text]) yield JSON.parse(told) as Json;
  }
}

/** For one answer, each choice of which begins with `start`. Undefined where nothing is left to say in this form, e.g. of a chunk that only names the role. */
function createLegacy(said: 'delta' | 'message', start: string): (piece: Json) => Json | undefined {
  /** Characters each choice has so far. */
  const lengths = new Map<unknown, number>();
  const tell = (choice: Json): readonly Json[] => {
    const words = isRecord(choice[said]) ? text(choice[said]['content']) : '';
    const { index = 0, finish_reason: finish = null } = choice;
    if (words === '' && finish === null) return [];
    const before = lengths.get(index);
    const told = before === undefined ? start + words : words;
    lengths.set(index, (before ?? 0) + told.length);
    return [{ index, text: told, logprobs: oddsIn(choice['logprobs'], before ?? 0), finish_reason: finish }];
  };
  return ({ choices, ...rest }) => {
    const told = records(choices).flatMap(tell);
    return told.length === 0 && records(choices).length > 0 ? undefined : { ...rest, object: 'text_completion', choices: told };
  };
}

/** A chat tells each token with what might have stood there; here each of these is a list. `offset`: where the first token stands. */
function oddsIn(logprobs: unknown, offset: number): Json | null {
  const tokens = isRecord(logprobs) ? records(logprobs['content']) : [];
  if (tokens.length === 0) return null;
  const places: number[] = [];
  let place = offset;
  for (const { token } of tokens) {
    places.push(place);
    place += text(token).length;
  }
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top_logprobs: others }) => Object.fromEntries(records(others).map(({ token, logprob }) => [text(token), logprob]))),
    text_offset: places,
  };
}

function frame(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
