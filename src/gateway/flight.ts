/** One call upstream for all who ask the same at the same time. It ends when it is answered, or when the last of them has left. */
import { createAbort } from '../abort.ts';
import { whyLeft } from '../failure.ts';
import type { Answer } from '../gateway.ts';
import type { AbortSignalLike, ChatChunk } from '../types.ts';
import { shareReading } from './shared-reading.ts';

export interface Flight {
  /** One more who wants the answer, until the signal aborts or the returned function says so. */
  readonly board: (signal: AbortSignalLike) => () => void;
  /** Its `chunks` may be read once for each who boarded. */
  readonly answer: Promise<SharedAnswer>;
}

export interface SharedAnswer extends Omit<Answer, 'chunks'> {
  readonly read: (signal: AbortSignalLike) => AsyncGenerator<ChatChunk>;
}

export interface FlightOptions {
  readonly ask: (signal: AbortSignalLike) => Promise<Answer>;
  readonly whole: (answer: Answer, chunks: readonly ChatChunk[]) => void;
  /** Nobody can board any more. */
  readonly over: () => void;
}

export function startFlight({ ask, whole, over }: FlightOptions): Flight {
  const controller = createAbort();
  const state = { aboard: 0 };

  const shared = async (): Promise<SharedAnswer> => {
    try {
      const { chunks, ...answer } = await ask(controller.signal);
      const { read } = shareReading(chunks, (all) => {
        over();
        if (all !== undefined) whole({ ...answer, chunks }, all);
      });
      return { ...answer, read };
    } catch (error) {
      over();
      throw error;
    }
  };
  const answer = shared();
  // Whoever is aboard hears of it; all may have left.
  answer.catch(() => undefined);

  return {
    answer,
    board(signal) {
      state.aboard += 1;
      const place = { left: false };
      const leave = (): void => {
        if (place.left) return;
        place.left = true;
        signal.removeEventListener('abort', leave);
        state.aboard -= 1;
        if (state.aboard > 0) return;
        over();
        controller.abort(whyLeft(signal));
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      return leave;
    },
  };
}
