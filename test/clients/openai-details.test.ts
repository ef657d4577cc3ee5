/** OpenAI's official client on what is seldom asked for: several answers at once, how probable each token was, calls that go on for rounds. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type OpenAI from 'openai';
import { startRecording } from './recorder.ts';
import type { Recorded, Recording, Reply } from './recorder.ts';

const odds = (token: string): object => ({ content: [{ token, logprob: -0.5, bytes: null, top_logprobs: [{ token, logprob: -0.5, bytes: null }, { token: 'other', logprob: -2, bytes: null }] }], refusal: null });
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const HEAD = { id: 'c1', created: 1, model: 'x' };

/** Two tokens in each of as many choices as were asked for. */
function answer({ body }: Recorded): Reply {
  if (body === '') return { status: 404, type: 'application/json', body: '{}' };
  const { stream, n = 1, logprobs } = JSON.parse(body) as { readonly stream?: boolean; readonly n?: number; readonly logprobs?: boolean };
  const indexes = Array.from({ length: n }, (_, index) => index);
  const said = (token: string): object => ({ logprobs: logprobs === true ? odds(token) : null });
  if (stream !== true || body.includes('all at once')) {
    const logprobsOf = (index: number): object | null => (logprobs === true ? { content: ['A', String(index)].flatMap((token) => (odds(token) as { content: object[] }).content), refusal: null } : null);
    return { type: 'application/json', body: JSON.stringify({ ...HEAD, object: 'chat.completion', usage: USAGE, choices: indexes.map((index) => ({ index, message: { role: 'assistant', content: `A${index}` }, logprobs: logprobsOf(index), finish_reason: 'stop' })) }) };
  }
  const chunk = (index: number, delta: object, rest: object): string => `data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices: [{ index, delta, finish_reason: null, ...rest }] })}\n\n`;
  const usage = `data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices: [], usage: USAGE })}\n\n`;
  const parts = [(index: number) => chunk(index, { role: 'assistant', content: '' }, {}), (index: number) => chunk(index, { content: 'A' }, said('A')), (index: number) => chunk(index, { content: String(index) }, said(String(index))), (index: number) => chunk(index, {}, { finish_reason: 'stop' })];
  return { type: 'text/event-stream', body: `${parts.flatMap((part) => indexes.map(part)).join('')}${usage}data: [DONE]\n\n` };
}

const state: Recording = {} as never;
beforeAll(async () => {
  Object.assign(state, await startRecording(answer, (origin) => ({ plain: `{ base_url: "${origin}/v1", models: [{ name: some, capabilities: [text_generation], price: { input: 0, output: 0 } }, { name: terse, max_output: 50, capabilities: [text_generation], price: { input: 0, output: 0 } }] }` })));
});
beforeEach(() => {
  state.recorder.seen.length = 0;
});
afterAll(() => state.close());

const asked = (): unknown => JSON.parse(state.recorder.seen.findLast(({ body }) => body !== '')?.body ?? '{}');
const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'hello' }];

describe('several answers, with the probability of each token', () => {
  const question = { model: 'some', messages, n: 2, logprobs: true, top_logprobs: 2 };
  const told = [0, 1].map((index) => ({ index, finish_reason: 'stop', message: { role: 'assistant', content: `A${index}` }, logprobs: { content: [{ token: 'A', top_logprobs: [{ token: 'A' }, { token: 'other' }] }, { token: String(index) }] } }));

  test('whole', async () => {
    expect((await state.system.client.chat.completions.create(question)).choices).toMatchObject(told);
    expect(asked()).toMatchObject({ n: 2, logprobs: true, top_logprobs: 2, stream: false });
  });

  test.each(['hello', 'all at once'])('read from a stream with the helper: %s', async (content) => {
    const completion = await state.system.client.chat.completions.stream({ ...question, messages: [{ role: 'user', content }] }).finalChatCompletion();
    expect(completion.choices).toMatchObject(told);
  });
});

test.each([['max_tokens', 200, 50], ['max_completion_tokens', 200, 50], ['max_tokens', 20, 20]] as const)('nobody is asked for more than it writes: %s %d', async (field, most, sent) => {
  await state.system.client.chat.completions.create({ model: 'terse', messages, [field]: most });
  expect(asked()).toMatchObject({ [field]: sent });
});

/** In the legacy form. */
const odd = (index: number): object => ({ tokens: ['A', String(index)], token_logprobs: [-0.5, -0.5], top_logprobs: [{ A: -0.5, other: -2 }, { [index]: -0.5, other: -2 }], text_offset: [0, 1] });

describe('legacy completions', () => {
  test('tell in their own form how probable each token was', async () => {
    const completion = await state.system.client.completions.create({ model: 'some', prompt: 'hello', logprobs: 2, n: 2 });
    expect(completion.choices).toEqual([0, 1].map((index) => ({ index, text: `A${index}`, logprobs: odd(index), finish_reason: 'stop' })));
    expect(asked()).toMatchObject({ messages, n: 2, logprobs: true, top_logprobs: 2 });
    await state.system.client.completions.create({ model: 'some', prompt: 'hello', logprobs: 0 });
    expect(asked()).toMatchObject({ logprobs: true });
    expect(asked()).not.toHaveProperty('top_logprobs');
  });

  test('streamed, each token stands where it stands in the text', async () => {
    const places = new Map<number, number[]>();
    for await (const { choices } of await state.system.client.completions.create({ model: 'some', prompt: 'hello', logprobs: 2, n: 2, stream: true })) {
      for (const { index, logprobs } of choices) places.set(index, [...(places.get(index) ?? []), ...(logprobs?.text_offset ?? [])]);
    }
    expect(Object.fromEntries(places)).toEqual({ 0: [0, 1], 1: [0, 1] });
  });

  test.each([false, true])('begin every answer with the prompt where that was asked for (stream: %s)', async (stream) => {
    const texts = new Map<number, string>();
    const take = ({ choices }: OpenAI.Completion): void => choices.forEach(({ index, text }) => texts.set(index, (texts.get(index) ?? '') + text));
    if (stream) for await (const chunk of await state.system.client.completions.create({ model: 'some', prompt: 'Q', echo: true, n: 2, stream: true })) take(chunk);
    else take(await state.system.client.completions.create({ model: 'some', prompt: 'Q', echo: true, n: 2 }));
    expect(Object.fromEntries(texts)).toEqual({ 0: 'QA0', 1: 'QA1' });
  });

  test('cannot tell how probable the prompt was', async () => {
    await expect(state.system.client.completions.create({ model: 'some', prompt: 'Q', echo: true, logprobs: 1 })).rejects.toMatchObject({ status: 400, param: 'echo' });
  });
});
