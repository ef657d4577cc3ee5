/** What tells a whole answer from one cut short or empty. */
import { FailureError } from '../failure.ts';
import type { Usage } from '../types.ts';
import type { ChoiceView } from './chunk.ts';

export interface Tally {
  /** Takes one piece in. What it was, over all its choices. */
  count(choices: readonly ChoiceView[], usage: Usage | undefined): { readonly content: boolean; readonly finish: string | undefined };
  /** Every choice that began has its finish reason. */
  readonly complete: () => boolean;
  /** Asked after the last piece. Undefined: the answer is good. */
  fault(): FailureError | undefined;
}

/** OpenAI's word for it, and Z.ai's. */
const FILTERED: ReadonlySet<string> = new Set(['content_filter', 'sensitive']);

export function createTally(): Tally {
  /** By its index, whether a choice has its finish reason. What comes after, e.g. the usage in an empty piece, does not take it away. */
  const finished = new Map<number, boolean>();
  const seen: { finish?: string; content: boolean; usage: boolean } = { content: false, usage: false };
  const complete = (): boolean => finished.size > 0 && [...finished.values()].every(Boolean);
  return {
    complete,
    count(choices, usage) {
      let content = false;
      let finish: string | undefined;
      for (const choice of choices) {
        content ||= choice.content;
        finish ??= choice.finish;
        if (choice.finish !== undefined || !finished.has(choice.index)) finished.set(choice.index, choice.finish !== undefined);
      }
      seen.content ||= content;
      seen.usage ||= usage !== undefined;
      if (finish !== undefined) seen.finish = finish;
      return { content, finish };
    },
    fault() {
      if (!complete()) return broken('ended its answer before it was whole');
      if (seen.content) return undefined;
      if (seen.finish !== undefined && FILTERED.has(seen.finish)) return new FailureError({ kind: 'policy', message: "the provider's content filter held the whole answer back" });
      return seen.usage ? undefined : broken('sent an empty answer');
    },
  };
}

/** An answer that cannot be believed. `what` follows "the provider". */
export function broken(what: string): FailureError {
  return new FailureError({ kind: 'broken-answer', message: `the provider ${what}` });
}
