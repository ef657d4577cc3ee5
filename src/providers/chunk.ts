/** One payload of the OpenAI format, read only as far as anyone inside needs. Its text stays as it came. */
import type { Usage } from '../types.ts';
import { isRecord, numberAt, recordAt } from './json.ts';

/** The end of a choice is its finish reason; a choice seen and not finished is one cut short. */
export interface ChoiceView {
  readonly index: number;
  readonly content: boolean;
  readonly finish?: string;
}

export function choicesOf(value: Readonly<Record<string, unknown>>): readonly ChoiceView[] {
  const choices = value['choices'];
  return Array.isArray(choices) ? choices.filter(isRecord).map(viewOf) : [];
}

function viewOf(choice: Readonly<Record<string, unknown>>, position: number): ChoiceView {
  const said = recordAt(choice, 'delta') ?? recordAt(choice, 'message') ?? choice;
  const finish = choice['finish_reason'];
  return {
    index: numberAt(choice, 'index') ?? position,
    content: SPEECH.some((field) => hasSubstance(said[field])),
    ...(typeof finish === 'string' && finish !== '' && { finish }),
  };
}

/** Where providers put what a model says. `text` is the legacy completions'. */
const SPEECH = ['content', 'reasoning', 'reasoning_content', 'reasoning_details', 'tool_calls', 'function_call', 'refusal', 'audio', 'images', 'text'] as const;

function hasSubstance(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  return isRecord(value) && Object.keys(value).length > 0;
}

/**
 * Usage at the top level, or in Groq's `x_groq`. Later reports replace earlier ones: Perplexity's are cumulative,
 * OpenRouter and Groq repeat theirs.
 */
export function usageOf(value: Readonly<Record<string, unknown>>): Usage | undefined {
  const usage = recordAt(value, 'usage') ?? recordAt(recordAt(value, 'x_groq'), 'usage');
  const input = numberAt(usage, 'prompt_tokens');
  if (usage === undefined || input === undefined) return undefined;
  const completion = numberAt(usage, 'completion_tokens') ?? 0;
  const reasoning = numberAt(recordAt(usage, 'completion_tokens_details'), 'reasoning_tokens');
  const cachedInput = numberAt(recordAt(usage, 'prompt_tokens_details'), 'cached_tokens');
  // xAI leaves reasoning out of completion_tokens, and Gemini its thoughts: the total has them.
  const output = Math.max(completion, (numberAt(usage, 'total_tokens') ?? 0) - input);
  return { input, output, ...(cachedInput !== undefined && { cachedInput }), ...(reasoning !== undefined && { reasoning }) };
}
