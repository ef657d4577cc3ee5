/**
 * What the simulated models say: short, pleasant, and the same for the same question. Pure.
 */
import { createHash } from 'node:crypto';
import { sample } from './sample.ts';
import { isObject, maxOutput, objects, pieces, promptTokens, textOf } from './tokens.ts';
import type { Answer, JsonObject, SimulatedModel, ToolCall } from './types.ts';

const digest = (...parts: readonly string[]): Buffer => createHash('sha256').update(parts.join('\0')).digest();

const CODE = /\b(code|function|program|script|algorithm|regex|sql|python|typescript|javascript|rust|golang|java|bug|class|implement|refactor)\b/i;

const SNIPPETS: readonly (readonly [RegExp, string])[] = [
  [/\b(rust)\b/i, '```rust\nfn solve(items: &[i64]) -> i64 {\n    items.iter().sum()\n}\n```'],
  [/\b(golang|go)\b/, '```go\nfunc Solve(items []int) (sum int) {\n\tfor _, item := range items {\n\t\tsum += item\n\t}\n\treturn sum\n}\n```'],
  [/\b(typescript|javascript|node|react)\b/i, '```typescript\nexport const solve = (items: readonly number[]): number =>\n  items.reduce((sum, item) => sum + item, 0);\n```'],
  [/\b(sql|query|table)\b/i, '```sql\nSELECT name, sum(amount) AS total\nFROM orders\nGROUP BY name\nORDER BY total DESC;\n```'],
  [/\b(shell|bash)\b/i, '```bash\nset -euo pipefail\nfor file in *.txt; do wc -l "$file"; done\n```'],
];
const PYTHON = '```python\ndef solve(items):\n    """Add the items up, one by one."""\n    total = 0\n    for item in items:\n        total += item\n    return total\n```';

const OPENINGS = ['Gladly!', 'Good question.', 'Here is the short version.', 'Let us look at it together.', 'With pleasure.'];
const MIDDLES = [
  'The heart of it is simpler than it seems: take one small step, look at what happened, and adjust.',
  'Most of it follows from a single idea, and the rest is patience and a little care with the details.',
  'There are three parts to it — the goal, the means and the limits — and naming them already does half the work.',
  'Start from what you know for certain, write it down, and let the gaps show you where to look next.',
];
const ENDINGS = ['Tell me which part you would like to see in more depth.', 'I hope this helps you on your way ✨.', 'Ask me for an example if you would like one.'];

const pick = (choices: readonly string[], byte: number | undefined): string => choices[(byte ?? 0) % choices.length] ?? '';

/** The first words of the question, to quote. */
function topic(prompt: string): string {
  const words = prompt.trim().split(/\s+/);
  return words.slice(0, 9).join(' ').slice(0, 80) + (words.length > 9 ? ' …' : '');
}

function prose(prompt: string, model: string): string {
  const bytes = digest(prompt, model);
  return `${pick(OPENINGS, bytes[0])} You asked: “${topic(prompt)}” ${pick(MIDDLES, bytes[1])} ${pick(ENDINGS, bytes[2])}`;
}

function code(prompt: string): string {
  const snippet = SNIPPETS.find(([words]) => words.test(prompt))?.[1] ?? PYTHON;
  return `Here is a small, complete version:\n\n${snippet}\n\nIt runs in linear time; add a test for the empty case first.`;
}

function json(format: JsonObject, prompt: string, model: string): string {
  const schema = isObject(format['json_schema']) ? format['json_schema']['schema'] : undefined;
  return JSON.stringify(schema === undefined ? { answer: topic(prompt), model } : sample(schema, topic(prompt)));
}

/** The tools to call: one that is required or named, else one whose name the prompt mentions. */
function toolCalls(body: JsonObject, prompt: string, answered: boolean): ToolCall[] {
  const functions = objects(body['tools']).map((tool) => tool['function']).filter(isObject);
  const choice = body['tool_choice'];
  const wanted = isObject(choice) && isObject(choice['function']) ? choice['function']['name'] : undefined;
  const named = functions.filter(({ name }) => wanted === undefined ? mentions(prompt, String(name)) : name === wanted);
  if (choice === 'none' || (answered && choice !== 'required' && wanted === undefined)) return [];
  const chosen = named.length === 0 && choice === 'required' ? functions.slice(0, 1) : named;
  return chosen.map((tool) => ({ name: String(tool['name']), arguments: JSON.stringify(sample(tool['parameters'] ?? {}, topic(prompt)) ?? {}) }));
}

/** `get_weather` is asked for by its name or by any longer word of it. */
function mentions(prompt: string, name: string): boolean {
  const text = prompt.toLowerCase();
  return name.toLowerCase().split(/[^a-z0-9]+/).some((word) => word.length > 3 && text.includes(word)) || text.includes(name.toLowerCase());
}

function say(body: JsonObject, prompt: string, model: string, result: string | undefined): string {
  const format = body['response_format'];
  if (isObject(format) && typeof format['type'] === 'string' && format['type'].startsWith('json')) return json(format, prompt, model);
  if (result !== undefined) return `The tool answered: ${topic(result)}. ${pick(ENDINGS, digest(result)[0])}`;
  return CODE.test(prompt) ? code(prompt) : prose(prompt, model);
}

/** Cuts at the first stop sequence, which is left out. */
function stopAt(text: string, stop: unknown): string {
  const marks = (Array.isArray(stop) ? stop : [stop]).filter((mark): mark is string => typeof mark === 'string' && mark !== '');
  const ends = marks.map((mark) => text.indexOf(mark)).filter((index) => index >= 0);
  return text.slice(0, Math.min(text.length, ...ends));
}

/** Answers a chat request body: tool calls where they are asked for, JSON where the format says so, else prose or code. */
export function answerChat(body: JsonObject, model: SimulatedModel): Answer {
  const messages = objects(body['messages']);
  const prompt = textOf(messages.findLast(({ role }) => role === 'user')?.['content'] ?? '');
  const last = messages.at(-1);
  const result = last?.['role'] === 'tool' ? textOf(last['content']) : undefined;
  const calls = toolCalls(body, prompt, result !== undefined);
  const thoughts = model.reasoning === true ? pieces(`The user wants: ${topic(prompt)}. A short and friendly answer will do.`) : [];
  const words = calls.length > 0 ? [] : pieces(stopAt(say(body, prompt, model.id, result), body['stop']));
  return bounded(body, { thoughts, words, calls }, Math.min(maxOutput(body) ?? model.maxOutput, model.maxOutput));
}

interface Draft {
  readonly thoughts: readonly string[];
  readonly words: readonly string[];
  readonly calls: readonly ToolCall[];
}

/** Thinking spends the budget first, as it does at the providers. */
function bounded(body: JsonObject, { thoughts, words, calls }: Draft, budget: number): Answer {
  const reasoning = thoughts.slice(0, budget);
  const content = words.slice(0, Math.max(0, budget - reasoning.length));
  const callTokens = calls.reduce((sum, call) => sum + pieces(call.name + call.arguments).length, 0);
  const cut = reasoning.length + content.length < thoughts.length + words.length;
  const whole = calls.length > 0 ? 'tool_calls' : 'stop';
  return {
    reasoning,
    content,
    toolCalls: calls,
    finish: cut ? 'length' : whole,
    usage: { prompt: promptTokens(body), completion: reasoning.length + content.length + callTokens, reasoning: reasoning.length },
  };
}
