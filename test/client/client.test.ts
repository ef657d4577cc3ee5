/** The library in this process, against the simulated providers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, FailureError } from '../../src/client/index.ts';
import type { ChatOptions, Client, ClientOptions } from '../../src/client/index.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { Simulators } from '../../src/sim/simulators.ts';

const state: { simulators: Simulators; clients: Client[] } = { simulators: undefined as never, clients: [] };
const environment = (): Record<string, string> => Object.fromEntries(Object.entries(state.simulators.baseUrls).map(([name, url]) => [`TOLLFREE_BASE_URL_${name.toUpperCase()}`, url]));

const accounts = [{ provider: 'groq', key: 'sim-groq-one', label: 'one' }, { provider: 'cerebras', key: 'sim-cerebras-one' }];
const rules = { routing_rules: [{ name: 'general', provider_preferences: ['groq'], fallback_chain: ['cerebras'] }, { name: 'kept', provider_preferences: ['groq'], cache: { ttl: '1h' }, conditions: { content_keywords: ['again'] } }] };

function client(options: ClientOptions = {}): Client {
  const made = createClient({ accounts, rules, environment: environment(), ...options });
  state.clients.push(made);
  return made;
}

beforeAll(async () => {
  state.simulators = await startSimulators({ pace: { firstMs: 0, tokenMs: 0 } });
});
beforeEach(() => state.simulators.clearCalls());
afterEach(async () => {
  for (const made of state.clients.splice(0)) await made.close();
});
afterAll(() => state.simulators.close());

const LIST_PRICED = 'groq/openai/gpt-oss-120b';

describe('chat', () => {
  test('what was said, by whom, for how much', async () => {
    const tollfree = client();
    const first = await tollfree.chat('Write a Python function', { model: LIST_PRICED, system: 'be brief', temperature: 0, maxTokens: 500 });
    expect(first).toMatchObject({ provider: 'groq', model: 'openai/gpt-oss-120b', finishReason: 'stop', cost: 0, cached: false, estimated: false, message: { role: 'assistant', content: first.content } });
    expect(first.content).toContain('solve');
    const [call] = state.simulators.calls({ provider: 'groq' });
    expect(call?.body).toMatchObject({ messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'Write a Python function' }], temperature: 0, max_tokens: 500 });
    expect(first.saved).toBeCloseTo((first.inputTokens * 0.15 + first.outputTokens * 0.6) / 1e6, 12);
    const second = await tollfree.chat([{ role: 'user', content: 'hello' }], { model: LIST_PRICED });
    expect(tollfree.totalCost).toBe(0);
    expect(tollfree.totalSaved).toBeCloseTo((first.saved ?? 0) + (second.saved ?? 0), 12);
  });

  test('a price nobody knows is absent, counted apart, and never zero', async () => {
    const providers = { providers: { groq: { base_url: 'https://api.groq.com/openai/v1', models: [{ name: 'openai/gpt-oss-20b', price: { input: 0, output: 0 } }, { name: 'openai/gpt-oss-120b' }] } } };
    const tollfree = client({ environment: { TOLLFREE_BASE_URL_GROQ: state.simulators.baseUrls.groq }, providers, settings: { free_only: false }, rules: { routing_rules: [{ name: 'general' }] }, accounts: accounts.slice(0, 1) });
    const unpriced = await tollfree.chat('hello', { model: 'openai/gpt-oss-120b' });
    expect([Object.hasOwn(unpriced, 'cost'), Object.hasOwn(unpriced, 'saved'), tollfree.unpriced, tollfree.unvalued]).toEqual([false, false, 1, 1]);
    const free = await tollfree.chat('hello', { model: 'openai/gpt-oss-20b' });
    expect([free.cost, Object.hasOwn(free, 'saved'), tollfree.unpriced, tollfree.unvalued, tollfree.totalCost]).toEqual([0, false, 1, 2, 0]);
  });

  test('a provider that fails is replaced by the next, unseen', async () => {
    const end = await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'empty' } });
    const seen: string[] = [];
    const answered = await client({ onEvent: (event) => void (event.type === 'attempt-finished' && seen.push(event.attempt.outcome)) }).chat('hello');
    await end();
    expect(answered.provider).toBe('cerebras');
    expect([seen[0], seen.at(-1)]).toEqual(['broken-answer', 'ok']);
  });

  test('accounts of one provider take turns', async () => {
    const tollfree = client({ accounts: ['one', 'two'].map((label) => ({ provider: 'groq', key: `sim-groq-${label}`, label })) });
    for (let turn = 0; turn < 4; turn += 1) await tollfree.chat(`hello ${turn}`, { model: LIST_PRICED });
    for (const label of ['one', 'two']) expect(state.simulators.calls({ provider: 'groq' }).filter(({ account }) => account === label)).toHaveLength(2);
  });

  test('the same question again is told again where the rule says so', async () => {
    const tollfree = client();
    const first = await tollfree.chat('say that again');
    expect(await tollfree.chat('say that again')).toMatchObject({ content: first.content, cached: true, cost: 0 });
    expect(await tollfree.chat('say that again', { cache: 'off' })).toMatchObject({ cached: false });
    expect(state.simulators.calls({ provider: 'groq' })).toHaveLength(2);
  });

  test('a long conversation forgets its oldest turns', async () => {
    const messages = Array.from({ length: 20 }, (_, index) => ({ role: index % 2 === 0 ? ('user' as const) : ('assistant' as const), content: `turn ${index} ${'word '.repeat(50)}` })).slice(0, 19);
    await client().chat(messages, { system: 'stay', maxContextTokens: 400 });
    const [call] = state.simulators.calls({ provider: 'groq' });
    const { messages: sent } = (call?.body ?? { messages: [] }) as { messages: { content: string }[] };
    expect(sent[0]?.content).toBe('stay');
    expect(sent.at(-1)?.content).toBe(messages.at(-1)?.content);
    expect(sent.length).toBeLessThan(8);
  });

  test('use says whom from now on', async () => {
    const tollfree = client();
    tollfree.use('cerebras', 'gpt-oss-120b');
    expect(await tollfree.chat('hello')).toMatchObject({ provider: 'cerebras', model: 'gpt-oss-120b' });
    tollfree.use();
    expect(await tollfree.chat('hello')).toMatchObject({ provider: 'groq' });
    expect(() => tollfree.use('openrouter', 'x')).toThrow(/no account at "openrouter", only at groq, cerebras/);
  });

  test('a failure says what it is, never the key', async () => {
    const wrong = client({ accounts: [{ provider: 'groq', key: 'not-a-key-of-groq' }] });
    const error = await wrong.chat('hello', { model: LIST_PRICED }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FailureError);
    expect(JSON.stringify((error as FailureError).failure)).not.toContain('not-a-key');
    await expect(client().chat('x', { temperature: 9 })).rejects.toMatchObject({ failure: { kind: 'invalid-request', param: 'temperature' } });
  });

  test('an option that is undefined is left out', async () => {
    const tollfree = client();
    tollfree.use('cerebras', 'gpt-oss-120b');
    const { model } = {} as { model?: string };
    expect(await tollfree.chat('hello', { model } as ChatOptions)).toMatchObject({ provider: 'cerebras' });
  });

  test('what the body says of context holds, and what only a daemon does is refused before anything is sent', async () => {
    const messages = [{ role: 'user', content: 'word '.repeat(300) }, { role: 'assistant', content: 'yes' }, { role: 'user', content: 'and now?' }] as const;
    await client().chat(messages, { body: { max_context_tokens: 100 } });
    expect(state.simulators.calls({ provider: 'groq' })[0]?.body).toMatchObject({ messages: [{ content: 'and now?' }] });
    await expect(client().chat('hello', { body: { dry_run: true } })).rejects.toMatchObject({ failure: { kind: 'invalid-request', param: 'dry_run' } });
    expect(state.simulators.calls({ provider: 'groq' })).toHaveLength(1);
  });

  test('a listener that throws ends no call', async () => {
    const tollfree = client({ onEvent: () => { throw new Error('the listener’s own'); } });
    expect((await tollfree.chat('hello')).provider).toBe('groq');
    let words = '';
    for await (const word of tollfree.stream('hello')) words += word;
    expect(words).not.toBe('');
  });

  test('a signal that aborts ends the call', async () => {
    const end = await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const controller = new AbortController();
    const hanging = client().chat('hello', { signal: controller.signal }).catch((thrown: unknown) => thrown);
    setTimeout(() => controller.abort(new Error('enough')), 20);
    const thrown = await hanging;
    await end();
    expect(thrown).toMatchObject({ failure: { kind: 'cancelled', message: 'whoever asked has left' } });
  });

  test('closing ends what runs', async () => {
    const end = await state.simulators.misbehave({ fault: { kind: 'silence' } });
    const tollfree = client();
    const hanging = tollfree.chat('hello');
    setTimeout(() => void tollfree.close(), 20);
    await expect(hanging).rejects.toMatchObject({ failure: { kind: 'cancelled', message: 'the client was closed' } });
    await end();
    await expect(tollfree.chat('hello')).rejects.toMatchObject({ failure: { kind: 'cancelled', message: 'the client was closed' } });
  });
});

describe('stream', () => {
  test('words as they come, then all of it', async () => {
    const tollfree = client();
    const stream = tollfree.stream('Write a Python function', { model: LIST_PRICED });
    const words: string[] = [];
    for await (const word of stream) words.push(word);
    const result = await stream.result;
    expect(words.length).toBeGreaterThan(5);
    expect(words.join('')).toBe(result.content);
    expect(result).toMatchObject({ provider: 'groq', finishReason: 'stop', cost: 0 });
    expect(result.outputTokens).toBeGreaterThan(0);
    expect(tollfree.totalSaved).toBe(result.saved);
  });

  test('is asked once: read again it says so', async () => {
    const stream = client().stream('hello');
    const read = async (): Promise<number> => {
      let words = 0;
      for await (const word of stream) words += word.length;
      return words;
    };
    expect(await read()).toBeGreaterThan(0);
    await expect(read()).rejects.toMatchObject({ failure: { kind: 'invalid-request', message: expect.stringContaining('read before') } });
    expect(await stream.result).toMatchObject({ provider: 'groq' });
    expect(state.simulators.calls({ provider: 'groq' })).toHaveLength(1);
  });

  test('a break is thrown where the words are read', async () => {
    const end = await state.simulators.misbehave({ provider: 'groq', fault: { kind: 'leave-out', parts: ['finish', 'done'] } });
    const stream = client().stream('hello');
    await expect((async () => { for await (const word of stream) expect(word).toBeTruthy(); })()).rejects.toMatchObject({ failure: { kind: 'broken-answer' } });
    await expect(stream.result).rejects.toMatchObject({ failure: { kind: 'broken-answer' } });
    await end();
  });

  test('leaving the loop ends the call', async () => {
    const stream = client().stream('hello');
    for await (const word of stream) if (word) break;
    await expect(stream.result).rejects.toMatchObject({ failure: { kind: 'cancelled' } });
  });
});

describe('configuration', () => {
  test('by the environment: a key for each provider', async () => {
    const tollfree = createClient({ environment: { ...environment(), GROQ_API_KEY: 'sim-groq-one' } });
    state.clients.push(tollfree);
    expect((await tollfree.chat('hello')).provider).toBe('groq');
  });

  test('by files', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tollfree-client-'));
    await writeFile(join(directory, 'accounts.yaml'), '- { provider: cerebras, key: sim-cerebras-one, label: work }\n');
    await writeFile(join(directory, 'rules.yaml'), 'routing_rules: [{ name: general, provider_preferences: [cerebras] }]\n');
    expect((await client({ directory, accounts: 'accounts.yaml', rules: 'rules.yaml' }).chat('hello')).provider).toBe('cerebras');
    await rm(directory, { recursive: true });
  });

  test('mistakes are told with their place, and nobody is no account', () => {
    expect(() => client({ rules: { routing_rules: [{ name: 'general', provider_preferences: ['grok'] }] } })).toThrow(/no provider is called "grok" \(did you mean groq\?\)/);
    expect(() => client({ accounts: [{ provider: 'grok', key: 'sk-secret-secret-secret' }] })).toThrow(/did you mean groq/);
    expect(() => client({ accounts: [] })).toThrow(/there is no account/);
  });
});
