/** Daemons as real processes, each with a data directory of its own, and simulators they share: for what only a process can show. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../support/process.ts';
import type { DaemonProcess } from '../support/process.ts';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';
import type { Simulators } from '../../src/sim/simulators.ts';

export const HOUR = 3_600;
export const MODELS = { groq: 'openai/gpt-oss-120b', cerebras: 'gpt-oss-120b' } as const;
export const names = Object.keys(MODELS) as (keyof typeof MODELS)[];
const plenty = { windows: [{ requests: 1_000_000, seconds: HOUR, kind: 'rolling' as const }] };

interface Limit {
  readonly windows: readonly { readonly requests: number; readonly seconds: number; readonly kind: 'rolling' }[];
  readonly concurrent?: number;
}

export interface DaemonsOptions {
  /** How upstream speaks. */
  readonly pace: { readonly firstMs: number; readonly tokenMs: number };
  /** Of each account, at both providers, as the catalogue tells it. Plenty where absent. */
  readonly limit?: Limit;
  /** As upstream counts it; the same where absent. */
  readonly counts?: Limit;
  readonly settings?: string;
  /** More of the catalogue, without accounts. */
  readonly providers?: Readonly<Record<string, object>>;
}

export interface Daemons {
  readonly simulators: Simulators;
  /** Where the data directories are made. */
  readonly directory: string;
  /** The environment of a daemon whose data directory has this name; made, with a vault of two accounts a provider, where it is not there. */
  readonly environmentFor: (name: string) => Promise<Record<string, string>>;
  /** What {@link environmentFor} makes, listening. */
  readonly start: (name: string, environment?: Readonly<Record<string, string>>) => Promise<DaemonProcess>;
  /** Ends every process that is left, then the simulators. */
  readonly close: () => Promise<void>;
}

export async function openDaemons({ pace, limit = plenty, counts = limit, settings = '', providers = {} }: DaemonsOptions): Promise<Daemons> {
  const system: System = await startSystem({
    simulators: { pace, limits: Object.fromEntries(names.map((name) => [name, { rate_limit: counts, models: 'together' }])) },
    accounts: { groq: ['one', 'two'], cerebras: ['one', 'two'] },
    providers: JSON.stringify({ providers: { ...Object.fromEntries(names.map((name) => [name, { base_url: `https://${name}.example/v1`, rate_limit: limit, models: [{ name: MODELS[name], context: 131_072, price: { input: 0, output: 0 } }] }])), ...providers } }),
    rules: JSON.stringify({ routing_rules: [{ name: 'general', provider_preferences: names }], default_rule: 'general' }),
    settings,
  });
  const { simulators, directory, environmentFor } = system;
  const started: DaemonProcess[] = [];
  return {
    simulators,
    directory,
    environmentFor,
    async start(name, more = {}) {
      const daemon = await startProcess({ ...(await environmentFor(name)), ...more }, directory);
      started.push(daemon);
      return daemon;
    },
    async close() {
      for (const { signal } of started) signal('SIGKILL');
      await Promise.all(started.map(({ ended }) => ended));
      await system.close();
    },
  };
}

export const ask = ({ url }: DaemonProcess, stream: boolean, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ ...hello('Tell me a story'), stream }) });

export const admin = ({ url }: DaemonProcess, method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${url}/admin${path}`, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) });

/** A daemon short of time turns newcomers away, and on a busy machine it may be: they ask again when they were told to, as clients do. */
export async function askPatiently(daemon: DaemonProcess, stream: boolean): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(daemon, stream);
    if (answer.status !== 503 || tries === 50) return answer;
    await answer.body?.cancel();
    await sleep(Number(answer.headers.get('retry-after')) * 1_000);
  }
}

/** Requests in all windows of an hour. */
export async function counted(daemon: DaemonProcess): Promise<number> {
  const { accounts } = (await (await admin(daemon, 'GET', '/accounts')).json()) as { accounts: { windows: { unit: string; seconds: number; model?: string; used: number }[] }[] };
  return accounts.flatMap(({ windows }) => windows).filter(({ unit, seconds, model }) => unit === 'requests' && seconds === HOUR && model === undefined).reduce((sum, { used }) => sum + used, 0);
}

export interface Health {
  readonly status: 'ok' | 'degraded' | 'not ready';
  readonly problems: readonly { readonly part: string; readonly message: string }[];
  readonly record: { readonly pending: number; readonly lost: number };
  readonly waiting: number;
}

export const health = async ({ url }: DaemonProcess): Promise<Health> => (await (await fetch(`${url}/health`)).json()) as Health;
