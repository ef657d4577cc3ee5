/** Who was asked, and why it was not them: told to the client, to the log and by explain. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../cli/process.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const rules = 'routing_rules:\n  - name: general\n    provider_preferences: [groq, cerebras]\n    models: { groq: [openai/gpt-oss-20b], cerebras: [gpt-oss-120b] }\ndefault_rule: general\n';
const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ accounts: { groq: ['one'], cerebras: ['one'] }, rules });
});
afterAll(() => state.system.close());

test('attempts with their reasons: a fallback, a failure, and what the next request would meet', async () => {
  const { system } = state;
  await system.simulators.misbehave({ provider: 'groq', times: 1, fault: { kind: 'answer', status: 429, headers: { 'retry-after': '300' }, body: '' } });
  const answer = await system.chat(hello());
  await answer.text();
  expect([answer.status, answer.headers.get('x-tollfree-provider'), answer.headers.get('x-tollfree-attempts')]).toEqual([200, 'cerebras', '2']);

  await system.simulators.misbehave({ provider: 'cerebras', fault: { kind: 'answer', status: 429, headers: { 'retry-after': '200' }, body: '' } });
  const refused = await system.chat(hello(), { 'x-tollfree-deadline-ms': '1000' });
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({
    error: {
      code: 'all_accounts_exhausted',
      attempts: expect.arrayContaining([
        expect.objectContaining({ provider: 'groq', account: 'one', model: 'openai/gpt-oss-20b', reason: 'rate-minute', retry_at: expect.any(String) as unknown }),
        expect.objectContaining({ provider: 'cerebras', account: 'one', model: 'gpt-oss-120b', reason: 'rate-minute', retry_at: expect.any(String) as unknown }),
      ]) as unknown,
    },
  });

  const lines = async (): Promise<readonly Record<string, unknown>[]> => (await system.logLines()).filter(({ message }) => message === 'request');
  while ((await lines()).length < 2) await sleep(20);
  expect(await lines()).toMatchObject([
    { status: 200, provider: 'cerebras', attempts: [{ provider: 'groq', account: 'one', outcome: 'rate-minute', sent: true }, { provider: 'cerebras', account: 'one', outcome: 'ok', sent: true }] },
    { status: 429, failure: 'exhausted', attempts: [{ provider: 'cerebras', account: 'one', outcome: 'rate-minute', sent: true }] },
  ]);

  const explained = (await (await system.admin('POST', '/explain', { prompt: 'hello' })).json()) as { candidates: { free_at: string }[] };
  expect(explained).toMatchObject({
    rule: 'general',
    candidates: [{ provider: 'groq', model: 'openai/gpt-oss-20b', account: 'one', reason: 'rate-minute' }, { provider: 'cerebras', model: 'gpt-oss-120b', account: 'one', reason: 'rate-minute' }],
  });
  for (const { free_at: freeAt } of explained.candidates) expect(Date.parse(freeAt)).toBeGreaterThan(Date.now() + 100_000);
  const command = await runProgram(['explain', 'hello'], { environment: { ...system.environment, TOLLFREE_PORT: new URL(system.url).port, TOLLFREE_ADMIN_TOKEN: ADMIN_TOKEN } });
  expect(command.out).toMatch(/groq.*rate-minute[\s\S]*cerebras.*rate-minute/);
});
