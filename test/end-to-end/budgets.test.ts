/** What virtual keys are promised, over the wire: limits hold under any crowd, and a revoked key is out at once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { cerebras: ['one', 'two'], groq: ['one', 'two'] }, simulators: { limits: { groq: { rate_limit: {} }, cerebras: { rate_limit: {} } } } });
});
afterAll(() => state.system.close());

const keyWith = async (terms: { readonly name: string; readonly limits?: object; readonly user_limits?: object }): Promise<{ readonly secret: string; readonly id: string }> => (await (await state.system.admin('POST', '/virtual-keys', terms)).json()) as { secret: string; id: string };
const as = (secret: string): { readonly authorization: string } => ({ authorization: `Bearer ${secret}` });

describe('a budget', () => {
  test('of ten requests lets ten of a thousand at once in, and tells the rest when', async () => {
    const { secret } = await keyWith({ name: 'ten', limits: { requests_per_day: 10 } });
    const answers = await Promise.all(Array.from({ length: 1_000 }, async (_, index) => {
      const answer = await state.system.chat(hello(`question ${index}`), as(secret));
      await answer.text();
      return answer;
    }));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(990);
    expect(refused.every(({ headers }) => Number(headers.get('retry-after')) > 0)).toBe(true);
  });
});

describe('users of a key', () => {
  const messages = [{ role: 'user', content: 'hello' }];
  const each: readonly (readonly [said: string, path: string, body: (user: string) => object])[] = [
    ['user', '/v1/chat/completions', (user) => ({ model: 'auto', messages, user })],
    ['user, streamed', '/v1/chat/completions', (user) => ({ model: 'auto', messages, user, stream: true })],
    ['safety_identifier', '/v1/chat/completions', (user) => ({ model: 'auto', messages, safety_identifier: user })],
    ['user', '/v1/completions', (user) => ({ model: 'auto', prompt: 'hello', user })],
    ['metadata.user_id', '/v1/messages', (user) => ({ model: 'auto', max_tokens: 50, messages, metadata: { user_id: user } })],
    ['user', '/v1/responses', (user) => ({ model: 'auto', input: 'hello', user })],
    ['safety_identifier', '/v1/responses', (user) => ({ model: 'auto', input: 'hello', safety_identifier: user })],
  ];

  test.each(each.map((one, index) => [...one, index] as const))('%s of %s: each has its own limit', async (_said, path, body, index) => {
    const { secret } = await keyWith({ name: `users-${index}`, user_limits: { requests_per_minute: 1 } });
    const ask = async (user: string): Promise<number> => {
      const answer = await fetch(`${state.system.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...as(secret) }, body: JSON.stringify(body(user)) });
      await answer.text();
      return answer.status;
    };
    expect([await ask('ada'), await ask('ada'), await ask('grace')]).toEqual([200, 429, 200]);
  });
});

describe('a revoked key', () => {
  test('ends its open streams within five seconds, with an error and no [DONE]', async () => {
    const end = await state.system.simulators.misbehave({ fault: { kind: 'silence', after: 3 } });
    const { secret, id } = await keyWith({ name: 'gone' });
    const stream = await state.system.chat({ ...hello('Write a Python function'), stream: true }, as(secret));
    expect(stream.status).toBe(200);
    const started = performance.now();
    await state.system.admin('DELETE', `/virtual-keys/${id}`);
    const text = await stream.text();
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(text).toContain('this key was revoked');
    expect(text).not.toContain('[DONE]');
    expect((await state.system.chat(hello(), as(secret))).status).toBe(401);
    await end();
  });

  test('is told to who waits in line with it', async () => {
    const one = { windows: [{ requests: 1, seconds: 300, kind: 'rolling' }] };
    const system = await startSystem({
      accounts: { groq: ['one'] },
      providers: JSON.stringify({ providers: { groq: { base_url: 'https://groq.example/v1', models: [{ name: 'openai/gpt-oss-120b', rate_limit: one, context: 131_072, price: { input: 0, output: 0 } }] } } }),
      rules: JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: ['groq'] }], default_rule: 'general' }),
    });
    try {
      const { secret, id } = (await (await system.admin('POST', '/virtual-keys', { name: 'waiting' })).json()) as { secret: string; id: string };
      expect((await system.chat(hello(), as(secret))).status).toBe(200);
      const waiting = system.chat(hello(), { ...as(secret), 'x-tollfree-deadline-ms': '600000' });
      const inLine = async (): Promise<number> => ((await (await system.admin('GET', '/accounts')).json()) as { waiting: number }).waiting;
      while ((await Promise.race([inLine(), waiting.then(() => 1)])) === 0);
      await system.admin('DELETE', `/virtual-keys/${id}`);
      const told = await waiting;
      expect([told.status, await told.json()]).toMatchObject([401, { error: { message: expect.stringContaining('was revoked') } }]);
    } finally {
      await system.close();
    }
  });
});
