/** What a prompt says and needs, measured once. */
import { estimateText } from '../tokens.ts';
import type { Capability, PromptText } from '../types.ts';

export { estimateText };

/** A message as every OpenAI-like surface has it; fields unknown to us stay in the body and are not looked at. */
export interface Message {
  readonly role: string;
  readonly content?: string | readonly ContentPart[] | null | undefined;
  readonly tool_calls?: readonly unknown[] | null | undefined;
}

export interface ContentPart {
  readonly type: string;
  readonly text?: string | undefined;
}

export function textOf(messages: readonly Message[]): PromptText {
  const users = messages.filter(({ role }) => role === 'user').map(words).toReversed();
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer').map(words);
  const [last = '', ...earlier] = users;
  return { last, earlier, system: system.join('\n') };
}

function words({ content }: Message): string {
  if (typeof content === 'string') return content;
  return (content ?? []).flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])).join('\n');
}

export interface Asked {
  readonly messages: readonly Message[];
  readonly tools?: readonly unknown[] | null | undefined;
  readonly functions?: readonly unknown[] | null | undefined;
  readonly response_format?: { readonly type: string } | null | undefined;
}

/** The capabilities without which a model cannot answer this at all. */
export function needsOf(asked: Asked): readonly Capability[] {
  const parts = new Set(asked.messages.flatMap(({ content }) => (typeof content === 'object' && content !== null ? content.map(({ type }) => type) : [])));
  return [
    ...(asked.tools?.length || asked.functions?.length ? (['tools'] as const) : []),
    ...(parts.has('image_url') || parts.has('input_image') ? (['vision'] as const) : []),
    ...(parts.has('input_audio') ? (['audio'] as const) : []),
    ...(asked.response_format?.type === 'json_object' ? (['json'] as const) : []),
    ...(asked.response_format?.type === 'json_schema' ? (['json_schema'] as const) : []),
  ];
}

/** What chat templates add around each message. */
const TOKENS_A_MESSAGE = 4;
/** Between a thumbnail (85) and a large picture (about 1,500) as the common vision encoders count. */
const TOKENS_AN_IMAGE = 800;

/** Estimated tokens of a prompt. The accounts correct it for each model by what the providers report. */
export function estimatePrompt(asked: Asked): number {
  const tools = (asked.tools?.length ?? 0) + (asked.functions?.length ?? 0) > 0 ? estimateText(JSON.stringify([asked.tools, asked.functions])) : 0;
  return asked.messages.reduce((sum, message) => sum + TOKENS_A_MESSAGE + estimateMessage(message), tools);
}

function estimateMessage({ content, tool_calls: calls }: Message): number {
  const called = calls?.length ? estimateText(JSON.stringify(calls)) : 0;
  if (typeof content === 'string') return called + estimateText(content);
  return (content ?? []).reduce((sum, { text, type }) => sum + (text === undefined ? (type === 'text' ? 0 : TOKENS_AN_IMAGE) : estimateText(text)), called);
}
