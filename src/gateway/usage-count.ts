/** What an answer uses: as its provider reports it, else as much as can be told from what it said. */
import type { ChatChunk, ChatRequest, Usage } from '../types.ts';

export interface UsageCount {
  readonly note: (chunk: ChatChunk) => void;
  /** So far. Undefined: nothing was reported and nothing said. */
  readonly usage: () => Usage | undefined;
}

export function countUsage({ promptTokens }: ChatRequest): UsageCount {
  const known: { reported?: Usage; said: number } = { said: 0 };
  return {
    note({ usage, estimate = 0 }) {
      if (usage !== undefined) known.reported = usage;
      known.said += estimate;
    },
    usage() {
      const { reported, said } = known;
      // A report without output came before the words, or from somebody who does not count them.
      if (said === 0 || (reported !== undefined && reported.output > 0)) return reported;
      return { input: promptTokens, ...reported, output: Math.ceil(said), estimated: true };
    },
  };
}
