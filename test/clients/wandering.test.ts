/** Conversations with tools that go from one provider to the next, as fallback makes them: each is as strict as the real one. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { startRecording } from './recorder.ts';
import type { Recorded, Recording, Reply } from './recorder.ts';

interface Message {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string; readonly extra_content?: { readonly google?: { readonly thought_signature?: string } } }[];
}

const KNOWN = new Set(['role', 'content', 'tool_calls', 'tool_call_id', 'name', 'prefix']);

/** What Mistral says of messages it does not like, in its own words. */
function mistralDislikes(messages: readonly Message[]): string | undefined {
  for (const [index, message] of messages.entries()) {
    const extra = Object.keys(message).find((field) => !KNOWN.has(field));
    if (extra !== undefined) return `Extra inputs are not permitted: ${extra}`;
    for (const id of [...(message.tool_calls ?? []).map((call) => call.id), ...(message.tool_call_id === undefined ? [] : [message.tool_call_id])]) {
      if (!/^[a-z\d]{9}$/i.test(id)) return `Tool call id was ${id} but must be a-z, A-Z, 0-9, with a length of 9.`;
    }
    if (message.role === 'user' && messages[index - 1]?.role === 'tool') return "Unexpected role 'user' after role 'tool'";
  }
  return undefined;
}

const geminiDislikes = (messages: readonly Message[]): string | undefined =>
  messages.some(({ tool_calls: calls }) => calls?.[0] !== undefined && calls[0].extra_content?.google?.thought_signature === undefined) ? 'Function call is missing a thought_signature in functionCall parts.' : undefined;

const groqDislikes = (messages: readonly Message[]): string | undefined => {
  const index = messages.findIndex((message) => 'reasoning_content' in message);
  return index < 0 ? undefined : `'messages.${index}' : for 'role:assistant' the following must be satisfied[('messages.${index}' : property 'reasoning_content' is unsupported)]`;
};

/** Each calls a tool in its own way, and speaks once it has the result. */
const PROVIDERS = {
  mistral: { model: 'mistral-medium-latest', dialect: 'mistral', omit: '[]', dislikes: mistralDislikes, call: { id: 'gSIMJiOkT', function: { name: 'look', arguments: '{"at":"m"}' } }, thoughts: { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] } },
  gemini: { model: 'gemini-3.8-flash', dialect: 'gemini-openai', omit: '[]', dislikes: geminiDislikes, call: { index: 0, id: 'function-call-1234567890', type: 'function', function: { name: 'look', arguments: '{"at":"g"}' }, extra_content: { google: { thought_signature: 'c2lnbmVk' } } }, thoughts: {} },
  groq: { model: 'openai/gpt-oss-120b', dialect: 'openai', omit: '[messages.reasoning_content, messages.refusal]', dislikes: groqDislikes, call: { index: 0, id: 'fc_0c1d2e3f', type: 'function', function: { name: 'look', arguments: '{"at":"q"}' } }, thoughts: { reasoning: 'Hm' } },
  deep: { model: 'thinker', dialect: 'openai', omit: '[]', dislikes: () => undefined, call: { index: 0, id: 'call_00_abcdefghijklmnop', type: 'function', function: { name: 'look', arguments: '{"at":"d"}' } }, thoughts: { reasoning_content: 'Hm' } },
} as const;
type Name = keyof typeof PROVIDERS;
const NAMES = Object.keys(PROVIDERS) as Name[];

function answer({ path, body }: Recorded): Reply {
  const provider = PROVIDERS[path.split('/')[1] as Name];
  if (body === '') return { status: 404, type: 'application/json', body: '{}' };
  const { messages } = JSON.parse(body) as { readonly messages: readonly Message[] };
  const mistake = provider.dislikes(messages);
  if (mistake !== undefined) return { status: 400, type: 'application/json', body: JSON.stringify({ error: { message: mistake, type: 'invalid_request_error' } }) };
  const event = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: provider.model, choices: [{ index: 0, delta, finish_reason: finish }], ...(finish !== null && { usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 } }) })}\n\n`;
  const calls = messages.at(-1)?.role === 'user' && JSON.stringify(messages.at(-1)).includes('look');
  const said = calls ? event({ ...provider.thoughts }) + event({ tool_calls: [provider.call] }) + event({}, 'tool_calls') : event({ ...provider.thoughts }) + event({ content: 'I saw it' }) + event({}, 'stop');
  return { type: 'text/event-stream', body: `${event({ role: 'assistant', content: '' })}${said}data: [DONE]\n\n` };
}

const entryAt = (origin: string, name: Name): string => `{ base_url: "${origin}/${name}", dialect: ${PROVIDERS[name].dialect}, omit: ${PROVIDERS[name].omit}, models: [{ name: ${PROVIDERS[name].model}, capabilities: [text_generation, tools], price: { input: 0, output: 0 } }] }`;

const state: Recording & { anthropic: Anthropic } = { system: undefined as never, recorder: undefined as never, close: undefined as never, anthropic: undefined as never };
beforeAll(async () => {
  const recording = await startRecording(answer, (origin) => Object.fromEntries(NAMES.map((name) => [name, entryAt(origin, name)])));
  Object.assign(state, recording, { anthropic: new Anthropic({ baseURL: recording.system.url, apiKey: 'any', maxRetries: 0 }) });
});
beforeEach(() => {
  state.recorder.seen.length = 0;
});
afterAll(() => state.close());

const modelOf = (name: Name): string => `${name}/${PROVIDERS[name].model}`;
/** Every two of them, one after the other and back. */
const ROUTES = NAMES.flatMap((first) => NAMES.filter((second) => second !== first).map((second): [Name, Name, Name] => [first, second, first]));

describe.each(ROUTES)('from %s to %s and back to %s', (...route) => {
  test("OpenAI's client", async () => {
    const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } } }];
    const messages: OpenAI.ChatCompletionMessageParam[] = [];
    for (const name of route) {
      messages.push({ role: 'user', content: 'look' });
      for (;;) {
        const { choices } = await state.system.client.chat.completions.stream({ model: modelOf(name), messages, tools }).finalChatCompletion();
        const message = choices[0]?.message;
        if (message === undefined) throw new Error('no choice');
        // As it came, whatever it holds.
        messages.push(message);
        if (!message.tool_calls?.length) break;
        messages.push(...message.tool_calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: 'a cat' })));
      }
      expect(messages.at(-1)).toMatchObject({ role: 'assistant', content: 'I saw it' });
    }
  });

  test("Anthropic's client, with words beside the results", async () => {
    const messages: Anthropic.MessageParam[] = [];
    for (const name of route) {
      messages.push({ role: 'user', content: 'look' });
      for (;;) {
        const { content } = await state.anthropic.messages.stream({ model: modelOf(name), max_tokens: 2_000, thinking: { type: 'enabled', budget_tokens: 1_024 }, messages, tools: [{ name: 'look', input_schema: { type: 'object', properties: { at: { type: 'string' } } } }] }).finalMessage();
        messages.push({ role: 'assistant', content });
        const calls = content.filter((block) => block.type === 'tool_use');
        if (calls.length === 0) break;
        messages.push({ role: 'user', content: [...calls.map(({ id }) => ({ type: 'tool_result' as const, tool_use_id: id, content: 'a cat' })), { type: 'text', text: 'go on' }] });
      }
      expect(JSON.stringify(messages.at(-1))).toContain('I saw it');
    }
  });
});
