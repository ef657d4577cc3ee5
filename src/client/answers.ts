/** A whole answer as a program wants it. */
import type { Answer, Gateway } from '../gateway.ts';
import { repeatedMoney } from '../gateway/story.ts';

/** An assistant's message in OpenAI's form. */
export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly tool_calls?: readonly unknown[];
  readonly [field: string]: unknown;
}

export interface ChatResult {
  /** The words; empty where there are only tool calls, which are in `message`. */
  readonly content: string;
  /** To go into `messages` as it is. */
  readonly message: AssistantMessage;
  /** `stop`, `length`, `tool_calls` … */
  readonly finishReason: string;
  readonly provider: string;
  /** The provider's own name of the model. */
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Counted here, because the provider reports nothing. */
  readonly estimated: boolean;
  /** USD. Absent where the price is unknown, which is never the same as zero. */
  readonly cost?: number;
  /** USD, against list price. Absent where that is unknown. */
  readonly saved?: number;
  /** Told again, without a call. */
  readonly cached: boolean;
}

interface Completion {
  readonly choices?: readonly { readonly message?: AssistantMessage; readonly finish_reason?: string | null }[];
}

/** `text`: a whole `chat.completion`. */
export function resultOf(text: string, { lease, usage, cache }: Answer, { price }: Gateway): ChatResult {
  const [choice] = (JSON.parse(text) as Completion).choices ?? [];
  const message = choice?.message ?? { role: 'assistant', content: null };
  const used = usage();
  const cached = cache?.hit === true;
  const asked = price(lease.target, used);
  const { costUsd, savedUsd } = cached ? repeatedMoney(asked) : asked;
  return {
    content: message.content ?? '',
    message,
    finishReason: choice?.finish_reason ?? 'stop',
    provider: lease.target.provider.name,
    model: lease.target.model.name,
    inputTokens: used?.input ?? 0,
    outputTokens: used?.output ?? 0,
    estimated: used?.estimated === true,
    ...(costUsd !== undefined && { cost: costUsd }),
    ...(savedUsd !== undefined && { saved: savedUsd }),
    cached,
  };
}
