/** An answer as it comes, and all of it at the end. */
import { FailureError } from '../failure.ts';
import type { Answer, Gateway } from '../gateway.ts';
import { wholeChat } from '../surfaces/chat-answer.ts';
import { readPieces } from '../surfaces/pieces.ts';
import type { ChatChunk } from '../types.ts';
import { resultOf } from './answers.ts';
import type { ChatResult } from './answers.ts';

/** The words as they come, once. Leaving the loop ends the call upstream. */
export interface ChatStream extends AsyncIterable<string> {
  /** Resolves with all of it once it has been read; rejects with what broke it. */
  readonly result: Promise<ChatResult>;
}

export function streamOf(ask: () => Promise<Answer>, gateway: Gateway): ChatStream {
  const outcome: { resolve: (result: ChatResult) => void; reject: (error: unknown) => void } = { resolve: () => undefined, reject: () => undefined };
  const result = new Promise<ChatResult>((resolve, reject) => Object.assign(outcome, { resolve, reject }));
  // Whoever reads the words hears of a break there.
  result.catch(() => undefined);

  const state = { read: false };

  async function* words(): AsyncGenerator<string> {
    // Read again, it would be asked again, and nobody would have said so.
    if (state.read) throw new FailureError({ kind: 'invalid-request', message: 'this stream was read before; ask again for another' });
    state.read = true;
    try {
      const certain = await ask();
      const read: ChatChunk[] = [];
      for await (const piece of readPieces(noting(certain.chunks, read))) if (piece.type === 'text') yield piece.text;
      outcome.resolve(resultOf(await wholeChat(each(read)), certain, gateway));
    } catch (error) {
      outcome.reject(error);
      throw error;
    } finally {
      // Says nothing after an end; what is left is a reader that went away.
      outcome.reject(new FailureError({ kind: 'cancelled', message: 'the stream was not read to its end' }));
    }
  }
  return { result, [Symbol.asyncIterator]: words };
}

async function* noting(chunks: AsyncIterable<ChatChunk>, read: ChatChunk[]): AsyncGenerator<ChatChunk> {
  for await (const chunk of chunks) {
    read.push(chunk);
    yield chunk;
  }
}

async function* each(chunks: readonly ChatChunk[]): AsyncGenerator<ChatChunk> {
  yield* chunks;
}
