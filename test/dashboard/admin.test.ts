/** What an operator can do over HTTP: accounts, vault, rules, the playground. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const state = {} as { system: System };
beforeAll(async () => {
  state.system = await startSystem();
});
afterAll(() => state.system.close());

type Json = Record<string, unknown>;
const tell = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> => {
  const answer = await state.system.admin(method, path, body);
  return { status: answer.status, body: answer.status === 204 ? {} : ((await answer.json()) as Json) };
};
const errorOf = ({ body }: { body: Json }): string => String((body['error'] as Json | undefined)?.['message']);

describe('accounts', () => {
  test('added with a live check, tested, renamed, disabled, removed; never its key', async () => {
    const added = await tell('POST', '/accounts', { provider: 'groq', key: 'sim-groq-two', label: 'two' });
    expect([added.status, added.body['label'], (added.body['check'] as Json)['ok']]).toEqual([201, 'two', true]);
    expect(JSON.stringify(added.body)).not.toContain('sim-groq-two');
    const id = String(added.body['id']);

    expect((await tell('POST', `/accounts/${id}/test`)).body).toMatchObject({ ok: true });
    expect((await tell('PATCH', `/accounts/${id}`, { label: '2nd', enabled: false })).body).toMatchObject({ label: '2nd', enabled: false });
    const listed = (await tell('GET', '/accounts')).body['accounts'] as Json[];
    expect(listed.find((account) => account['id'] === id)).toMatchObject({ label: '2nd', state: 'disabled' });
    expect((await tell('DELETE', `/accounts/${id}`)).status).toBe(204);
    expect((await tell('GET', '/accounts')).body['accounts']).toHaveLength(3);
  });

  test.each<[string, Json, number, RegExp]>([
    ['a key the provider refuses', { provider: 'groq', key: 'invalid-key-of-nobody' }, 400, /nothing was added/],
    ['the same key again', { provider: 'groq', key: 'sim-groq-one' }, 400, /already, as groq\/one/],
    ['a provider nobody knows', { provider: 'grok', key: 'sim-nobody-1' }, 400, /no provider is called "grok" \(did you mean groq\?\)/],
    ['no key', { provider: 'groq' }, 400, /key: is required/],
    ['another field', { provider: 'groq', key: 'sim-groq-x', base_url: 'http://evil' }, 400, /base_url: is not known here; known are provider, key/],
    ['a label that is none', { provider: 'groq', key: 'sim-groq-x', label: '<img onerror=…>', check: false }, 400, /no good label/],
  ])('%s is refused', async (_name, body, status, message) => {
    const answer = await tell('POST', '/accounts', body);
    expect([answer.status, errorOf(answer)]).toEqual([status, expect.stringMatching(message)]);
    expect((await tell('GET', '/accounts')).body['accounts']).toHaveLength(3);
  });

  test('one that is not there is not there', async () => {
    for (const [method, path, body] of [['POST', '/accounts/none/test'], ['PATCH', '/accounts/none', { enabled: true }], ['DELETE', '/accounts/none']] as const) expect((await tell(method, path, body)).status).toBe(404);
  });
});

describe('rules', () => {
  test('the text as it is written, and every mistake of another at its place', async () => {
    const { text } = (await tell('GET', '/rules/source')).body as { text: string };
    expect(text).toBe(await readFile('routing-rules.yaml', 'utf8'));
    expect((await tell('POST', '/rules/check', { text })).body).toMatchObject({ problems: [] });
    const wrong = (await tell('POST', '/rules/check', { text: 'routing_rules:\n  - name: a\n    preferences: [groq]\n' })).body as { problems: { line: number }[] };
    expect(wrong.problems.map(({ line }) => line)).toContain(3);
  });

  test('a prompt is explained by rules that are not in force, and changes nothing', async () => {
    const rules = 'routing_rules:\n  - name: mine\n    conditions: { content_keywords: [zebra] }\n    provider_preferences: [groq]\n    fallback_chain: [cerebras]\n  - name: rest\n    provider_preferences: [groq]\n    fallback_chain: [cerebras]\ndefault_rule: rest\n';
    expect((await tell('POST', '/explain', { prompt: 'a zebra', rules })).body).toMatchObject({ rule: 'mine' });
    expect((await tell('POST', '/explain', { prompt: 'a zebra' })).body['rule']).not.toBe('mine');
    expect(errorOf(await tell('POST', '/explain', { prompt: 'a zebra', rules: 'routing_rules: [' }))).toMatch(/line 1/);
  });
});

test('the playground answers the operator, also where everybody else needs a key', async () => {
  const key = (await tell('POST', '/virtual-keys', { name: 'someone' })).body;
  expect((await state.system.chat(hello())).status).toBe(401);
  const answer = await state.system.admin('POST', '/chat', { ...hello(), stream: true });
  expect([answer.status, (await answer.text()).endsWith('data: [DONE]\n\n')]).toEqual([200, true]);
  const rows = (await tell('GET', '/usage-stats?by=key')).body['rows'] as Json[];
  expect(rows).toEqual([expect.objectContaining({ key: 'admin', requests: 1 })]);
  await tell('DELETE', `/virtual-keys/${String(key['id'])}`);
});

test('activity counts by the minute, the past begins with the start', async () => {
  await state.system.chat(hello());
  const { points, step_seconds: step } = (await tell('GET', '/activity?range=hour')).body as { points: Json[]; step_seconds: number };
  expect([points.length, step]).toEqual([60, 60]);
  expect(points.reduce((sum, point) => sum + Number(point['requests']), 0)).toBeGreaterThan(0);
  expect(points.at(-1)).toHaveProperty('p95_ms');
  expect((await tell('GET', '/activity?range=century')).status).toBe(400);
});

test('the audit log tells what was done, newest first, and that it is whole', async () => {
  await tell('DELETE', '/cooldowns');
  const told = async (): Promise<Json> => (await tell('GET', '/vault/audit')).body;
  const acts = async (): Promise<unknown[]> => ((await told())['newest'] as Json[]).map(({ act }) => act);
  // Written after it is answered; what never is fails the test by its timeout.
  while ((await acts())[0] !== 'DELETE /admin/cooldowns') await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await told()).toMatchObject({ vouched: true, entries: expect.any(Number) });
  expect(await told()).not.toHaveProperty('problem');
});

describe('vault', () => {
  test('a wrong passphrase is a refusal and no fault of ours; two at once are one too many; then it slows', async () => {
    // Opens with a key file alone: no passphrase fits, and none costs Argon2.
    await tell('POST', '/vault/lock');
    const first = await tell('POST', '/vault/unlock', { passphrase: 'wrong' });
    expect([first.status, errorOf(first)]).toEqual([403, expect.any(String)]);
    for (let guess = 0; guess < 4; guess += 1) await tell('POST', '/vault/unlock', { passphrase: 'wrong' });
    expect((await tell('POST', '/vault/unlock', { passphrase: 'wrong' })).status).toBe(429);
  });

  // The key file that opened it at the start is still there.
  test('locked by hand, a changed file does not unlock it', async () => {
    const { directory } = state.system;
    expect((await tell('GET', '/vault')).body).toMatchObject({ state: 'locked', unlocked: false });
    expect((await tell('POST', '/chat', hello())).status).toBe(503);
    const file = join(directory, 'data', 'vault.json');
    await writeFile(file, await readFile(file));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await tell('GET', '/vault')).body).toMatchObject({ state: 'locked' });
    expect((await tell('POST', '/accounts', { provider: 'groq', key: 'sim-groq-three', check: false })).status).toBe(503);
  });
});
