/** A question of the Responses API in the form of chat completions. What would need a memory or tools of ours is refused by name. */
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import { check, refused } from '../schema.ts';
import { ownWords } from './client-fields.ts';
import { answerOf } from './responses-answer.ts';
import { text } from './json.ts';
import type { Json } from './json.ts';

const part = z.looseObject({ type: z.string() });
const item = z.looseObject({ type: z.string().nullish(), role: z.enum(['user', 'assistant', 'system', 'developer']).nullish(), content: z.union([z.string(), z.array(part)]).nullish() });
export const responsesBody = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([z.string(), z.array(item).min(1)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  stream: z.boolean().nullish(),
  tools: z.array(z.looseObject({ type: z.string(), name: z.string().nullish() })).max(1024).nullish(),
  tool_choice: z.union([z.enum(['auto', 'none', 'required']), z.looseObject({ type: z.string(), name: z.string().nullish() })]).nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish(), verbosity: z.string().nullish() }).nullish(),
  include: z.array(z.string()).max(64).nullish(),
  top_logprobs: z.int().min(0).nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish() }).nullish(),
  previous_response_id: z.string().max(256).nullish(),
  ...ownWords,
});
export type ResponsesBody = z.infer<typeof responsesBody>;
type Item = z.infer<typeof item>;
type Part = z.infer<typeof part>;

/** Fields that mean the same in both. */
const SAME = ['temperature', 'top_p', 'parallel_tool_calls', 'user', 'seed', 'stop', 'frequency_penalty', 'presence_penalty', 'dry_run', 'max_context_tokens'] as const;
/** Told back in the answer, and of no use upstream. */
const ECHOED = ['metadata', 'store'] as const;

/** Fields that stand for something kept at OpenAI, with what to do instead. */
const KEPT: Readonly<Record<string, string>> = {
  previous_response_id: 'answers are not kept here; send the earlier turns as input, or set cache.responses in config/tollfree.yaml',
  conversation: 'conversations are not kept here; send the earlier turns as input',
  prompt: 'prompts are not kept here; send the words themselves as instructions and input',
  background: 'answers are not kept here; ask without it, or stream',
};

const LOGPROBS = 'message.output_text.logprobs';

export interface ResponsesQuestion {
  readonly asked: ResponsesBody;
  /** What it adds to the conversation. */
  readonly items: readonly Json[];
  readonly body: Json;
  readonly dropped: readonly string[];
}

/** `recall`: the items up to an earlier response, where they are kept. Throws `invalid-request` naming the field. */
export function readResponses(input: unknown, recall?: (id: string) => readonly Json[] | undefined): ResponsesQuestion {
  const data = check(responsesBody, input);
  for (const [field, why] of Object.entries(KEPT)) {
    if (field === 'previous_response_id' && recall !== undefined) continue;
    if (data[field] !== undefined && data[field] !== null && data[field] !== false) throw refused(field, why);
  }
  if (data.top_logprobs || data.include?.includes(LOGPROBS)) throw refused(data.top_logprobs ? 'top_logprobs' : 'include', 'log probabilities are told in chats only; ask for them at /v1/chat/completions');
  const items = typeof data.input === 'string' ? [{ type: 'message', role: 'user' as const, content: data.input }] : data.input.map((one, index) => (one.type === 'item_reference' ? referred(one, index, recall) : one));
  const before = recall === undefined || typeof data.previous_response_id !== 'string' ? [] : recalled(data.previous_response_id, recall);
  return { asked: data, items, body: chatBody(data, [...before, ...items], before.length), dropped: droppedOf(data) };
}

/** Fields, and what is within one that is taken for a part of it. */
function droppedOf(data: ResponsesBody): readonly string[] {
  const taken: ReadonlySet<string> = new Set([...Object.keys(responsesBody.shape), ...SAME, ...ECHOED, ...Object.keys(KEPT)]);
  const isLost = (field: string): boolean => !taken.has(field) && data[field] !== null;
  const reasoning = Object.entries(data.reasoning ?? {}).filter(([field, value]) => field !== 'effort' && value !== null);
  return [...Object.keys(data).filter(isLost), ...(data.include?.length ? ['include'] : []), ...reasoning.map(([field]) => `reasoning.${field}`)];
}

/** An item told before, where answers are kept: its id says of which answer it is. Vercel's client refers to what it was told. */
function referred(reference: Item, index: number, recall: ((id: string) => readonly Json[] | undefined) | undefined): Item {
  const id = textAt(reference, 'id', `input[${index}]`);
  const known = recall?.(answerOf(id))?.find((item) => item['id'] === id);
  if (known === undefined) throw refused(`input[${index}].id`, `${JSON.stringify(id.slice(0, 256))} is not kept here; send the item itself${recall === undefined ? ', or set cache.responses in config/tollfree.yaml' : ''}`);
  return known;
}

function recalled(id: string, recall: (id: string) => readonly Json[] | undefined): readonly Item[] {
  const items = recall(id);
  if (items !== undefined) return items;
  throw new FailureError({ kind: 'invalid-request', param: 'previous_response_id', code: 'previous_response_not_found', message: `previous_response_id: ${JSON.stringify(id)} is not kept here, or not any more; send the earlier turns as input` });
}

/** `known`: how many of the items were said before. */
function chatBody(data: ResponsesBody, items: readonly Item[], known: number): Json {
  const { model, instructions, tools, tool_choice: choice, max_output_tokens: most } = data;
  const format = formatOf(data.text?.format);
  return {
    model,
    messages: [...(instructions ? [{ role: 'system', content: instructions }] : []), ...messagesOf(items, known)],
    stream: data.stream === true,
    ...Object.fromEntries(SAME.filter((field) => data[field] !== undefined && data[field] !== null).map((field) => [field, data[field]])),
    ...(typeof most === 'number' && { max_tokens: most }),
    ...(tools && tools.length > 0 && { tools: tools.map(toolOf), ...(choice && { tool_choice: choiceOf(choice) }) }),
    ...(format && { response_format: format }),
    ...(data.reasoning?.effort && { reasoning_effort: data.reasoning.effort }),
    ...(data.text?.verbosity && { verbosity: data.text.verbosity }),
  };
}

function toolOf({ type, name, description, parameters, strict }: Json, index: number): Json {
  if (type !== 'function') throw refused(`tools[${index}].type`, `tools of type ${JSON.stringify(text(type).slice(0, 64))} run at OpenAI; here only your own functions can be called`);
  return { type: 'function', function: { name, ...(typeof description === 'string' && { description }), parameters: parameters ?? { type: 'object', properties: {} }, ...(typeof strict === 'boolean' && { strict }) } };
}

function choiceOf(choice: NonNullable<ResponsesBody['tool_choice']>): unknown {
  if (typeof choice === 'string') return choice;
  if (choice.type !== 'function') throw refused('tool_choice.type', 'only functions can be chosen here');
  return { type: 'function', function: { name: choice.name ?? '' } };
}

function formatOf(format: NonNullable<ResponsesBody['text']>['format']): Json | undefined {
  if (!format || format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json_object' };
  if (format.type !== 'json_schema') throw refused('text.format.type', 'must be text, json_object or json_schema');
  const { type: _, ...schema } = format;
  return { type: 'json_schema', json_schema: schema };
}

/** Calls that follow each other, and the words before them, are one assistant's turn. What results show is shown by a user after them. */
function messagesOf(items: readonly Item[], known: number): readonly Json[] {
  const messages: Json[] = [];
  const shown: Json[] = [];
  const show = (): void => void (shown.length > 0 && messages.push({ role: 'user', content: shown.splice(0) }));
  for (const [index, one] of items.entries()) {
    const place = `input[${index - known}]`;
    if (one.type !== 'function_call_output') show();
    const last = messages.at(-1);
    switch (one.type ?? 'message') {
      case 'message':
        messages.push({ role: one.role ?? 'user', content: contentOf(one, place) });
        break;
      case 'function_call': {
        const call = { id: textAt(one, 'call_id', place), type: 'function', function: { name: textAt(one, 'name', place), arguments: textAt(one, 'arguments', place) } };
        if (last?.['role'] === 'assistant') messages[messages.length - 1] = { ...last, tool_calls: [...((last['tool_calls'] as Json[] | undefined) ?? []), call] };
        else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
        break;
      }
      case 'function_call_output': {
        const parts = outputOf(one['output'], `${place}.output`);
        messages.push({ role: 'tool', tool_call_id: textAt(one, 'call_id', place), content: parts.flatMap((part) => (part['type'] === 'text' ? [part['text']] : [])).join('\n') });
        shown.push(...parts.filter(({ type }) => type !== 'text'));
        break;
      }
      // Thoughts of an earlier turn are sealed for their maker.
      case 'reasoning':
        break;
      default:
        throw refused(`${place}.type`, `items of type ${JSON.stringify(text(one.type).slice(0, 64))} are kept or run at OpenAI; leave them out`);
    }
  }
  show();
  return messages;
}

const output = z.array(part);

function outputOf(said: unknown, place: string): readonly Json[] {
  if (typeof said === 'string') return [{ type: 'text', text: said }];
  const parts = output.safeParse(said);
  if (!parts.success) throw refused(place, 'must be text, or a list of parts');
  return parts.data.map((one, index) => partOf(one, `${place}[${index}]`));
}

function contentOf({ content }: Item, place: string): unknown {
  if (typeof content === 'string') return content;
  const parts = (content ?? []).map((one, index) => partOf(one, `${place}.content[${index}]`));
  return parts.every(({ type }) => type === 'text') ? parts.map((one) => text(one['text'])).join('\n') : parts;
}

function partOf(one: Part, place: string): Json {
  switch (one.type) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: textAt(one, 'text', place) };
    case 'refusal':
      return { type: 'text', text: textAt(one, 'refusal', place) };
    case 'input_image':
      return { type: 'image_url', image_url: { url: textAt(one, 'image_url', place), ...(typeof one['detail'] === 'string' && { detail: one['detail'] }) } };
    case 'input_file':
      return { type: 'file', file: { filename: text(one['filename']) || 'file', file_data: textAt(one, 'file_data', place) } };
    case 'input_audio':
      return { type: 'input_audio', input_audio: one['input_audio'] };
    default:
      throw refused(`${place}.type`, `parts of type ${JSON.stringify(one.type.slice(0, 64))} are not understood here`);
  }
}

function textAt(one: Json, field: string, place: string): string {
  const found = one[field];
  if (typeof found !== 'string') throw refused(`${place}.${field}`, 'must be text; what is kept at OpenAI cannot be read here');
  return found;
}
