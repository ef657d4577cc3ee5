/** Answers told again, as a client, a key's limits and the metrics see them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system: System } = { system: undefined as never };
const rules = `routing_rules:
  - { name: general, provider_preferences: [groq], cache: { ttl: 1h } }
  - { name: live, provider_preferences: [groq], conditions: { content_keywords: [news] } }
default_rule: general
`;
beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['one'] }, rules });
});
beforeEach(() => state.system.simulators.clearCalls());
afterAll(() => state.system.close());

const cacheOf = ({ headers }: Response): string | null => headers.get('x-tollfree-cache');
const calls = (): number => state.system.simulators.calls({}).filter(({ path }) => path.endsWith('/chat/completions')).length;
/** What is said, without ids and times of the surface's own. */
const words = (text: string): string => [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, said = '']) => said).join('');

describe('the cache over HTTP', () => {
  test.each<[string, boolean, boolean]>([
    ['JSON', false, false],
    ['a stream', true, true],
    ['a stream of what came as JSON', false, true],
    ['JSON of what came as a stream', true, false],
  ])('%s: one call, the same words, in the form that was asked for', async (name, first, second) => {
    const asked = await state.system.chat({ ...hello(`tell me of ${name}`), stream: first });
    const fresh = await asked.text();
    const again = await state.system.chat({ ...hello(`tell me of ${name}`), stream: second, user: 'somebody' });
    const told = await again.text();
    expect([cacheOf(asked), cacheOf(again)]).toEqual(['miss', 'hit']);
    expect(again.headers.get('age')).toMatch(/^\d$/);
    expect(again.headers.get('x-tollfree-provider')).toBe('groq');
    expect(again.headers.get('content-type')).toMatch(second ? /^text\/event-stream/ : /^application\/json/);
    expect(told.endsWith('data: [DONE]\n\n')).toBe(second);
    expect(words(told)).toBe(words(fresh));
    expect(words(told).length).toBeGreaterThan(10);
    expect(calls()).toBe(1);
  });

  test('off and refresh ask anew; rules that keep nothing are bypassed; anything else is a mistake', async () => {
    await state.system.chat(hello('twice'));
    expect(cacheOf(await state.system.chat(hello('twice'), { 'x-tollfree-cache': 'off' }))).toBe('bypass');
    expect(cacheOf(await state.system.chat(hello('twice'), { 'x-tollfree-cache': 'refresh' }))).toBe('miss');
    expect(cacheOf(await state.system.chat(hello('news')))).toBe('bypass');
    expect(calls()).toBe(4);
    expect((await state.system.chat(hello('twice'), { 'x-tollfree-cache': 'yes' })).status).toBe(400);
  });

  test('the same at the same time is one call', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, async () => (await state.system.chat(hello('all at once'))).text()));
    expect(new Set(answers).size).toBe(1);
    expect(calls()).toBe(1);
  });

  test('the metrics count each kind', async () => {
    const metrics = await (await fetch(`${state.system.url}/metrics`)).text();
    for (const result of ['hit', 'miss', 'bypass']) expect(metrics).toMatch(new RegExp(`tollfree_cache_total\\{result="${result}"\\} [1-9]`));
  });

  test('what is told again takes a request and no tokens of a key’s limits', async () => {
    const { secret, id } = (await (await state.system.admin('POST', '/virtual-keys', { name: 'mine', limits: { tokens_per_day: 100_000 } })).json()) as { secret: string; id: string };
    const used = async (): Promise<Record<string, number>> => ((await (await state.system.admin('GET', `/virtual-keys/${id}`)).json()) as { used: Record<string, number> }).used;
    const ask = async (): Promise<string | null> => {
      const answer = await state.system.chat(hello('count me'), { authorization: `Bearer ${secret}` });
      await answer.text();
      return cacheOf(answer);
    };
    expect(await ask()).toBe('miss');
    const { tokens_per_day: tokens } = await used();
    expect(await ask()).toBe('hit');
    expect(await used()).toMatchObject({ requests_per_day: 2, tokens_per_day: tokens });
  });
});
