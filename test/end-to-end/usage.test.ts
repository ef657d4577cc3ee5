/** What was used, as its own key, the operator and the command see it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tollfree } from '../cli/context.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System; mine: string; other: string } = { system: undefined as never, mine: '', other: '' };

const keyFor = async (name: string): Promise<string> => ((await (await state.system.admin('POST', '/virtual-keys', { name })).json()) as { secret: string }).secret;

beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['one'] } });
  state.mine = await keyFor('mine');
  state.other = await keyFor('other');
});
afterAll(() => state.system.close());

const as = (secret: string): { readonly authorization: string } => ({ authorization: `Bearer ${secret}` });
const usageOf = async (secret: string): Promise<unknown> => (await fetch(`${state.system.url}/v1/usage`, { headers: as(secret) })).json();

describe('usage', () => {
  test('a key sees its own numbers, to the token, and nobody else’s', async () => {
    const answers = await Promise.all([1, 2].map(async (turn) => (await state.system.chat(hello(`hello ${turn}`), as(state.mine))).json() as Promise<{ usage: { prompt_tokens: number; completion_tokens: number } }>));
    const sum = (name: 'prompt_tokens' | 'completion_tokens'): number => answers.reduce((total, { usage }) => total + usage[name], 0);
    expect(await usageOf(state.mine)).toMatchObject({ key: 'mine', project: 'default', total: { requests: 2, failures: 0, tokens_in: sum('prompt_tokens'), tokens_out: sum('completion_tokens') } });
    expect(await usageOf(state.other)).toMatchObject({ key: 'other', total: { requests: 0 } });
    expect((await fetch(`${state.system.url}/v1/usage`)).status).toBe(401);
  });

  test.each([true, false])('where a provider tells no usage (stream: %s), the record has an estimate, and the client still none', async (stream) => {
    await state.system.simulators.misbehave({ fault: { kind: 'leave-out', parts: ['usage'] }, times: 1 });
    const secret = await keyFor(`estimated-${stream}`);
    const text = await (await state.system.chat({ ...hello('Write a Python function'), stream, stream_options: stream ? { include_usage: true } : undefined }, as(secret))).text();
    expect(text).toContain('solve');
    expect(text).not.toMatch(/"usage":\{/);
    expect(await usageOf(secret)).toMatchObject({ total: { requests: 1, estimated_requests: 1, tokens_out: expect.any(Number) } });
  });

  test('the command tells what the admin route does', async () => {
    const { status, out } = await tollfree(['stats', '--by', 'key', '--output', 'json'], { environment: { ...state.system.environment, TOLLFREE_PORT: String(state.system.daemon.port) } });
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ rows: expect.arrayContaining([expect.objectContaining({ key: 'mine', requests: 2 })]) });
  });

  test('health tells whether the record is kept', async () => {
    expect(await (await fetch(`${state.system.url}/health`)).json()).toMatchObject({ record: { problems: [], pending: 0, lost: 0 } });
  });
});
