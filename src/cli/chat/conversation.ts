/** What a conversation knows by now. It lives in memory alone: prompts are nobody's business but the person's. */
import type { Message, Story, Tokens } from '../chat-client.ts';

export interface Door {
  /** `host:port` of the daemon. */
  readonly address: string;
  /** A virtual key; an open daemon needs none. */
  readonly key: string | undefined;
}

/** Answers of one model. */
export interface Spent extends Tokens {
  readonly provider: string;
  readonly model: string;
  readonly answers: number;
}

export interface Conversation {
  /** As asked for: `auto`, a rule, an alias or a target. */
  model: string;
  messages: Message[];
  story: Story | undefined;
  spent: readonly Spent[];
}

export const createConversation = (model: string): Conversation => ({ model, messages: [], story: undefined, spent: [] });

/** A question that nobody answered gives way to the next: two in a row would be answered as one. */
export function ask(conversation: Conversation, content: string): void {
  if (conversation.messages.at(-1)?.role === 'user') conversation.messages.pop();
  conversation.messages.push({ role: 'user', content });
}

export function tally(conversation: Conversation, { provider, model }: Story, { input, output }: Tokens = { input: 0, output: 0 }): void {
  const before = conversation.spent.find((each) => each.provider === provider && each.model === model) ?? { provider, model, answers: 0, input: 0, output: 0 };
  conversation.spent = [...conversation.spent.filter((each) => each !== before), { ...before, answers: before.answers + 1, input: before.input + input, output: before.output + output }];
}
