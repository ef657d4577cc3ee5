/** What every way of asking for text has in common: a question in the one inner form, and how its answer is told. */
import type { Caller, ChatChunk, ChatRequest, Rule, TraceContext } from '../types.ts';

/** What the transport knows about a request. */
export interface Arrival {
  readonly id: string;
  readonly caller: Caller;
  readonly receivedAt: number;
  readonly deadline: number;
  readonly deadlineNamed?: true;
  readonly priority: number;
  readonly cache?: 'off' | 'refresh';
  readonly onStreamBreak?: Rule['onStreamBreak'];
  readonly trace?: TraceContext;
  /** Which of Anthropic's trials the client takes part in, as its header says it. */
  readonly anthropicBeta?: string;
}

/** One question, and its answer in the words of the surface it was asked on. */
export interface Conversation {
  readonly request: ChatRequest;
  /** Fields of the question that only tune an answer and have no place in the inner form. */
  readonly dropped: readonly string[];
  /** Server-sent events as they go on the wire. A break is told as the surface's error event, and nothing after it. */
  readonly stream: (chunks: AsyncIterable<ChatChunk>, now: () => number) => AsyncIterable<string>;
  /** One JSON body. Throws what the chunks throw. */
  readonly whole: (chunks: AsyncIterable<ChatChunk>) => Promise<string>;
}

/** `text`: what `input` was read from. Throws `invalid-request` naming the field. */
export type Speak = (input: unknown, arrival: Arrival, text?: string) => Conversation;
