import type { JsonObject } from './types.ts';

/** About four Latin letters, one ideograph or one sign a token: near enough to real tokenizers, and the same every time. */
const PIECE = /\s?[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|\s?[\p{L}\p{M}\p{N}]{1,6}|\s?[^\s\p{L}\p{M}\p{N}]|\s+/gu;

/** Framing of one chat message, and of the answer to come. */
const MESSAGE_TOKENS = 4;
/** What an image part costs at low detail. */
const IMAGE_TOKENS = 85;

export const pieces = (text: string): string[] => text.match(PIECE) ?? [];

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

export const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** The text of a message's content, whether a string or parts. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return objects(content).map((part) => (typeof part['text'] === 'string' ? part['text'] : '')).join('\n');
}

/** Tokens of a chat prompt: its messages, images and tools. */
export function promptTokens(body: JsonObject): number {
  const messages = objects(body['messages']);
  const words = messages.reduce((sum, { content, tool_calls: calls }) =>
    sum + MESSAGE_TOKENS + pieces(textOf(content)).length + (calls === undefined ? 0 : pieces(JSON.stringify(calls)).length), 0);
  const images = messages.flatMap(({ content }) => objects(content)).filter(({ type }) => type === 'image_url').length;
  const tools = body['tools'] === undefined ? 0 : pieces(JSON.stringify(body['tools'])).length;
  return words + images * IMAGE_TOKENS + tools;
}

/** The most tokens the caller lets the answer have. */
export function maxOutput(body: JsonObject): number | undefined {
  const asked = body['max_completion_tokens'] ?? body['max_tokens'];
  return typeof asked === 'number' ? asked : undefined;
}
