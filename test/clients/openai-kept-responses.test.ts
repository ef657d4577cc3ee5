/** OpenAI's official client where answers are kept: a conversation goes on by naming its last one. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ settings: 'cache: { responses: 1h }\n' });
});
beforeEach(() => state.system.simulators.clearCalls());
afterAll(() => state.system.close());

const messagesAsked = (): unknown => (state.system.simulators.calls().at(-1)?.body as { messages?: unknown } | undefined)?.messages;
const tools: OpenAI.Responses.FunctionTool[] = [{ type: 'function', name: 'get_weather', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];
const model = 'gpt-oss-120b';

test('turn after turn, streamed or not: all that was said goes upstream, and only the newest instructions', async () => {
  const { responses } = state.system.client;
  const first = await responses.create({ model, instructions: 'be brief', input: 'hello' });
  expect(first).toMatchObject({ store: true, previous_response_id: null });
  const second = await responses.stream({ model, input: [{ role: 'user', content: 'and you?' }], previous_response_id: first.id }).finalResponse();
  expect(second.previous_response_id).toBe(first.id);
  expect(messagesAsked()).toEqual([{ role: 'user', content: 'hello' }, { role: 'assistant', content: first.output_text }, { role: 'user', content: 'and you?' }]);
  await responses.create({ model, instructions: 'be long', input: 'bye', previous_response_id: second.id });
  expect(messagesAsked()).toEqual([
    { role: 'system', content: 'be long' },
    { role: 'user', content: 'hello' }, { role: 'assistant', content: first.output_text },
    { role: 'user', content: 'and you?' }, { role: 'assistant', content: second.output_text },
    { role: 'user', content: 'bye' },
  ]);
});

test('a call is answered by its result alone', async () => {
  const { responses } = state.system.client;
  const asked = await responses.create({ model, input: 'weather in Paris?', tools, tool_choice: 'required' });
  const call = asked.output.find((item) => item.type === 'function_call');
  const answered = await responses.create({ model, previous_response_id: asked.id, input: [{ type: 'function_call_output', call_id: call?.call_id ?? '', output: 'sunny' }] });
  expect(answered.output_text).toContain('sunny');
  expect(messagesAsked()).toMatchObject([{ role: 'user', content: 'weather in Paris?' }, { role: 'assistant', tool_calls: [{ id: call?.call_id, function: { name: 'get_weather' } }] }, { role: 'tool', tool_call_id: call?.call_id, content: 'sunny' }]);
});

test('an item stands for itself where it is referred to by its id, as Vercel’s client does it', async () => {
  const { responses } = state.system.client;
  const question = { role: 'user' as const, content: 'weather in Paris?' };
  const asked = await responses.create({ model, input: [question], tools, tool_choice: 'required' });
  const call = asked.output.find((item) => item.type === 'function_call');
  const references = asked.output.map(({ id }) => ({ type: 'item_reference' as const, id: id ?? '' }));
  const answered = await responses.create({ model, input: [question, ...references, { type: 'function_call_output', call_id: call?.call_id ?? '', output: 'sunny' }] });
  const said = [{ role: 'user', content: 'weather in Paris?' }, { role: 'assistant', tool_calls: [{ id: call?.call_id, function: { name: 'get_weather', arguments: call?.arguments } }] }, { role: 'tool', content: 'sunny' }];
  expect(messagesAsked()).toMatchObject(said);
  // What was referred to is kept as what it is.
  await responses.create({ model, input: 'and now?', previous_response_id: answered.id });
  expect(messagesAsked()).toMatchObject([...said, { role: 'assistant' }, { role: 'user', content: 'and now?' }]);
  await expect(responses.create({ model, input: [{ type: 'item_reference', id: 'fc_nobody_0' }] })).rejects.toMatchObject({ status: 400, param: 'input[0].id' });
});

test('what was not to be stored, what nobody knows and what is somebody else’s is not found, by name', async () => {
  const { responses } = state.system.client;
  const unstored = await responses.create({ model, input: 'hello', store: false });
  expect(unstored).toMatchObject({ store: false });
  for (const id of [unstored.id, 'resp_nobody']) {
    await expect(responses.create({ model, input: 'x', previous_response_id: id })).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found', param: 'previous_response_id' });
  }
  const secretOf = async (name: string): Promise<string> => ((await (await state.system.admin('POST', '/virtual-keys', { name })).json()) as { secret: string }).secret;
  const [ana, bob] = await Promise.all(['ana', 'bob'].map(async (name) => new OpenAI({ baseURL: `${state.system.url}/v1`, apiKey: await secretOf(name), maxRetries: 0 })));
  const hers = await ana?.responses.create({ model, input: 'hello' });
  await expect(bob?.responses.create({ model, input: 'x', previous_response_id: hers?.id ?? null })).rejects.toMatchObject({ code: 'previous_response_not_found' });
  expect(await ana?.responses.create({ model, input: 'x', previous_response_id: hers?.id ?? null })).toMatchObject({ status: 'completed' });
});
