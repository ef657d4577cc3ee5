/** OpenAI's official client on the Responses API and on legacy completions. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type OpenAI from 'openai';
import { APIError, BadRequestError } from 'openai';
import { startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem();
});
beforeEach(() => state.system.simulators.clearCalls());
afterAll(() => state.system.close());

/** The bodies of the questions that went upstream. */
const asked = (): Record<string, unknown>[] => state.system.simulators.calls().flatMap(({ body }) => (typeof body === 'object' && body !== null ? [body as Record<string, unknown>] : []));
const tools: OpenAI.Responses.FunctionTool[] = [{ type: 'function', name: 'get_weather', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];

const create = (changes: object): Promise<unknown> => state.system.client.responses.create({ model: 'auto', input: 'x', ...changes });

function callIn({ output }: OpenAI.Responses.Response): OpenAI.Responses.ResponseFunctionToolCall {
  for (const item of output) if (item.type === 'function_call') return item;
  throw new Error('no call');
}

describe('asked where chats are asked, as Cursor does it', () => {
  const question = { model: 'gpt-oss-120b', instructions: 'be brief', input: [{ role: 'user', content: [{ type: 'input_text', text: 'weather in Paris?' }] }], tools, tool_choice: 'required', truncation: 'auto' };

  test('it is answered as a chat', async () => {
    const response = await state.system.chat(question);
    expect(await response.json()).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'tool_calls', message: { tool_calls: [{ function: { name: 'get_weather' } }] } }] });
    expect(response.headers.get('x-tollfree-dropped')).toBe('truncation');
    expect(asked()[0]).toMatchObject({ messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'weather in Paris?' }], tools: [{ type: 'function', function: { name: 'get_weather' } }], tool_choice: 'required' });
  });

  test('streamed, with its usage', async () => {
    const text = await (await state.system.chat({ ...question, stream: true, stream_options: { include_usage: true } })).text();
    expect(text).toContain('"object":"chat.completion.chunk"');
    expect(text).toMatch(/"choices":\[\].*"usage":\{/);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });
});

describe('responses', () => {
  test('an answer, and the question as it went upstream', async () => {
    const response = await state.system.client.responses.create({ model: 'auto', instructions: 'be brief', input: 'hello', max_output_tokens: 500, temperature: 0.5, truncation: 'auto', metadata: { a: 'b' } });
    expect(response).toMatchObject({ object: 'response', status: 'completed', model: 'auto', instructions: 'be brief', metadata: { a: 'b' }, previous_response_id: null });
    expect(response.output_text).toMatch(/\S/);
    expect(response.usage?.total_tokens).toBe((response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0));
    expect(asked()[0]).toMatchObject({ messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'hello' }], max_tokens: 500, temperature: 0.5 });
    for (const field of ['input', 'instructions', 'truncation', 'metadata', 'max_output_tokens']) expect(asked()[0]).not.toHaveProperty(field);
  });

  test('a stream: numbered events that add up to the answer', async () => {
    const types: string[] = [];
    let text = '';
    let final: OpenAI.Responses.Response | undefined;
    for await (const event of await state.system.client.responses.create({ model: 'groq/openai/gpt-oss-120b', input: 'hello', stream: true })) {
      expect(event.sequence_number).toBe(types.length);
      types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') final = event.response;
    }
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      'response.created', 'response.in_progress',
      'response.output_item.added', 'response.content_part.added', 'response.reasoning_text.delta', 'response.reasoning_text.done', 'response.content_part.done', 'response.output_item.done',
      'response.output_item.added', 'response.content_part.added', 'response.output_text.delta', 'response.output_text.done', 'response.content_part.done', 'response.output_item.done',
      'response.completed',
    ]);
    const said = final?.output.find((item) => item.type === 'message');
    expect(said?.content).toMatchObject([{ type: 'output_text', text }]);
    expect(final?.usage?.output_tokens).toBeGreaterThan(0);
  });

  test('the stream helper ends with the whole answer', async () => {
    const response = await state.system.client.responses.stream({ model: 'auto', input: 'hello' }).finalResponse();
    expect(response.status).toBe('completed');
    expect(response.output_text).toMatch(/\S/);
  });

  test.each([false, true])('tools: the call comes back, and its result is taken (stream: %s)', async (stream) => {
    const question = { model: 'gpt-oss-120b', input: 'weather in Paris?', tools, tool_choice: 'required' as const };
    const first = stream ? await state.system.client.responses.stream(question).finalResponse() : await state.system.client.responses.create(question);
    const call = callIn(first);
    expect(call).toMatchObject({ name: 'get_weather', status: 'completed' });
    expect(JSON.parse(call.arguments)).toHaveProperty('city');
    const second = await state.system.client.responses.create({
      model: 'gpt-oss-120b',
      input: [{ role: 'user', content: 'weather in Paris?' }, { type: 'function_call', call_id: call.call_id, name: call.name, arguments: call.arguments }, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
    });
    expect(second.output_text).toMatch(/\S/);
    expect(asked().at(-1)).toMatchObject({ messages: [{ role: 'user' }, { role: 'assistant', tool_calls: [{ id: call.call_id }] }, { role: 'tool', tool_call_id: call.call_id, content: 'sunny' }] });
  });

  test('a schema goes along in the form of chat', async () => {
    const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false };
    const response = await state.system.client.responses.create({ model: 'gpt-oss-120b', input: 'a name', text: { format: { type: 'json_schema', name: 'person', schema, strict: true } } });
    expect(JSON.parse(response.output_text)).toHaveProperty('name');
    expect(asked()[0]).toMatchObject({ response_format: { type: 'json_schema', json_schema: { name: 'person', schema, strict: true } } });
  });

  test('what is kept or run at OpenAI is refused by name', async () => {
    await expect(create({ previous_response_id: 'resp_1' })).rejects.toMatchObject({ status: 400, param: 'previous_response_id', message: expect.stringContaining('send the earlier turns') });
    await expect(create({ tools: [{ type: 'web_search' }] })).rejects.toMatchObject({ param: 'tools[0].type' });
    await expect(create({ input: [{ type: 'item_reference', id: 'x' }] })).rejects.toBeInstanceOf(BadRequestError);
    expect(asked()).toEqual([]);
  });

  test('a stream that breaks ends in an error the client raises', async () => {
    const undo = await state.system.simulators.misbehave({ fault: { kind: 'reset', after: 2 } });
    try {
      const read = async (): Promise<void> => {
        for await (const event of await state.system.client.responses.create({ model: 'auto', input: 'hello', stream: true })) expect(event.type).not.toBe('response.completed');
      };
      await expect(read()).rejects.toBeInstanceOf(APIError);
    } finally {
      await undo();
    }
  });
});

describe('legacy completions', () => {
  test('whole, with the prompt in front where it was asked for', async () => {
    const completion = await state.system.client.completions.create({ model: 'auto', prompt: 'hello', echo: true, max_tokens: 200 });
    expect(completion).toMatchObject({ object: 'text_completion', choices: [{ index: 0, finish_reason: 'stop', text: expect.stringMatching(/^hello./s) }] });
    expect(completion.usage?.total_tokens).toBeGreaterThan(0);
    expect(asked()[0]).toMatchObject({ messages: [{ role: 'user', content: 'hello' }], max_tokens: 200 });
    expect(asked()[0]).not.toHaveProperty('prompt');
  });

  test('as a stream', async () => {
    const stream = await state.system.client.completions.create({ model: 'auto', prompt: ['hello'], stream: true });
    const seen = { text: '', finish: '', chunks: 0 };
    for await (const { object, choices } of stream) {
      expect(object).toBe('text_completion');
      seen.text += choices[0]?.text ?? '';
      seen.finish = choices[0]?.finish_reason ?? seen.finish;
      seen.chunks += 1;
    }
    expect(seen).toMatchObject({ text: expect.stringMatching(/\S/), finish: 'stop' });
    expect(seen.chunks).toBeGreaterThan(2);
  });

  test('what would mean something else is refused', async () => {
    await expect(state.system.client.completions.create({ model: 'auto', prompt: 'a', suffix: 'b' })).rejects.toMatchObject({ status: 400, param: 'suffix' });
    await expect(state.system.client.completions.create({ model: 'auto', prompt: [1, 2, 3] })).rejects.toMatchObject({ status: 400, param: 'prompt' });
  });
});
