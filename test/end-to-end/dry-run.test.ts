/** What a question would cost, without asking it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['one'], cerebras: ['one'] } });
});
afterAll(() => state.system.close());

const estimate = async (body: object, headers = {}): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await state.system.chat({ ...hello('Write a Python function'), dry_run: true, ...body }, headers);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

const turns = Array.from({ length: 21 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content: `turn ${index} ${'word '.repeat(50)}` }));
async function lengthOf(path: string, body: object): Promise<number> {
  const answer = await fetch(`${state.system.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'auto', dry_run: true, max_tokens: 100, ...body }) });
  return ((await answer.json()) as { input_tokens: number }).input_tokens;
}

describe('dry_run', () => {
  test('tells rule, tokens, candidates and prices; nothing is sent and nothing counted', async () => {
    const { body } = await estimate({ max_tokens: 1_000, stream: true });
    expect(body).toMatchObject({ object: 'chat.completion.estimate', rule: 'code_generation', output_tokens: 1_000 });
    const candidates = body['candidates'] as Record<string, unknown>[];
    expect(new Set(candidates.map(({ provider }) => provider))).toEqual(new Set(['groq', 'cerebras']));
    const known = candidates.find(({ provider, model }) => provider === 'groq' && model === 'openai/gpt-oss-120b');
    expect(known).toMatchObject({ cost_usd: 0, list_usd: ((body['input_tokens'] as number) * 0.15 + 1_000 * 0.6) / 1e6, free_at: expect.any(String) });
    expect(state.system.simulators.calls({}).filter(({ path }) => path.endsWith('/chat/completions'))).toEqual([]);
    const { rows } = (await (await state.system.admin('GET', '/usage-stats')).json()) as { rows: unknown[] };
    expect(rows).toEqual([]);
  });

  test.each<[string, object]>([
    ['/v1/messages', { max_tokens: 100, messages: [{ role: 'user', content: 'Write a Python function' }] }],
    ['/v1/responses', { max_output_tokens: 100, input: 'Write a Python function' }],
    ['/v1/completions', { max_tokens: 100, prompt: 'Write a Python function' }],
  ])('is understood at %s, too', async (path, body) => {
    const answer = await fetch(`${state.system.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'auto', dry_run: true, ...body }) });
    expect([answer.status, await answer.json()]).toMatchObject([200, { object: 'chat.completion.estimate', rule: 'code_generation', output_tokens: 100 }]);
    expect(state.system.simulators.calls({}).filter(({ path: asked }) => !asked.endsWith('/models'))).toEqual([]);
  });

  test.each([['/v1/chat/completions', 'messages'], ['/v1/messages', 'messages'], ['/v1/responses', 'input']])('at %s tells how long it is once max_context_tokens has trimmed it', async (path, field) => {
    expect(await lengthOf(path, { [field]: turns })).toBeGreaterThan(1_000);
    expect(await lengthOf(path, { [field]: turns, max_context_tokens: 200 })).toBeLessThanOrEqual(200);
  });

  test('is refused where nothing can be estimated, and nothing is asked', async () => {
    const answer = await fetch(`${state.system.url}/v1/embeddings`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'groq/any', input: 'hello', dry_run: true }) });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'dry_run' } }]);
    expect(state.system.simulators.calls({}).filter(({ path }) => !path.endsWith('/models'))).toEqual([]);
  });

  test('what could not be asked cannot be estimated', async () => {
    expect(await estimate({ model: 'nobody/nothing' })).toMatchObject({ status: 404 });
    expect(await estimate({ dry_run: 'yes' })).toMatchObject({ status: 400, body: { error: { param: 'dry_run' } } });
  });

  test('false asks, and stays here', async () => {
    await state.system.chat({ ...hello(), dry_run: false });
    const call = state.system.simulators.calls({}).find(({ path }) => path.endsWith('/chat/completions'));
    expect(call?.body).not.toHaveProperty('dry_run');
  });

  test('refuses what its key may not ask for, as asking would', async () => {
    const { secret } = (await (await state.system.admin('POST', '/virtual-keys', { name: 'narrow', models: ['auto'], surfaces: ['chat'] })).json()) as { secret: string };
    const as = { authorization: `Bearer ${secret}` };
    expect((await estimate({}, as)).status).toBe(200);
    expect(await estimate({ model: 'cerebras/gpt-oss-120b' }, as)).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('may not ask for "cerebras/gpt-oss-120b"') } } });
    const message = await fetch(`${state.system.url}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', ...as }, body: JSON.stringify({ model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }], dry_run: true }) });
    expect(message.status).toBe(403);
  });
});
