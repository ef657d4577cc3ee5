/** What an answer uses: as its provider reports it, else as much as can be told from what it said. */
import type { ChatChunk, ChatRequest, Relay, Usage } from '../types.ts';

export interface UsageCount {
  readonly note: (chunk: ChatChunk) => void;
  /** So far. Undefined: nothing was reported and nothing said. */
  readonly usage: () => Usage | undefined;
}

export function countUsage({ promptTokens, relay }: ChatRequest): UsageCount {
  const known: { reported?: Usage; said: number } = { said: 0 };
  return {
    note({ usage, estimate = 0 }) {
      if (usage !== undefined) known.reported = usage;
      known.said += estimate;
    },
    usage() {
      const { reported, said } = known;
      // A report without output came before the words, or from somebody who does not count them.
      if (said === 0 || (reported !== undefined && reported.output > 0)) return reported ?? heardOf(relay);
      return { input: promptTokens, ...reported, output: Math.ceil(said), estimated: true };
    },
  };
}

/** A recording that told its length only while it went by: what was held free for it was a guess by its size, and this is none. */
function heardOf(relay: Relay | undefined): Usage | undefined {
  const audioSeconds = relay?.form?.rest?.seconds();
  return audioSeconds === undefined ? undefined : { input: 0, output: 0, audioSeconds };
}
