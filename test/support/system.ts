/** The whole product on real sockets: simulated providers, a vault, the daemon; all of it temporary. */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { startDaemon } from '../../src/main.ts';
import type { Daemon } from '../../src/main.ts';
import { startSimulators } from '../../src/sim/simulators.ts';
import type { SimulatorOptions, Simulators } from '../../src/sim/simulators.ts';
import { makeKeyFile } from '../../src/vault/find-unlock.ts';
import { passphrase } from '../../src/vault/secret.ts';
import type { Secret } from '../../src/vault/secret.ts';
import { openVault } from '../../src/vault/vault.ts';

export interface SystemOptions {
  readonly simulators?: SimulatorOptions;
  /** Labels by provider. */
  readonly accounts?: Readonly<Record<string, readonly string[]>>;
  /** Texts of the three files; the shipped catalogue and rules where absent. */
  readonly settings?: string;
  readonly providers?: string;
  readonly rules?: string;
  /** Opens the vault as well as its key file does. */
  readonly passphrase?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface System {
  readonly simulators: Simulators;
  readonly daemon: Daemon;
  /** Scheme, host and port. */
  readonly url: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Of a daemon of its own, whose data directory has this name; made, with a copy of the vault, where it is not there. */
  readonly environmentFor: (name: string) => Promise<Record<string, string>>;
  /** The official client, which never retries by itself unless told to. */
  readonly client: OpenAI;
  readonly chat: (body: object, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly admin: (method: string, path: string, body?: unknown) => Promise<Response>;
  readonly logLines: () => Promise<readonly Record<string, unknown>[]>;
  readonly close: () => Promise<void>;
}

const repository = join(import.meta.dirname, '..', '..');
export const ADMIN_TOKEN = 'admin-token-of-the-tests';

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const accounts = options.accounts ?? { openrouter: ['one'], groq: ['one'], cerebras: ['one'] };
  const directory = await mkdtemp(join(tmpdir(), 'tollfree-test-'));
  const simulators = await startSimulators({ pace: { firstMs: 0, tokenMs: 0 }, ...options.simulators });
  const data = join(directory, 'data');
  await mkdir(data, { mode: 0o700 });
  const write = async (name: string, text: string | undefined, shipped: string): Promise<string> => {
    if (text === undefined) return join(repository, shipped);
    await writeFile(join(directory, name), text);
    return join(directory, name);
  };
  const environment = {
    TOLLFREE_DATA_DIR: data,
    TOLLFREE_KEY_FILE: join(directory, 'vault.key'),
    TOLLFREE_ADMIN_TOKEN: ADMIN_TOKEN,
    TOLLFREE_CONFIG: await write('tollfree.yaml', options.settings ?? '', ''),
    TOLLFREE_PROVIDERS: await write('providers.yaml', options.providers, 'config/providers.yaml'),
    TOLLFREE_RULES: await write('routing-rules.yaml', options.rules, 'routing-rules.yaml'),
    ...Object.fromEntries(Object.entries(simulators.baseUrls).flatMap(([provider, url]) => (provider in accounts ? [[`TOLLFREE_BASE_URL_${provider.toUpperCase()}`, url]] : []))),
    TOLLFREE_PORT: '0',
    ...options.environment,
  };
  const secrets: Secret[] = [await makeKeyFile(environment.TOLLFREE_KEY_FILE)];
  if (options.passphrase !== undefined) secrets.push(passphrase(options.passphrase));
  await seal(data, secrets, simulators, accounts);
  const leave = async (): Promise<void> => {
    await simulators.close();
    await rm(directory, { recursive: true, force: true });
  };
  // It shares its process with the tests, and the machine with others: late it will be, and must answer all the same.
  const daemon = await startDaemon({ environment, directory, load: { lateMs: Number.POSITIVE_INFINITY } }).catch(async (error: unknown) => {
    await leave();
    throw error;
  });
  const url = `http://127.0.0.1:${daemon.port}`;
  return {
    simulators,
    daemon,
    url,
    directory,
    environment,
    async environmentFor(name) {
      const own = join(directory, name);
      await cp(join(data, 'vault.json'), join(own, 'vault.json'), { recursive: true, force: false });
      await chmod(own, 0o700);
      return { ...environment, TOLLFREE_DATA_DIR: own };
    },
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 }),
    chat: (body, headers = {}) => fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }),
    admin: (method, path, body) =>
      fetch(`${url}/admin${path}`, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }) }),
    // Nothing was told yet where there is no file.
    logLines: async () => (await readFile(join(data, 'tollfree.log'), 'utf8').catch(() => '')).split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>),
    async close() {
      await daemon.stop();
      await leave();
    },
  };
}

async function seal(data: string, secrets: readonly Secret[], { origins }: Simulators, accounts: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const vault = await openVault({ file: join(data, 'vault.json'), pid: process.pid, now: Date.now });
  await vault.create(secrets);
  await vault.addAll(Object.entries(accounts).flatMap(([provider, labels]) => labels.map((label) => ({ provider, label, origin: origins[provider as keyof typeof origins], key: `sim-${provider}-${label}` }))));
  vault.lock();
}

export const hello = (content = 'hello'): { readonly model: string; readonly messages: readonly object[] } => ({ model: 'auto', messages: [{ role: 'user', content }] });
