/** One payload of the OpenAI format, read only as far as anyone inside needs. Its text stays as it came. */
import { weighText } from '../tokens.ts';
import type { Usage } from '../types.ts';
import { countAt, isRecord, numberAt, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';

/** The end of a choice is its finish reason; a choice seen and not finished is one cut short. */
export interface ChoiceView {
  readonly index: number;
  readonly content: boolean;
  /** Tokens of what it says, estimated and not rounded. */
  readonly estimate: number;
  readonly finish: string | undefined;
}

/** `whole`: not a piece of an answer. */
export function choicesOf(value: Json, whole: boolean): readonly ChoiceView[] {
  const choices = value['choices'];
  const views: ChoiceView[] = [];
  if (Array.isArray(choices)) for (const choice of choices as unknown[]) if (isRecord(choice)) views.push(viewOf(choice, views.length, whole));
  return views;
}

/** Perplexity has both a message and a delta everywhere: pieces grow in the delta, and a whole answer has an empty one. */
function viewOf(choice: Json, position: number, whole: boolean): ChoiceView {
  const said = recordAt(choice, whole ? 'message' : 'delta') ?? recordAt(choice, whole ? 'delta' : 'message') ?? choice;
  const finish = textAt(choice, 'finish_reason');
  return {
    index: numberAt(choice, 'index') ?? position,
    content: speaks(said),
    // Some send their thoughts under both names.
    estimate: weigh(said) + weighWords(said['reasoning_content'] ?? said['reasoning']),
    finish: finish === '' ? undefined : finish,
  };
}

/** Where providers put what a model says. `text` is the legacy completions'. */
const SPEECH: ReadonlySet<string> = new Set(['content', 'reasoning', 'reasoning_content', 'reasoning_details', 'tool_calls', 'function_call', 'refusal', 'audio', 'images', 'text']);

function speaks(said: Json): boolean {
  for (const field in said) if (SPEECH.has(field) && hasSubstance(said[field])) return true;
  return false;
}

function hasSubstance(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  return isRecord(value) && Object.keys(value).length > 0;
}

/** Where its words are, in messages as in tool calls and lists of parts. Pictures and sounds are no words. */
const WORDS: ReadonlySet<string> = new Set(['content', 'refusal', 'text', 'thinking', 'tool_calls', 'function_call', 'function', 'name', 'arguments']);

function weigh(said: Json): number {
  let sum = 0;
  for (const field in said) if (WORDS.has(field)) sum += weighWords(said[field]);
  return sum;
}

function weighWords(value: unknown): number {
  if (typeof value === 'string') return weighText(value);
  if (Array.isArray(value)) return value.reduce<number>((sum, part) => sum + weighWords(part), 0);
  return isRecord(value) ? weigh(value) : 0;
}

/**
 * Usage at the top level, or in Groq's `x_groq`. Later reports replace earlier ones: Perplexity's are cumulative,
 * OpenRouter and Groq repeat theirs.
 */
export function usageOf(value: Json): Usage | undefined {
  const usage = recordAt(value, 'usage') ?? recordAt(recordAt(value, 'x_groq'), 'usage');
  const input = countAt(usage, 'prompt_tokens');
  if (usage === undefined || input === undefined) return undefined;
  const completion = countAt(usage, 'completion_tokens') ?? 0;
  const reasoning = countAt(recordAt(usage, 'completion_tokens_details'), 'reasoning_tokens');
  const cachedInput = countAt(recordAt(usage, 'prompt_tokens_details'), 'cached_tokens');
  // xAI leaves reasoning out of completion_tokens, and Gemini its thoughts: the total has them.
  const output = Math.max(completion, (countAt(usage, 'total_tokens') ?? 0) - input);
  const costUsd = costIn(usage);
  return { input, output, ...(cachedInput !== undefined && { cachedInput }), ...(reasoning !== undefined && { reasoning }), ...(costUsd !== undefined && { costUsd }) };
}

/** OpenRouter's `cost`, or Perplexity's `cost.total_cost`, which has its fee for a request. With a key of one's own at OpenRouter, most of it is on another bill. */
function costIn(usage: Json): number | undefined {
  if (usage['is_byok'] === true) return undefined;
  const told = numberAt(usage, 'cost') ?? numberAt(recordAt(usage, 'cost'), 'total_cost');
  return told !== undefined && told >= 0 ? told : undefined;
}
