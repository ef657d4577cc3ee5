/** The helpers of OpenAI's official client, which ask more of an answer than its text. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem();
});
afterAll(() => state.system.close());

test('parse: the answer as an object of the schema', async () => {
  const person = z.object({ name: z.string(), age: z.number() });
  const completion = await state.system.client.chat.completions.parse({ model: 'gpt-oss-120b', messages: [{ role: 'user', content: 'a person' }], response_format: zodResponseFormat(person, 'person') });
  expect(person.safeParse(completion.choices[0]?.message.parsed).success).toBe(true);
});

test.each([false, true])('runTools: calls, results and the answer, in a row (stream: %s)', async (stream) => {
  const cities: string[] = [];
  const question = {
    model: 'gpt-oss-120b',
    messages: [{ role: 'user' as const, content: 'get_weather of Paris' }],
    tools: [{ type: 'function' as const, function: {
      name: 'get_weather',
      description: 'the weather now',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      parse: JSON.parse,
      function({ city }: { city: string }): string {
        cities.push(city);
        return `sunny in ${city}`;
      },
    } }],
  };
  const runner = stream ? state.system.client.chat.completions.runTools({ ...question, stream: true }) : state.system.client.chat.completions.runTools(question);
  expect(await runner.finalContent()).toContain('sunny');
  expect(cities).toHaveLength(1);
});
