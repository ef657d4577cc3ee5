/** What the log tells, and what only a verbose one does; told by the whole product. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSystem, type System } from '../support/system.ts';

const state: { system?: System } = {};
const system = (): System => {
  if (state.system === undefined) throw new Error('the system did not start');
  return state.system;
};

/** One request a minute each. */
const rules = `
routing_rules:
  - name: general
    conditions: { content_keywords: [] }
    provider_preferences: [groq]
    models: { groq: [openai/gpt-oss-20b] }
    fallback_chain: [groq]
default_rule: general
`;

beforeAll(async () => {
  state.system = await startSystem({
    accounts: { groq: ['anna', 'bert'] },
    rules,
    simulators: { limits: { groq: { rate_limit: { requests_per_minute: 1, requests_per_day: 1000, tokens_per_minute: 8000, tokens_per_day: 200_000 } } } },
    environment: { TOLLFREE_LOG_LEVEL: 'debug' },
  });
});
afterAll(() => state.system?.close());

interface Line {
  readonly message: string;
  readonly status: number;
  readonly attempts: readonly { readonly account: string; readonly outcome: string }[];
  readonly passed_over?: readonly { readonly account: string; readonly outcome: string; readonly sent: boolean; readonly retry_at: string }[];
}

async function requests(count: number): Promise<readonly Line[]> {
  for (;;) {
    const lines = (await system().logLines()) as unknown as readonly Line[];
    const found = lines.filter(({ message }) => message === 'request');
    if (found.length >= count) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a verbose log', () => {
  test('tells who was passed over, whether somebody else could serve or nobody', async () => {
    const ask = async (): Promise<number> => (await system().chat({ model: 'auto', messages: [{ role: 'user', content: 'hello there' }], max_tokens: 5 }, { 'x-tollfree-deadline-ms': '5000' })).status;
    const { accounts } = (await (await system().admin('GET', '/accounts')).json()) as { accounts: { id: string; label: string }[] };
    const anna = accounts.find(({ label }) => label === 'anna')?.id ?? '';
    await system().admin('PATCH', `/accounts/${anna}`, { enabled: false });
    const statuses = [await ask()];
    await system().admin('PATCH', `/accounts/${anna}`, { enabled: true });
    const [first] = await requests(1);
    expect(first).toMatchObject({ status: 200, attempts: [{ account: 'bert', outcome: 'ok' }], passed_over: [{ account: 'anna', outcome: 'disabled', sent: false }] });

    for (let asked = 1; asked < 4; asked += 1) statuses.push(await ask());
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses.at(-1)).toBe(429);
    const lines = await requests(4);
    const last = lines.at(-1);
    expect(last?.attempts).toEqual([]);
    expect(last?.passed_over?.map(({ account, outcome, sent }) => [account, outcome, sent]).toSorted()).toEqual([['anna', 'rate-minute', false], ['bert', 'rate-minute', false]]);
    expect(Date.parse(last?.passed_over?.[0]?.retry_at ?? '')).toBeGreaterThan(Date.now());
  });
});
