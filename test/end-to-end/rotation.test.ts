/** Three providers with three accounts each, driven through their limits: what upstream saw is the judge. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state: { system?: System } = {};
afterEach(async () => state.system?.close());

const LIMITS = { groq: 5, cerebras: 4, openrouter: 3 } as const;
type Name = keyof typeof LIMITS;
const NAMES = Object.keys(LIMITS) as Name[];
const LABELS = ['one', 'two', 'three'];
const MODELS = { groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b', openrouter: 'z-ai/glm-5.2:free' } as const;

/** An hour: nothing comes back while the test runs. */
const SECONDS = 3_600;
const window = (requests: number): object => ({ windows: [{ requests, seconds: SECONDS, kind: 'rolling' }] });

const providers = (limitOf: (name: Name) => number): string =>
  JSON.stringify({
    providers: Object.fromEntries(
      NAMES.map((name) => [name, { base_url: `https://${name}.example/v1`, rate_limit: window(limitOf(name)), models: [{ name: MODELS[name], context: 131_072, price: { input: 0, output: 0 } }] }]),
    ),
  });
const rules = JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: NAMES }], default_rule: 'general' });
const simulators = { limits: Object.fromEntries(NAMES.map((name) => [name, { rate_limit: window(LIMITS[name]), models: 'together' }])) };
const accounts = Object.fromEntries(NAMES.map((name) => [name, LABELS]));

const capacity = NAMES.reduce((sum, name) => sum + LIMITS[name] * LABELS.length, 0);
const chats = (system: System): readonly { readonly provider: string; readonly account?: string; readonly status?: number }[] => system.simulators.calls().filter(({ path }) => path.endsWith('/chat/completions'));

test('limits known: every client is answered, upstream refuses nobody, and the accounts take turns', async () => {
  const system = (state.system = await startSystem({ simulators, accounts, rules, providers: providers((name) => LIMITS[name]) }));
  for (let count = 0; count < capacity; count++) expect((await system.chat(hello(`question ${count}`))).status).toBe(200);

  expect(chats(system).map(({ status }) => status)).toEqual(Array.from({ length: capacity }, () => 200));
  for (const name of NAMES) {
    const turns = chats(system).filter(({ provider }) => provider === name).map(({ account }) => account ?? '');
    const counts = new Map(LABELS.map((label) => [label, 0]));
    for (const account of turns) {
      counts.set(account, (counts.get(account) ?? 0) + 1);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    }
    expect([...counts.values()]).toEqual(LABELS.map(() => LIMITS[name]));
  }
});

test('all spent: 429 with the earliest true time and what ruled each account out, and nothing is sent', async () => {
  const system = (state.system = await startSystem({ simulators, accounts, rules, providers: providers((name) => LIMITS[name]) }));
  const started = Date.now();
  await Promise.all(Array.from({ length: capacity }, (_, count) => system.chat(hello(`question ${count}`))));
  const last = Date.now();
  const refused = await system.chat(hello());
  expect(refused.status).toBe(429);
  const wait = Number(refused.headers.get('retry-after'));
  expect(wait).toBeGreaterThanOrEqual(SECONDS - (Date.now() - started) / 1000);
  expect(wait).toBeLessThanOrEqual(SECONDS + (last - started) / 1000 + 2);
  expect(refused.headers.get('x-should-retry')).toBe('false');
  const { error } = (await refused.json()) as { error: { code: string; attempts: { provider: string; account: string; reason: string; retry_at: string }[] } };
  expect(error.code).toBe('all_accounts_exhausted');
  expect(error.attempts).toHaveLength(NAMES.length * LABELS.length);
  expect(new Set(error.attempts.map(({ provider, account }) => `${provider}/${account}`)).size).toBe(NAMES.length * LABELS.length);
  expect(chats(system)).toHaveLength(capacity);
});

test('limits unknown: what is left is still all used, and each pool refuses at most once', async () => {
  const system = (state.system = await startSystem({ simulators, accounts, rules, providers: providers(() => 1_000) }));
  for (let count = 0; count < capacity; count++) expect((await system.chat(hello(`question ${count}`))).status).toBe(200);
  const refusals = chats(system).filter(({ status }) => status === 429);
  const refusing = refusals.map(({ provider, account }) => `${provider}/${account}`);
  expect(refusing).toEqual([...new Set(refusing)]);
});

describe('who is asked', () => {
  test('a named provider is the only one asked, by whichever account', async () => {
    const system = (state.system = await startSystem({ simulators, accounts, rules, providers: providers((name) => LIMITS[name]) }));
    for (let count = 0; count < 3; count++) expect((await system.chat({ ...hello(), model: `cerebras/${MODELS.cerebras}` })).headers.get('x-tollfree-provider')).toBe('cerebras');
    expect(new Set(chats(system).map(({ provider, account }) => `${provider}/${account}`))).toEqual(new Set(LABELS.map((label) => `cerebras/${label}`)));
  });
});
