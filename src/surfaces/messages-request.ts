/** Anthropic's question in OpenAI's form. Blocks nobody else knows go to Anthropic or are refused by name, never lost on the way. */
import { z } from 'zod';
import { FailureError } from '../failure.ts';
import { check, refused } from '../schema.ts';
import type { Original } from '../types.ts';
import { clientFields, ownWords } from './client-fields.ts';
import { isRecord, text } from './json.ts';
import type { Json } from './json.ts';

const block = z.looseObject({ type: z.string() });
const content = z.union([z.string(), z.array(block)]);
const format = z.looseObject({ type: z.string(), schema: z.unknown() });
export const messagesBody = z.looseObject({
  model: z.string().min(1).max(256),
  max_tokens: z.int().positive().optional(),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content })).min(1),
  system: z.union([z.string(), z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))]).nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  stop_sequences: z.array(z.string()).max(16).nullish(),
  tools: z.array(z.looseObject({ name: z.string(), type: z.string().nullish(), description: z.string().nullish(), input_schema: z.looseObject({}).nullish(), strict: z.boolean().nullish() })).max(1024).nullish(),
  tool_choice: z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']), name: z.string().optional(), disable_parallel_tool_use: z.boolean().optional() }).nullish(),
  thinking: z.looseObject({ type: z.enum(['enabled', 'disabled', 'adaptive']), budget_tokens: z.int().positive().optional() }).nullish(),
  output_config: z.looseObject({ effort: z.string().nullish(), format: format.nullish() }).nullish(),
  /** As it was before it moved there. */
  output_format: format.nullish(),
  ...ownWords,
});
type Body = z.infer<typeof messagesBody>;
type Block = z.infer<typeof block>;

/** What these would do happens at Anthropic: an answer without it is another answer. */
const ELSEWHERE = ['mcp_servers', 'container'];

export interface MessagesQuestion {
  readonly body: Json;
  /** Thoughts are told only to who asked for them: others read the first block as the answer. */
  readonly thinking: boolean;
  /** What only tunes an answer, or counts at Anthropic alone. */
  readonly dropped: readonly string[];
  /** Whom it is asked for. */
  readonly user?: string;
  /** As it was asked. */
  readonly original: Omit<Original, 'dialect' | 'beta'>;
}

/** Throws `invalid-request` naming the field. `counting`: the question is only measured, and needs no maximum. */
export function readMessages(input: unknown, { counting = false } = {}): MessagesQuestion {
  const data = check(messagesBody, input);
  if (data.max_tokens === undefined && !counting) throw refused('max_tokens', 'this field is required');
  if (data['thread']) throw keptElsewhere();
  const reading: Reading = { dropped: [] };
  for (const field of ELSEWHERE) if (data[field]) onlyThere(reading, field, 'this happens at Anthropic, and nowhere else; leave it out');
  const unknown = Object.keys(data).filter((field) => !(field in messagesBody.shape) && data[field] !== null);
  const serverTools = (data.tools ?? []).filter((tool) => !isFunction(tool)).map(({ name }) => `tools.${name}`);
  const thinking = data.thinking !== undefined && data.thinking !== null && data.thinking.type !== 'disabled';
  const body = chatBody(data, reading);
  const { only, dropped } = reading;
  return { body, thinking, dropped: [...unknown, ...serverTools, ...new Set(dropped)], ...userIn(data), original: { body: clientFields(data), ...(only && { only }) } };
}

/**
 * A conversation of which the server keeps what was said: it would be kept by one account, and the next question may go to another.
 * Told this code, Anthropic's client (1.11) sends all of it instead; its runner of tools asks for a thread by itself.
 */
function keptElsewhere(): FailureError {
  return new FailureError({ kind: 'invalid-request', param: 'thread', code: 'thread_unsupported_request', message: 'thread: conversations are not kept here; send all messages, without it' });
}

/** What is found on the way. */
interface Reading {
  /** What means something at Anthropic alone: the first of it. */
  only?: NonNullable<Original['only']>;
  readonly dropped: string[];
}

function onlyThere(reading: Reading, param: string, why: string): void {
  reading.only ??= { param, message: `${param}: ${why}` };
}

function userIn({ metadata }: Body): Pick<MessagesQuestion, 'user'> {
  const user = isRecord(metadata) ? metadata['user_id'] : undefined;
  return typeof user === 'string' ? { user } : {};
}

function chatBody(data: Body, reading: Reading): Json {
  const { model, max_tokens: most, temperature, top_p: topP, stop_sequences: stop } = data;
  const wanted = data.output_config?.format ?? data.output_format;
  const tools = (data.tools ?? []).filter(isFunction).map(({ name, description, strict, input_schema: parameters }) => ({
    type: 'function',
    function: { name, ...(description && { description }), parameters: parameters ?? { type: 'object', properties: {} }, ...(strict && { strict }) },
  }));
  const effort = effortOf(data);
  return {
    model,
    messages: [...systemMessages(data.system), ...data.messages.flatMap((message, index) => messagesOf(message, index, reading))],
    stream: data.stream === true,
    ...(data.dry_run && { dry_run: true }),
    ...(data.max_context_tokens && { max_context_tokens: data.max_context_tokens }),
    ...(most !== undefined && { max_tokens: most }),
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { top_p: topP }),
    ...(stop && stop.length > 0 && { stop }),
    ...(tools.length > 0 && { tools, ...choiceOf(data.tool_choice) }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(wanted?.type === 'json_schema' && { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: wanted.schema } } }),
  };
}

/** Anthropic's own tools (web search, code execution …) run at Anthropic and have a dated type. */
function isFunction({ type }: { readonly type?: string | null | undefined }): boolean {
  return type === undefined || type === null || type === 'custom';
}

function choiceOf(choice: Body['tool_choice']): Json {
  if (!choice) return {};
  const parallel = choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {};
  switch (choice.type) {
    case 'auto': return { tool_choice: 'auto', ...parallel };
    case 'any': return { tool_choice: 'required', ...parallel };
    case 'none': return { tool_choice: 'none' };
    case 'tool': return { tool_choice: { type: 'function', function: { name: choice.name ?? '' } }, ...parallel };
    default: return choice.type satisfies never;
  }
}

/** A quarter and a half of the 32k tokens Anthropic's clients give thinking at its highest step. */
const EFFORT_BUDGETS = { low: 8_000, medium: 16_000 };
const EFFORTS: ReadonlySet<string> = new Set(['low', 'medium', 'high']);

function effortOf({ thinking, output_config: output }: Body): string | undefined {
  if (output?.effort) return EFFORTS.has(output.effort) ? output.effort : 'high';
  if (thinking?.type !== 'enabled' || thinking.budget_tokens === undefined) return undefined;
  if (thinking.budget_tokens < EFFORT_BUDGETS.low) return 'low';
  return thinking.budget_tokens < EFFORT_BUDGETS.medium ? 'medium' : 'high';
}

function systemMessages(system: Body['system']): readonly Json[] {
  const words = typeof system === 'string' ? system : (system ?? []).map((part) => part.text).join('\n\n');
  return words === '' ? [] : [{ role: 'system', content: words }];
}

function messagesOf({ role, content: said }: Body['messages'][number], index: number, reading: Reading): readonly Json[] {
  if (typeof said === 'string') return [{ role, content: said }];
  const place = `messages[${index}].content`;
  return role === 'assistant' ? [assistantMessage(said, { place, reading })] : userMessages(said, role, { place, reading });
}

interface Place {
  readonly place: string;
  readonly reading: Reading;
}

/** Earlier thoughts are left out: their signatures mean nothing to anyone but their maker. */
function assistantMessage(blocks: readonly Block[], { place, reading }: Place): Json {
  const words: string[] = [];
  const calls: Json[] = [];
  for (const [index, one] of blocks.entries()) {
    if (one.type === 'text') words.push(textAt(one, 'text', `${place}[${index}]`));
    else if (one.type === 'tool_use') calls.push({ id: textAt(one, 'id', `${place}[${index}]`), type: 'function', function: { name: textAt(one, 'name', `${place}[${index}]`), arguments: JSON.stringify(one['input'] ?? {}) } });
    else if (one.type !== 'thinking' && one.type !== 'redacted_thinking') unknownBlock(one, { place: `${place}[${index}]`, reading });
  }
  return { role: 'assistant', content: words.length === 0 ? null : words.join(''), ...(calls.length > 0 && { tool_calls: calls }) };
}

/** Results stand directly after the calls they answer; what else the turn says, and what they show, follows. */
function userMessages(blocks: readonly Block[], role: string, { place, reading }: Place): readonly Json[] {
  const results: Json[] = [];
  const parts: Json[] = [];
  for (const [index, one] of blocks.entries()) {
    const here = `${place}[${index}]`;
    if (one.type !== 'tool_result') {
      parts.push(...partsOf(one, { place: here, reading }));
      continue;
    }
    const { words, shown } = readResult(one, { place: here, reading });
    results.push({ role: 'tool', tool_call_id: textAt(one, 'tool_use_id', here), content: one['is_error'] === true ? `Error: ${words}` : words });
    parts.push(...shown);
  }
  return parts.length === 0 && results.length === blocks.length ? results : [...results, { role, content: plain(parts) }];
}

/** Providers that take no lists of parts take text all the same. */
function plain(parts: readonly Json[]): unknown {
  return parts.every(({ type }) => type === 'text') ? parts.map((part) => part['text']).join('\n') : parts;
}

/** Tool messages carry text; pictures are shown in the user's message after them. */
function readResult(result: Block, { place, reading }: Place): { readonly words: string; readonly shown: readonly Json[] } {
  const parsed = content.nullish().safeParse(result['content']);
  if (!parsed.success) throw refused(`${place}.content`, 'must be text or a list of blocks');
  const blocks = typeof parsed.data === 'string' ? [{ type: 'text', text: parsed.data }] : (parsed.data ?? []);
  const parts = blocks.flatMap((one, index) => partsOf(one, { place: `${place}.content[${index}]`, reading }));
  return {
    words: parts.flatMap((part) => (part['type'] === 'text' ? [part['text']] : [])).join('\n'),
    shown: parts.filter((part) => part['type'] !== 'text'),
  };
}

const source = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
  z.looseObject({ type: z.literal('url'), url: z.string() }),
  z.looseObject({ type: z.literal('text'), data: z.string() }),
]);

/** None where it means something at Anthropic alone. */
function partsOf(one: Block, { place, reading }: Place): readonly Json[] {
  if (one.type === 'text') return [{ type: 'text', text: textAt(one, 'text', place) }];
  const parsed = one.type === 'image' || one.type === 'document' ? source.safeParse(one['source']) : undefined;
  if (parsed === undefined) unknownBlock(one, { place, reading });
  else if (!parsed.success) onlyThere(reading, `${place}.source`, 'send it as base64 or url');
  if (parsed?.success !== true) return [];
  const citations = one['citations'];
  if (isRecord(citations) && citations['enabled'] === true) reading.dropped.push('messages.citations');
  return shownParts(one, parsed.data);
}

/** A document's title and what is said about it come before it. */
function shownParts(one: Block, data: z.infer<typeof source>): readonly Json[] {
  const title = text(one['title']);
  const about = text(one['context']);
  if (data.type === 'text') return [{ type: 'text', text: [title, about, data.data].filter(Boolean).join('\n\n') }];
  const url = data.type === 'url' ? data.url : `data:${data.media_type};base64,${data.data}`;
  if (one.type === 'image') return [{ type: 'image_url', image_url: { url } }];
  return [...(about === '' ? [] : [{ type: 'text', text: about }]), { type: 'file', file: { filename: title || 'document.pdf', file_data: url } }];
}

function textAt(one: Block, field: string, place: string): string {
  const found = one[field];
  if (typeof found !== 'string') throw refused(`${place}.${field}`, 'must be text');
  return found;
}

function unknownBlock({ type }: Block, { place, reading }: Place): void {
  onlyThere(reading, `${place}.type`, `blocks of type ${JSON.stringify(type.slice(0, 64))} mean something only at Anthropic; leave them out`);
}
