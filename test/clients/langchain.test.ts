/** LangChain, unmodified. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';
import { withEmbeddings } from './embeddings.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ providers: withEmbeddings() });
});
afterAll(() => state.system.close());

const configuration = () => ({ baseURL: `${state.system.url}/v1` });
const chat = (model: string) => new ChatOpenAI({ model, apiKey: 'any', configuration: configuration() });

test('invoke, with the usage', async () => {
  const { content, usage_metadata: usage } = await chat('auto').invoke('hello');
  expect(content).toMatch(/\S/);
  expect(usage).toMatchObject({ total_tokens: expect.any(Number) });
});

test('stream', async () => {
  const pieces: string[] = [];
  for await (const { content } of await chat('auto').stream('hello')) pieces.push(typeof content === 'string' ? content : '');
  expect(pieces.filter(Boolean).length).toBeGreaterThan(1);
});

test('tools, and their results', async () => {
  const weather = tool(({ city }: { city: string }) => `sunny in ${city}`, { name: 'get_weather', description: 'the weather now', schema: z.object({ city: z.string() }) });
  const bound = chat('gpt-oss-120b').bindTools([weather]);
  const question = new HumanMessage('get_weather of Paris');
  const first = await bound.invoke([question]);
  expect(first.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: expect.any(String) } }]);
  const second = await bound.invoke([question, first, new ToolMessage({ content: 'sunny', tool_call_id: first.tool_calls?.[0]?.id ?? '' })]);
  expect(second.content).toContain('sunny');
});

test('embeddings', async () => {
  const embeddings = new OpenAIEmbeddings({ model: 'nvidia/nemotron-embed-1b:free', apiKey: 'any', configuration: configuration() });
  const [one, two] = await embeddings.embedDocuments(['one', 'two']);
  expect(one).toHaveLength(64);
  expect(two).not.toEqual(one);
});
