/** A daemon of several processes, and what can be known of them from outside. */
import { afterEach } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startProcess } from '../support/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { ADMIN_TOKEN, startSystem } from '../support/system.ts';
import type { System, SystemOptions } from '../support/system.ts';

export interface Team extends Pick<System, 'simulators' | 'directory'> {
  readonly daemon: DaemonProcess;
  readonly chat: (body: object, headers?: Readonly<Record<string, string>>, signal?: AbortSignal) => Promise<Response>;
  readonly ask: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly admin: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** Of the workers. */
  readonly pids: () => readonly number[];
  readonly health: () => Promise<{ readonly status: string; readonly waiting: number; readonly workers: { readonly wanted: number; readonly running: number } }>;
  /** The same directory, served again. */
  readonly again: () => Promise<DaemonProcess>;
}

const state: { system?: System | undefined; daemon?: DaemonProcess | undefined } = {};
afterEach(async () => {
  state.daemon?.signal('SIGKILL');
  await state.system?.close();
  Object.assign(state, { system: undefined, daemon: undefined });
});

export const WORKERS = 2;

/** `more`: settings besides, as YAML lines; `server`: of that group. */
export async function startTeam(options: SystemOptions = {}, more = '', server: object = {}): Promise<Team> {
  const system = (state.system = await startSystem(options));
  const { directory } = system;
  const config = join(directory, 'workers.yaml');
  await writeFile(config, `server: ${JSON.stringify({ workers: WORKERS, ...server })}\n${more}`);
  const environment = { ...(await system.environmentFor('team')), TOLLFREE_CONFIG: config };
  const start = async (): Promise<DaemonProcess> => (state.daemon = await startProcess(environment, directory));
  const daemon = await start();
  const ask: Team['ask'] = (method, path, body, headers) =>
    fetch(`${state.daemon?.url}${path}`, { method, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers }, ...(body !== undefined && { body: JSON.stringify(body) }) });
  return {
    simulators: system.simulators,
    directory: join(directory, 'team'),
    daemon,
    ask,
    chat: (body, headers, signal) => fetch(`${state.daemon?.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body), ...(signal && { signal }) }),
    admin: (method, path, body) => ask(method, `/admin${path}`, body, { authorization: `Bearer ${ADMIN_TOKEN}` }),
    pids: () => childrenOf(daemon.pid),
    health: async () => (await ask('GET', '/health')).json() as ReturnType<Team['health']>,
    again: start,
  };
}

export function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Gone, or only waiting to be buried. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A daemon short of time turns newcomers away, and on a busy machine it may be: they ask again when they were told to, as clients do. */
export async function persist(ask: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
    await answer.body?.cancel();
    await wait(Number(answer.headers.get('retry-after')) * 1_000);
  }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await wait(20);
}

/** One provider with so many requests a while for each account. */
export const limited = (requests: number, seconds = 300): string =>
  JSON.stringify({ providers: { groq: { base_url: 'https://groq.example/v1', models: [{ name: 'openai/gpt-oss-120b', rate_limit: { windows: [{ requests, seconds, kind: 'rolling' }] }, context: 131_072, price: { input: 0, output: 0 } }] } } });
export const GROQ_ALONE = JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: ['groq'] }], default_rule: 'general' });
