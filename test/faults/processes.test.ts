/** What only a process can show: an orderly end under load, and none at all. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmod, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../support/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const HOUR = 3_600;
const MODELS = { groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b' } as const;
const names = Object.keys(MODELS) as (keyof typeof MODELS)[];
const plenty = { windows: [{ requests: 1_000_000, seconds: HOUR, kind: 'rolling' as const }] };
const state: { system: System } = { system: undefined as never };

beforeAll(async () => {
  state.system = await startSystem({
    simulators: { pace: { firstMs: 0, tokenMs: 25 }, limits: Object.fromEntries(names.map((name) => [name, { rate_limit: plenty, models: 'together' }])) },
    accounts: { groq: ['one', 'two'], cerebras: ['one', 'two'] },
    providers: JSON.stringify({ providers: Object.fromEntries(names.map((name) => [name, { base_url: `https://${name}.example/v1`, rate_limit: plenty, models: [{ name: MODELS[name], context: 131_072, price: { input: 0, output: 0 } }] }])) }),
    rules: JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: names }], default_rule: 'general' }),
  });
});
afterAll(() => state.system.close());

/** A data directory with the same vault for a daemon of its own. */
async function directoryFor(name: string): Promise<Record<string, string>> {
  const { environment, directory } = state.system;
  await cp(join(directory, 'data', 'vault.json'), join(directory, name, 'vault.json'), { recursive: true });
  await chmod(join(directory, name), 0o700);
  return { ...environment, TOLLFREE_DATA_DIR: join(directory, name) };
}

const ask = ({ url }: DaemonProcess, stream: boolean): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello('Tell me a story'), stream }) });

/** A daemon short of time turns newcomers away, and on a busy machine it may be: they ask again when they were told to, as clients do. */
async function open(daemon: DaemonProcess): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const answer = await ask(daemon, true);
    if (answer.status !== 503 || tries === 5) return answer;
    await answer.body?.cancel();
    await sleep(Number(answer.headers.get('retry-after')) * 1_000);
  }
}

test('SIGTERM under 200 streams: nothing new at once, all of them finish, exit 0', async () => {
  const daemon = await startProcess(await directoryFor('drain'), state.system.directory);
  const streams: Response[] = [];
  while (streams.length < 200) streams.push(...(await Promise.all(Array.from({ length: 20 }, () => open(daemon)))));
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
  const at = Date.now();
  daemon.signal('SIGTERM');
  const ready = async (): Promise<boolean> => fetch(`${daemon.url}/health/ready`).then(({ ok }) => ok, () => false);
  while (await ready()) await sleep(5);
  // 100 ms, and what a loaded machine takes on top.
  expect(Date.now() - at).toBeLessThan(1_000);
  expect(await ask(daemon, true).then(({ status }) => status, () => 'refused')).not.toBe(200);
  const texts = await Promise.all(streams.map((answer) => answer.text()));
  expect(texts.filter((text) => !text.endsWith('data: [DONE]\n\n'))).toEqual([]);
  expect(await daemon.ended).toBe(0);
}, 60_000);

test('a second signal ends it at once', async () => {
  const daemon = await startProcess(await directoryFor('twice'), state.system.directory);
  const stream = await ask(daemon, true);
  const over = stream.text().catch(() => 'cut');
  daemon.signal('SIGTERM');
  await sleep(100);
  const at = Date.now();
  daemon.signal('SIGTERM');
  await daemon.ended;
  expect(Date.now() - at).toBeLessThan(1_000);
  await over;
}, 30_000);

test('kill -9 under load, again and again: no call upstream saw is forgotten but those in flight', async () => {
  const environment = await directoryFor('crash');
  const { simulators, directory } = state.system;
  simulators.clearCalls();
  const CLIENTS = 8;
  let lost = 0;
  for (let round = 0; round < 4; round++) {
    const started = Date.now();
    const daemon = await startProcess(environment, directory);
    expect(Date.now() - started).toBeLessThan(10_000);
    const seen = simulators.calls({ path: '/chat/completions' }).length;
    lost += round === 0 ? 0 : CLIENTS;
    const known = await counted(daemon);
    expect(known).toBeGreaterThanOrEqual(seen - lost);
    expect(known).toBeLessThanOrEqual(seen + lost);
    const state = { killed: false };
    const load = Array.from({ length: CLIENTS }, async () => {
      while (!state.killed) await ask(daemon, false).then((answer) => answer.text()).catch(() => undefined);
    });
    await simulators.callsUntil({ path: '/chat/completions' }, seen + 60 + round);
    state.killed = true;
    daemon.signal('SIGKILL');
    expect(await daemon.ended).toBe('SIGKILL');
    await Promise.all(load);
  }
}, 60_000);

/** Requests in all windows of an hour. */
async function counted({ url }: DaemonProcess): Promise<number> {
  const answer = await fetch(`${url}/admin/accounts`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const { accounts } = (await answer.json()) as { accounts: { windows: { unit: string; seconds: number; model?: string; used: number }[] }[] };
  return accounts.flatMap(({ windows }) => windows).filter(({ unit, seconds, model }) => unit === 'requests' && seconds === HOUR && model === undefined).reduce((sum, { used }) => sum + used, 0);
}
