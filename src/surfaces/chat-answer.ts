/** A chat answer on its way out: as server-sent events, or as one JSON body. */
import { failureOf } from '../failure.ts';
import { arrival, END, sourceOf, toldBy } from '../source.ts';
import type { Source } from '../source.ts';
import type { ChatChunk } from '../types.ts';
import { tellOpenAi } from './errors.ts';
import { foldChunks, unfoldCompletion } from './fold.ts';

export interface StreamOptions {
  readonly requestId: string;
  readonly now: () => number;
  /** The client asked for a last chunk with the usage and no choices. */
  readonly includeUsage: boolean;
}

/** Ends with `[DONE]` only when the answer ended; a break is told as an error event, and nothing after it. */
export function streamChat(chunks: AsyncIterable<ChatChunk>, { requestId, now, includeUsage }: StreamOptions): Source<string> {
  return toldBy(sourceOf(chunks), {
    item(chunk) {
      if (chunk.whole) return unfoldCompletion(chunk.text, includeUsage).map(frame).join('');
      return includeUsage || chunk.usageOnly !== true ? frame(chunk.text) : '';
    },
    end: () => 'data: [DONE]\n\n',
    broken: (error) => frame(JSON.stringify(tellOpenAi(failureOf(error), requestId, now()).body)),
  });
}

/** The provider's own JSON where it answered at once, else a fold of its stream. */
export async function wholeChat(chunks: AsyncIterable<ChatChunk>): Promise<string> {
  const source = sourceOf(chunks);
  const texts: string[] = [];
  for (;;) {
    const chunk = source.take();
    if (chunk === END) return foldChunks(texts);
    if (chunk === undefined) await arrival(source);
    else if (chunk.whole) {
      source.leave();
      return chunk.text;
    } else texts.push(chunk.text);
  }
}

function frame(text: string): string {
  return `data: ${text}\n\n`;
}
