/** What an operator meets: health, metrics, log, reloads, doors. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import supertest from 'supertest';
import { startProcess } from '../support/process.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const rules = (name: string): string => `routing_rules:\n  - name: ${name}\n    provider_preferences: [groq]\ndefault_rule: ${name}\n`;
const state: { system: System } = { system: undefined as never };
beforeAll(async () => {
  state.system = await startSystem({ rules: rules('first') });
});
afterAll(() => state.system.close());

/** Until it holds; what never does fails the test by its timeout. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('health', () => {
  test('live, ready, and a summary a person can read', async () => {
    const http = supertest(state.system.url);
    await http.get('/health/live').expect(200, { status: 'ok' });
    await http.get('/health/ready').expect(200, { status: 'ok' });
    const health = await http.get('/health').expect(200);
    expect(health.body).toMatchObject({ status: 'ok', vault: 'unlocked', accounts: { total: 3, active: 3 }, waiting: 0 });
  });

  test('a locked vault: not ready, every call 503 vault_locked, and unlocked again by its passphrase or not at all', async () => {
    await state.system.admin('POST', '/vault/lock');
    await supertest(state.system.url).get('/health/ready').expect(503);
    const answer = await state.system.chat(hello());
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: 'vault_locked' } });
    expect((await state.system.admin('POST', '/vault/unlock', { passphrase: 'not the one' })).status).toBeGreaterThanOrEqual(400);
    await supertest(state.system.url).get('/health/ready').expect(503);
  });
});

describe('metrics and log', () => {
  test('tell what happened, and nothing that was said', async () => {
    const system = await startSystem({ rules: rules('general') });
    try {
      const secret = 'canary-4711 is what the prompt says';
      expect((await system.chat({ ...hello(secret) })).status).toBe(200);
      expect((await system.chat({ model: 'auto', messages: [] })).status).toBe(400);
      const metrics = await (await fetch(`${system.url}/metrics`)).text();
      for (const line of [
        'tollfree_requests_total{surface="chat",route="general",status="200"} 1',
        'tollfree_requests_total{surface="none",route="none",status="400"} 1',
        'tollfree_attempts_total{provider="groq",model="openai/gpt-oss-120b",outcome="ok"} 1',
        'tollfree_vault_unlocked 1',
        'tollfree_queue_depth{provider="groq"} 0',
      ]) expect(metrics).toContain(line);
      expect(metrics).toMatch(/tollfree_quota_remaining\{provider="groq",account="one",model="openai\/gpt-oss-120b",window="requests_day"\} 999/);
      await eventually(async () => (await system.logLines()).some(({ message }) => message === 'request'));
      const lines = await system.logLines();
      expect(lines.find(({ message }) => message === 'request')).toMatchObject({ rule: 'general', provider: 'groq', account: 'one', status: 200, attempts: [{ outcome: 'ok', sent: true }], project: 'local', stream: false });
      for (const text of [metrics, JSON.stringify(lines)]) {
        expect(text).not.toContain('canary');
        expect(text).not.toContain('sim-groq');
      }
    } finally {
      await system.close();
    }
  });
});

test('what was asked is in the log only where the operator says so, and keys in it are redacted', async () => {
  const system = await startSystem({ rules: rules('general'), settings: 'log: { bodies: true }' });
  try {
    await system.chat(hello('why does sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef not work?'));
    await eventually(async () => (await system.logLines()).some(({ message }) => message === 'request'));
    const asked = String((await system.logLines()).find(({ message }) => message === 'request')?.['body']);
    expect(asked).toContain('why does');
    expect(asked).not.toContain('0123456789abcdef');
  } finally {
    await system.close();
  }
});

describe('files that change', () => {
  test('rules are in force when they are saved; a wrong file is reported with its place and the old ones stay', async () => {
    const system = await startSystem({ rules: rules('first') });
    const file = join(system.directory, 'routing-rules.yaml');
    const route = async (): Promise<string | null> => (await system.chat(hello())).headers.get('x-tollfree-route');
    try {
      expect(await route()).toBe('first');
      await writeFile(file, rules('second'));
      await eventually(async () => (await route()) === 'second');
      await writeFile(file, rules('third').replace('provider_preferences', 'provider_preference'));
      await eventually(async () => (await system.logLines()).some(({ level }) => level === 'error'));
      expect((await system.logLines()).find(({ level }) => level === 'error')?.['message']).toMatch(/routing-rules\.yaml:3:5 .*did you mean provider_preferences/);
      expect(await route()).toBe('second');
      const health = async (): Promise<unknown> => (await fetch(`${system.url}/health`)).json();
      expect(await health()).toMatchObject({ status: 'degraded', problems: [{ part: 'rules', message: expect.stringContaining('stays in force') }] });
      await writeFile(file, rules('third'));
      await eventually(async () => (await route()) === 'third');
      expect(await health()).toMatchObject({ status: 'ok', problems: [] });
    } finally {
      await system.close();
    }
  });
});

function statusOf(headers: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port: state.system.daemon.port, path: '/health', headers: [...headers], setHost: false }, (answer) => resolve(answer.resume().statusCode ?? 0));
    asked.on('error', reject).end();
  });
}

describe('doors', () => {
  test('every admin route wants the token', async () => {
    for (const [method, path] of [['GET', '/accounts'], ['GET', '/providers'], ['GET', '/rules'], ['POST', '/explain'], ['GET', '/cooldowns'], ['DELETE', '/cooldowns'], ['POST', '/vault/lock'], ['POST', '/vault/unlock'], ['GET', '/nothing']] as const) {
      expect([path, (await fetch(`${state.system.url}/admin${path}`, { method })).status]).toEqual([path, 401]);
    }
    expect((await fetch(`${state.system.url}/admin/accounts`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });

  test('a foreign host name, two of them, or a foreign page are turned away before anything is read', async () => {
    expect(await statusOf(['host', 'evil.example'])).toBe(421);
    expect(await statusOf(['host', 'localhost:1'])).toBe(200);
    expect(await statusOf(['host', 'localhost', 'origin', 'https://evil.example'])).toBe(403);
    expect(await statusOf(['host', 'localhost', 'origin', 'null'])).toBe(403);
    expect(await statusOf(['host', 'localhost', 'origin', 'http://localhost:3000'])).toBe(200);
  });

  test.each<[string, Record<string, string>, string, number, RegExp]>([
    ['another content type', { 'content-type': 'text/plain' }, '{}', 415, /application\/json/],
    ['no body', {}, '', 400, /empty/],
    ['cut JSON', {}, '{"model":', 400, /not valid JSON/],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }, '{}', 415, /utf-8/],
    ['a compressed body', { 'content-encoding': 'gzip' }, '{}', 415, /uncompressed/],
    ['a body nested without end', {}, '['.repeat(100_000) + ']'.repeat(100_000), 400, /nested/],
    ['a priority that is none', { 'x-tollfree-priority': '12' }, JSON.stringify(hello()), 400, /x-tollfree-priority/],
    ['a deadline that is none', { 'x-tollfree-deadline-ms': 'soon' }, JSON.stringify(hello()), 400, /x-tollfree-deadline-ms/],
  ])('%s is told as what it is', async (_name, headers, body, status, message) => {
    const answer = await fetch(`${state.system.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as { error: { message: string; type: string } };
    expect(error.message).toMatch(message);
    expect(error.type).toBe('invalid_request_error');
  });

  test('a body above the limit is refused before it is read', async () => {
    const system = await startSystem({ settings: 'server: { body_limit: 2KiB }' });
    try {
      expect((await system.chat(hello('x'.repeat(3_000)))).status).toBe(413);
    } finally {
      await system.close();
    }
  });

  test('what is not there is said to be not there, in the envelope', async () => {
    const answer = await fetch(`${state.system.url}/v1/nothing`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'unknown_url' } });
    expect((await fetch(`${state.system.url}/v1/chat/completions`)).status).toBe(405);
  });
});

test('every answer says its name, and that it is nothing else than it says', async () => {
  const system = await startSystem({ accounts: { groq: ['one'] } });
  try {
    const asked = [[hello(), 200], [{ ...hello(), stream: true }, 200], [{ ...hello(), dry_run: true }, 200], [{ model: 'auto' }, 400]] as const;
    for (const [body, status] of asked) {
      const answer = await system.chat(body);
      await answer.text();
      expect(answer.status).toBe(status);
      expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  } finally {
    await system.close();
  }
});

test('explain tells rule, words and candidates as the next request would meet them', async () => {
  const system = await startSystem({ accounts: { groq: ['one', 'two'], openrouter: ['one'] } });
  try {
    const explained = (await (await system.admin('POST', '/explain', { prompt: 'Write a Python function' })).json()) as { rule: string; words: { word: string }[]; candidates: { provider: string; account: string; free_at?: string }[] };
    expect(explained.rule).toBe('code_generation');
    expect(explained.words.map(({ word }) => word)).toContain('python');
    expect(explained.candidates[0]).toMatchObject({ provider: 'groq' });
    expect(system.simulators.calls().filter(({ path }) => path.includes('chat'))).toEqual([]);
  } finally {
    await system.close();
  }
});

describe('processes', () => {
  test('a second daemon on the same directory refuses and says who is there', async () => {
    await expect(startProcess(state.system.environment, state.system.directory)).rejects.toThrow(new RegExp(`ended with 1: .*already served by process ${process.pid}`, 's'));
    await supertest(state.system.url).get('/health/live').expect(200);
  });

  test('SIGTERM: not ready and nothing new at once, what runs may finish, then exit 0', async () => {
    const { simulators, environmentFor, directory, close } = await startSystem({ simulators: { pace: { firstMs: 0, tokenMs: 20 } } });
    try {
      const daemon = await startProcess(await environmentFor('other'), directory);
      const answer = await fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello(), stream: true }) });
      expect(answer.status).toBe(200);
      daemon.signal('SIGTERM');
      await eventually(async () => (await fetch(`${daemon.url}/health/ready`).catch(() => undefined)) === undefined);
      expect((await answer.text()).endsWith('data: [DONE]\n\n')).toBe(true);
      expect(await daemon.ended).toBe(0);
      expect(simulators.calls({ outcome: 'left' })).toEqual([]);
    } finally {
      await close();
    }
  });

  test('SIGTERM under streams that outlast its patience: they get an error event and no [DONE]', async () => {
    const { environmentFor, directory, close } = await startSystem({ simulators: { pace: { firstMs: 0, tokenMs: 300 } }, settings: 'server: { drain: 100ms }' });
    try {
      const daemon = await startProcess(await environmentFor('other'), directory);
      const answer = await fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello(), stream: true }) });
      daemon.signal('SIGTERM');
      const text = await answer.text();
      expect(text).toContain('"code":"shutting_down"');
      expect(text).not.toContain('[DONE]');
      expect(await daemon.ended).toBe(0);
    } finally {
      await close();
    }
  });
});
