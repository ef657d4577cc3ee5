/** A real Prometheus: it scrapes the daemon, the rules fire and clear, every panel has data. `npm run test:prometheus`. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findUnlock } from '../../src/vault/find-unlock.ts';
import { newPassphrase } from '../../src/vault/secret.ts';
import { openVault } from '../../src/vault/vault.ts';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

jest.setTimeout(400_000);

const deploy = join(import.meta.dirname, '..', '..', 'deploy');
const rules = join(deploy, 'prometheus', 'alerts.yaml');
const promtool = (...words: readonly string[]): string => execFileSync('promtool', words, { encoding: 'utf8' });

/** What Groq gives here, so little that some have to wait. */
const groq = { requests_per_minute: 12, requests_per_day: 1_000, tokens_per_minute: 8_000, tokens_per_day: 200_000 };

const state = {} as { system: System; prometheus: ChildProcess; url: string; directory: string };

beforeAll(async () => {
  state.system = await startSystem({
    accounts: { groq: ['one', 'two'], cerebras: ['one'] },
    simulators: { limits: { groq: { rate_limit: groq } } },
  });
  begun.push(state.system.close);
  state.directory = await mkdtemp(join(tmpdir(), 'tollfree-prometheus-'));
  begun.push(() => rm(state.directory, { recursive: true, force: true }));
  const file = join(state.directory, 'prometheus.yaml');
  // The shipped rules, but a second is a minute.
  await writeFile(join(state.directory, 'alerts.yaml'), (await readFile(rules, 'utf8')).replaceAll(/for: \d+m/g, 'for: 1s').replaceAll('[5m]', '[5s]'));
  await writeFile(file, `global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [alerts.yaml]\nscrape_configs:\n  - { job_name: tollfree, static_configs: [{ targets: ["${new URL(state.system.url).host}"] }] }\n`);
  const port = await freePort();
  state.url = `http://127.0.0.1:${port}`;
  state.prometheus = spawn('prometheus', [`--config.file=${file}`, `--storage.tsdb.path=${join(state.directory, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  begun.push(() => {
    state.prometheus.kill();
    return once(state.prometheus, 'exit');
  });
  await eventually(async () => (await fetch(`${state.url}/-/ready`).catch(() => undefined))?.ok === true);
});

/** What was begun, to be ended even where the rest could not begin. */
const begun: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of begun.toReversed()) await end();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const patience = Date.now() + 150_000;
  while (Date.now() < patience) {
    if (await holds()) return;
    await pause(200);
  }
  throw new Error(`it never came to that; firing: ${(await firing().catch(() => [])).join(', ')}`);
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[]; readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[] };
}

const api = async (path: string): Promise<Answer> => (await fetch(`${state.url}/api/v1/${path}`)).json() as Promise<Answer>;
const query = async (expression: string): Promise<Answer> => api(`query?query=${encodeURIComponent(expression)}`);
const fires = (...names: readonly string[]) => async (): Promise<boolean> => {
  const now = await firing();
  return names.every((name) => now.includes(name));
};
const silent = (...names: readonly string[]) => async (): Promise<boolean> => {
  const now = await firing();
  return !names.some((name) => now.includes(name));
};
const firing = async (): Promise<readonly string[]> => (await api('alerts')).data.alerts.filter((alert) => alert.state === 'firing').map(({ labels }) => labels['alertname'] ?? '');

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** What a panel asks for and nobody has. */
async function missing(panels: readonly Panel[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const answer = await query(expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1m'));
      if (answer.status !== 'success' || answer.data.result.length === 0) found.push(`${title}: ${answer.error ?? expr}`);
    }
  }
  return found;
}

const ask = async (model: string, deadlineMs = 4_000): Promise<void> => {
  await state.system.chat({ ...hello(), model }, { 'x-tollfree-deadline-ms': String(deadlineMs) }).then((answer) => answer.text());
};
const refuse = (provider: 'groq' | 'cerebras', name: string): Promise<() => Promise<void>> => state.system.simulators.misbehave({ provider, fault: { kind: 'refusal', name } });

describe('on paper', () => {
  test('promtool finds the rules right, and what they say of made-up series', () => {
    expect(promtool('check', 'rules', rules)).toContain('8 rules found');
    expect(promtool('test', 'rules', join(deploy, 'prometheus', 'alerts.test.yaml'))).toContain('SUCCESS');
    expect(promtool('check', 'config', join(deploy, 'prometheus', 'prometheus.yaml'))).toContain('SUCCESS');
  });

  test('promtool has nothing to say against the metrics', async () => {
    const text = await (await fetch(`${state.system.url}/metrics`)).text();
    const told = execFileSync('promtool', ['check', 'metrics'], { input: text.split('\n').filter((line) => !/nodejs_|process_/.test(line)).join('\n'), encoding: 'utf8' });
    expect(told).toBe('');
  });
});

test('every panel of the Grafana dashboard has data', async () => {
  const { panels } = JSON.parse(await readFile(join(deploy, 'grafana', 'tollfree.json'), 'utf8')) as { panels: readonly Panel[] };
  expect(panels.length).toBeGreaterThan(15);
  const { system } = state;
  const wave = (): Promise<unknown> => Promise.all(Array.from({ length: 12 }, () => system.chat({ ...hello('write a python function'), stream: true }).then((answer) => answer.text())));
  // Refusals make calls fall back, and the tight line makes some wait.
  const undo = await refuse('groq', 'server-error');
  await wave();
  await undo();
  await Promise.all(Array.from({ length: 60 }, () => ask('groq/openai/gpt-oss-20b')));
  // A rate is of a counter that two scrapes have seen, and on a busy machine a scrape may fail.
  let empty: readonly string[] = [];
  await eventually(async () => {
    empty = await missing(panels);
    return empty.length === 0;
  }).catch(() => undefined);
  expect(empty).toEqual([]);
});

describe('alerts, from what the daemon went through', () => {
  test('calls fail: the error ratio and a breaker, until the provider is well and its rests are cleared', async () => {
    const undo = await refuse('groq', 'server-error');
    await eventually(async () => {
      await ask('groq/openai/gpt-oss-120b', 500);
      return fires('TollfreeErrorRatio', 'TollfreeBreakerOpen')();
    });
    await undo();
    await state.system.admin('DELETE', '/cooldowns');
    await eventually(silent('TollfreeErrorRatio', 'TollfreeBreakerOpen'));
  });

  test('a day nearly spent, until the provider gives more', async () => {
    const { system } = state;
    const model = 'groq/qwen/qwen3.8-27b';
    const day = 20;
    system.simulators.setLimits({ groq: { rate_limit: { ...groq, requests_per_minute: 600, requests_per_day: day } } });
    for (let asked = 0; asked < 2 * (day - 1); asked += 1) await ask(model);
    await eventually(fires('TollfreeQuotaNearlySpent'));
    system.simulators.setLimits({ groq: { rate_limit: groq } });
    await ask(model);
    await ask(model);
    await eventually(silent('TollfreeQuotaNearlySpent'));
  });

  test('a long line, until those who wait have left', async () => {
    const leaving = new AbortController();
    const waiting = Array.from({ length: 100 }, () =>
      fetch(`${state.system.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-tollfree-deadline-ms': '600000' },
        body: JSON.stringify({ ...hello(), model: 'groq/openai/gpt-oss-20b' }),
        signal: leaving.signal,
      }).then((answer) => answer.text(), () => undefined));
    await eventually(fires('TollfreeQueueLong'));
    leaving.abort();
    await Promise.all(waiting);
    await eventually(silent('TollfreeQueueLong'));
  });

  test('every key refused: dead accounts and nobody left, until somebody clears them', async () => {
    const { system } = state;
    const undo = await Promise.all([refuse('groq', 'bad-key'), refuse('cerebras', 'bad-key')]);
    await eventually(async () => {
      await ask('gpt-oss-120b', 500);
      return fires('TollfreeAccountDead', 'TollfreeNobodyActive')();
    });
    for (const one of undo) await one();
    await system.admin('DELETE', '/cooldowns');
    await eventually(silent('TollfreeAccountDead', 'TollfreeNobodyActive'));
  });
});

test('a locked vault’s alert fires, and clears when somebody unlocks it', async () => {
  const { system } = state;
  const vault = await openVault({ file: join(system.directory, 'data', 'vault.json'), pid: process.pid, now: Date.now });
  const found = await findUnlock({ environment: system.environment, unlocks: vault.status().unlocks });
  if (found === undefined) throw new Error('the key file is missing');
  await vault.unlock(found.secret);
  await vault.setSecret(newPassphrase('correct horse battery staple'));
  vault.lock();

  await system.admin('POST', '/vault/lock');
  await eventually(fires('TollfreeVaultLocked'));
  expect((await system.admin('POST', '/vault/unlock', { passphrase: 'correct horse battery staple' })).status).toBe(200);
  await eventually(silent('TollfreeVaultLocked'));
});

test('a daemon that is gone is told', async () => {
  await state.system.daemon.stop();
  await eventually(fires('TollfreeDown'));
});
