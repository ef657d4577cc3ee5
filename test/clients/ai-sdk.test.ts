/** Vercel's AI SDK, unmodified, through both of its ways in. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import type { LanguageModel } from 'ai';
import { z } from 'zod';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';
import { withEmbeddings } from './embeddings.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ providers: withEmbeddings() });
});
afterAll(() => state.system.close());

const compatible = () => createOpenAICompatible({ name: 'tollfree', baseURL: `${state.system.url}/v1`, apiKey: 'any', includeUsage: true, supportsStructuredOutputs: true });
const anthropic = () => createAnthropic({ baseURL: `${state.system.url}/v1`, apiKey: 'any' });
const ways: readonly (readonly [string, (id: string) => LanguageModel])[] = [['openai-compatible', (id) => compatible()(id)], ['anthropic', (id) => anthropic()(id)]];
const weather = tool({ description: 'the weather now', inputSchema: z.object({ city: z.string() }), execute: ({ city }) => `sunny in ${city}` });

describe.each(ways)('through %s', (_name, model) => {
  test('generateText', async () => {
    const { text, finishReason, usage } = await generateText({ model: model('auto'), prompt: 'hello', maxOutputTokens: 500 });
    expect(text).toMatch(/\S/);
    expect(finishReason).toBe('stop');
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  test('streamText', async () => {
    const { textStream, usage } = streamText({ model: model('auto'), prompt: 'hello', maxOutputTokens: 500 });
    const pieces: string[] = [];
    for await (const piece of textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect((await usage).inputTokens).toBeGreaterThan(0);
  });

  test('tools, in steps', async () => {
    const { steps, text } = await generateText({ model: model('gpt-oss-120b'), prompt: 'get_weather of Paris', tools: { get_weather: weather }, stopWhen: stepCountIs(3), maxOutputTokens: 500 });
    expect(steps[0]?.toolCalls).toMatchObject([{ toolName: 'get_weather', input: { city: expect.any(String) } }]);
    expect(text).toContain('sunny in');
  });

  test('generateObject, by a schema', async () => {
    const { object } = await generateObject({ model: model('gpt-oss-120b'), schema: z.object({ name: z.string(), age: z.number() }), prompt: 'a person', maxOutputTokens: 500 });
    expect(object).toEqual({ name: expect.any(String), age: expect.any(Number) });
  });
});

test('embedMany', async () => {
  const { embeddings, usage } = await embedMany({ model: compatible().embeddingModel('nvidia/nemotron-embed-1b:free'), values: ['one', 'two'] });
  expect(embeddings.map(({ length }) => length)).toEqual([64, 64]);
  expect(usage.tokens).toBeGreaterThan(0);
});
