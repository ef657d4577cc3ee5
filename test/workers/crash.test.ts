/** Workers that die, an owner that dies, and an orderly end: nothing is counted twice, forgotten, or left behind. */
import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hello } from '../support/system.ts';
import { GROQ_ALONE, isAlive, limited, startTeam, until, WORKERS } from './support.ts';
import type { Team } from './support.ts';

const open = { groq: { rate_limit: {} } } as const;
const CLIENTS = 8;

interface Used {
  readonly accounts: readonly { readonly windows: readonly { readonly unit: string; readonly seconds: number; readonly limit: number; readonly used: number }[] }[];
}

const windowsOf = async ({ admin }: Team, unit: string): Promise<number> =>
  ((await (await admin('GET', '/accounts')).json()) as Used).accounts.flatMap(({ windows }) => windows.filter((window) => window.unit === unit && (unit === 'concurrent' || window.seconds === 86_400))).reduce((sum, { used }) => sum + used, 0);

interface Line {
  readonly status: number;
  readonly provider?: string;
  readonly attempts: readonly unknown[];
}

/** Of the log, one a request. */
const told = async ({ directory }: Team): Promise<readonly Line[]> =>
  (await readFile(join(directory, 'tollfree.log'), 'utf8')).split('\n').filter((line) => line.includes('"message":"request"')).map((line) => JSON.parse(line) as Line);

const recorded = async ({ admin }: Team): Promise<number> => ((await (await admin('GET', '/usage-stats')).json()) as { total: { requests: number } }).total.requests;

test('kill -9 of a worker: the others go on, another comes, every call stays counted, every request is told', async () => {
  const team = await startTeam({ accounts: { groq: ['one', 'two'] }, simulators: { limits: open, pace: { firstMs: 20, tokenMs: 0 } }, providers: limited(100_000, 86_400), rules: GROQ_ALONE });
  const { chat, simulators, health, pids } = team;
  const load = { over: false, answered: 0, broken: 0 };
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!load.over) {
      const text = await chat(hello()).then((answer) => answer.text()).catch(() => undefined);
      if (text === undefined) load.broken += 1;
      else load.answered += 1;
    }
  });
  for (let kill = 1; kill <= 3; kill += 1) {
    await simulators.callsUntil({ path: '/chat/completions' }, simulators.calls({ path: '/chat/completions' }).length + 30);
    const [victim] = pids();
    if (victim === undefined) throw new Error('there is no worker');
    process.kill(victim, 'SIGKILL');
    await until(() => !isAlive(victim));
    await until(async () => (await health().catch(() => undefined))?.workers.running === WORKERS);
    expect(pids()).not.toContain(victim);
  }
  load.over = true;
  await Promise.all(clients);
  const seen = simulators.calls({ path: '/chat/completions' }).length;
  const counted = await windowsOf(team, 'requests');
  expect(counted).toBeGreaterThanOrEqual(seen);
  // Taken, and not yet sent.
  expect(counted).toBeLessThanOrEqual(seen + 3 * CLIENTS);
  const requests = await recorded(team);
  // The log is written in batches.
  await until(async () => (await told(team)).length >= requests);
  const lines = await told(team);
  expect(lines).toHaveLength(requests);
  // Who was still in line took nothing; everybody else is in the record once for the one call it was.
  expect(lines.filter(({ provider, attempts }) => provider !== undefined || attempts.length > 0)).toHaveLength(counted);
  expect(lines.filter(({ status }) => status === 500).length).toBeGreaterThan(0);
  expect(load.answered).toBeLessThanOrEqual(counted);
});

test('kill -9 of a worker frees what its requests held: places in line and what runs at once', async () => {
  const providers = JSON.stringify({ providers: { groq: { base_url: 'https://groq.example/v1', models: [{ name: 'openai/gpt-oss-120b', rate_limit: { concurrent: 1 }, context: 131_072, price: { input: 0, output: 0 } }] } } });
  const team = await startTeam({ accounts: { groq: ['one'] }, simulators: { limits: open, pace: { firstMs: 0, tokenMs: 1_000 } }, providers, rules: GROQ_ALONE });
  const { chat, health, pids, simulators } = team;
  const held = await chat({ ...hello(), stream: true });
  expect(held.status).toBe(200);
  const waits = Array.from({ length: 6 }, () => chat(hello(), { 'x-tollfree-deadline-ms': '600000' }).then(() => 'answered', () => 'broken'));
  await until(async () => (await health()).waiting === 6);
  for (const pid of pids()) process.kill(pid, 'SIGKILL');
  expect(await Promise.all(waits)).toEqual(Array.from({ length: 6 }, () => 'broken'));
  await until(async () => (await health().catch(() => undefined))?.waiting === 0);
  await simulators.callsUntil({ outcome: 'left' }, 1);
  expect(await windowsOf(team, 'concurrent')).toBe(0);
  expect((await chat({ ...hello(), stream: true })).status).toBe(200);
});

test('kill -9 of the owner: its workers leave with it, and the next daemon goes on from what was counted', async () => {
  const limit = 40;
  const team = await startTeam({ accounts: { groq: ['one'] }, simulators: { limits: open, pace: { firstMs: 5, tokenMs: 0 } }, providers: limited(limit, 86_400), rules: GROQ_ALONE });
  const { chat, simulators, daemon, pids, again } = team;
  const workers = pids();
  const load = { over: false };
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!load.over) await chat(hello()).then((answer) => answer.text()).catch(() => undefined);
  });
  await simulators.callsUntil({ path: '/chat/completions' }, 15);
  daemon.signal('SIGKILL');
  expect(await daemon.ended).toBe('SIGKILL');
  await until(() => !workers.some(isAlive));
  load.over = true;
  await Promise.all(clients);

  await again();
  expect(await windowsOf(team, 'requests')).toBeGreaterThanOrEqual(simulators.calls({ path: '/chat/completions' }).length);
  for (;;) {
    const answers = await Promise.all(Array.from({ length: CLIENTS }, () => chat(hello())));
    if (answers.some(({ status }) => status === 429)) break;
  }
  expect(simulators.calls({ path: '/chat/completions' }).length).toBeLessThanOrEqual(limit);
});

test('SIGTERM: what runs may finish, all of it is told, and all processes are gone', async () => {
  const team = await startTeam({ accounts: { groq: ['one', 'two'] }, simulators: { limits: open, pace: { firstMs: 0, tokenMs: 20 } }, providers: limited(100_000, 86_400), rules: GROQ_ALONE });
  const { chat, daemon, pids, simulators, again } = team;
  const workers = pids();
  const streams = await Promise.all(Array.from({ length: 6 }, () => chat({ ...hello(), stream: true })));
  daemon.signal('SIGTERM');
  const texts = await Promise.all(streams.map((stream) => stream.text()));
  expect(texts.every((text) => text.endsWith('data: [DONE]\n\n'))).toBe(true);
  expect(await daemon.ended).toBe(0);
  expect(workers.some(isAlive)).toBe(false);
  expect(simulators.calls({ outcome: 'left' })).toEqual([]);
  await again();
  expect(await recorded(team)).toBe(6);
});

test('SIGTERM under streams that outlast its patience: they get an error event and no [DONE]', async () => {
  const { chat, daemon } = await startTeam({ accounts: { groq: ['one'] }, simulators: { limits: open, pace: { firstMs: 0, tokenMs: 300 } }, providers: limited(100_000), rules: GROQ_ALONE }, '', { drain: '100ms' });
  const stream = await chat({ ...hello(), stream: true });
  daemon.signal('SIGTERM');
  const text = await stream.text();
  expect(text).toContain('"code":"shutting_down"');
  expect(text).not.toContain('[DONE]');
  expect(await daemon.ended).toBe(0);
});
