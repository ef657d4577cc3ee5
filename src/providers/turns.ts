/** OpenAI's messages taken apart, for formats that put them together otherwise. */
import type { ChatRequest, Provider } from '../types.ts';
import { fitted, notTaken } from './fields.ts';
import { isRecord, listAt, parseJson, recordAt, textAt } from './json.ts';
import type { Json } from './json.ts';

export type Part =
  | { readonly type: 'text'; readonly text: string }
  /** `image`, `file` and `audio`: either the bytes in base64, or where they are. */
  | { readonly type: 'image' | 'file' | 'audio'; readonly mediaType: string; readonly data: string; readonly name?: string }
  | { readonly type: 'image'; readonly url: string };

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
  /** As it came: some makers put a signature beside the call that must come back. */
  readonly source: Json;
}

export type Turn =
  | { readonly role: 'user'; readonly parts: readonly Part[] }
  | { readonly role: 'assistant'; readonly text: string; readonly calls: readonly Call[] }
  /** The result of a call made before. */
  | { readonly role: 'tool'; readonly id: string; readonly name: string; readonly text: string };

export interface Question {
  /** All system and developer messages. */
  readonly system: string;
  readonly turns: readonly Turn[];
  /** The body's other fields, as far as the provider's entry lets them through. */
  readonly fields: Json;
}

export function readQuestion({ body }: ChatRequest, provider: Provider): Question {
  const { messages: _, model: _model, stream: _stream, stream_options: _options, ...fields } = fitted(body, provider);
  const messages = listAt(body, 'messages');
  const names = new Map<string, string>();
  const system: string[] = [];
  const turns: Turn[] = [];
  for (const message of messages) {
    const role = textAt(message, 'role');
    if (role === 'function' || isRecord(message['function_call'])) throw notTaken('messages', 'functions in their older form; offer them as tools');
    if (role === 'system' || role === 'developer') system.push(wordsOf(message['content']));
    else if (role === 'tool') {
      const id = textAt(message, 'tool_call_id') ?? '';
      turns.push({ role, id, name: names.get(id) ?? '', text: wordsOf(message['content']) });
    } else if (role === 'assistant') {
      const calls = listAt(message, 'tool_calls').map(readCall);
      for (const { id, name } of calls) names.set(id, name);
      if (isRecord(message['audio'])) throw notTaken('messages', 'what a model said aloud before');
      turns.push({ role, text: wordsOf(message['content']) || (textAt(message, 'refusal') ?? ''), calls });
    } else turns.push({ role: 'user', parts: readParts(message['content']) });
  }
  const words = system.filter(Boolean).join('\n\n');
  // Kept apart, instructions alone would leave an empty conversation.
  return turns.length === 0 ? { system: '', turns: [{ role: 'user', parts: [{ type: 'text', text: words }] }], fields } : { system: words, turns, fields };
}

function readCall(source: Json): Call {
  const named = recordAt(source, 'function');
  const written = textAt(named, 'arguments') ?? '';
  const input = written.trim() === '' ? {} : parseJson(written);
  if (!isRecord(input)) throw notTaken('messages', 'tool calls whose arguments are not a JSON object');
  return { id: textAt(source, 'id') ?? '', name: textAt(named, 'name') ?? '', input, source };
}

/** Only users show pictures. */
function wordsOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return listAt({ content }, 'content').map((part) => textAt(part, 'text') ?? textAt(part, 'refusal') ?? noWords(part)).join('\n');
}

function noWords({ type }: Json): never {
  throw notTaken('messages', `parts of type ${JSON.stringify(type)} but from a user`);
}

function readParts(content: unknown): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return listAt({ content }, 'content').map(readPart);
}

function readPart(part: Json): Part {
  switch (part['type']) {
    case 'text': return { type: 'text', text: textAt(part, 'text') ?? '' };
    case 'image_url': return readImage(textAt(recordAt(part, 'image_url'), 'url') ?? '');
    case 'input_audio': {
      const audio = recordAt(part, 'input_audio');
      return { type: 'audio', mediaType: `audio/${textAt(audio, 'format') ?? 'wav'}`, data: textAt(audio, 'data') ?? '' };
    }
    case 'file': {
      const file = recordAt(part, 'file');
      const read = dataUrl(textAt(file, 'file_data') ?? '');
      if (read === undefined) throw notTaken('messages', 'files that are not sent along as base64');
      return { type: 'file', ...read, ...(textAt(file, 'filename') !== undefined && { name: textAt(file, 'filename') ?? '' }) };
    }
    default: throw notTaken('messages', `parts of type ${JSON.stringify(part['type'])}`);
  }
}

function readImage(url: string): Part {
  const read = dataUrl(url);
  return read === undefined ? { type: 'image', url } : { type: 'image', ...read };
}

function dataUrl(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const [, mediaType, data] = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w=-]+)*;base64,(.*)$/is.exec(url) ?? [];
  return mediaType === undefined || data === undefined ? undefined : { mediaType, data };
}

/** Every field that was not translated would be lost. What is not set, or holds nothing, is none. */
export function refuseRest(rest: Json): void {
  for (const [field, value] of Object.entries(rest)) if (says(value)) throw notTaken(field, `the field ${field}`);
}

const says = (value: unknown): boolean => value !== null && value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);

/** The fields that every format has in some form. */
export interface CommonFields {
  readonly maxTokens?: number;
  readonly stop: readonly string[];
  readonly tools: readonly FunctionTool[];
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly schema?: { readonly name: string; readonly schema: unknown };
  readonly json: boolean;
  /** Not read yet. */
  readonly rest: Json;
}

export interface FunctionTool {
  readonly name: string;
  readonly description?: string;
  /** Its arguments must be as `parameters` says. */
  readonly strict?: true;
  readonly parameters: Json;
}

export function readFields(fields: Json): CommonFields {
  const { max_tokens: _most, max_completion_tokens: _newer, stop, tools: _tools, tool_choice: _choice, response_format: _format, n, ...rest } = fields;
  if (typeof n === 'number' && n > 1) throw notTaken('n', 'the wish for more than one answer');
  const format = recordAt(fields, 'response_format');
  const maxTokens = fields['max_completion_tokens'] ?? fields['max_tokens'];
  const schema = recordAt(format, 'json_schema');
  const choice = readChoice(fields['tool_choice']);
  return {
    ...(typeof maxTokens === 'number' && { maxTokens }),
    stop: typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop.filter((one) => typeof one === 'string') : [],
    tools: listAt(fields, 'tools').map(readTool),
    ...(choice !== undefined && { toolChoice: choice }),
    ...(format?.['type'] === 'json_schema' && { schema: { name: textAt(schema, 'name') ?? 'answer', schema: schema?.['schema'] } }),
    json: format?.['type'] === 'json_object' || format?.['type'] === 'json_schema',
    rest,
  };
}

function readTool(tool: Json): FunctionTool {
  const described = recordAt(tool, 'function');
  if (tool['type'] !== 'function' || described === undefined) throw notTaken('tools', `tools of type ${JSON.stringify(tool['type'])}`);
  const description = textAt(described, 'description');
  return { name: textAt(described, 'name') ?? '', ...(description !== undefined && { description }), ...(described['strict'] === true && { strict: true as const }), parameters: recordAt(described, 'parameters') ?? { type: 'object', properties: {} } };
}

function readChoice(choice: unknown): CommonFields['toolChoice'] {
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  const name = isRecord(choice) ? textAt(recordAt(choice, 'function'), 'name') : undefined;
  if (name === undefined) throw notTaken('tool_choice', 'this choice of tools');
  return { name };
}
