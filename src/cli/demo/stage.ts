/** What the tour plays on: simulated providers, a vault, the daemon; all of it temporary. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newPassphrase } from '../../vault/secret.ts';
import { openVault } from '../../vault/vault.ts';
import type { Context } from '../context.ts';
import { startChild, type Child } from './child.ts';

export interface Stage {
  /** What a command needs to find this daemon. */
  readonly environment: Readonly<Record<'TOLLFREE_HOST' | 'TOLLFREE_PORT' | 'TOLLFREE_DATA_DIR', string>>;
  readonly daemon: Child;
  /** Ends the processes and removes the directory. */
  readonly strike: () => Promise<void>;
}

/** Three people's accounts at each provider. */
const cast: Readonly<Record<string, readonly string[]>> = {
  openrouter: ['olive', 'oscar', 'odette'],
  groq: ['grace', 'gus', 'gina'],
  cerebras: ['cleo', 'carl', 'cora'],
};

/** Small enough to be reached in a minute of watching, and less than the catalogue promises: a refusal nobody could foresee. */
const limits = { groq: { rate_limit: { requests_per_minute: 3, requests_per_day: 1000, tokens_per_minute: 8000, tokens_per_day: 200_000 } } };

/** Milliseconds between two tokens: fast for a model, slow enough to be seen. Where nobody looks, they just come. */
const TOKEN_MS = { watched: 12, unwatched: 1 };

const settings = 'log: { format: pretty, file: false }\n';

const shipped = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url));

/** Says each step when it is done. Whatever fails, nothing is left behind. */
export async function setStage(context: Context, done: (what: string, where: string) => void): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'tollfree-demo-'));
  const children: Child[] = [];
  const strike = async (): Promise<void> => {
    await Promise.all(children.map(({ stop }) => stop()));
    await rm(directory, { recursive: true, force: true });
  };
  const start = (commandLine: readonly string[], environment: NodeJS.ProcessEnv): Child => {
    const child = startChild(commandLine, environment);
    children.push(child);
    return child;
  };
  try {
    const data = join(directory, 'data');
    await mkdir(data, { mode: 0o700 });
    await Promise.all([writeFile(join(directory, 'limits.yaml'), JSON.stringify(limits)), writeFile(join(directory, 'tollfree.yaml'), settings)]);
    const outside = withoutOurs(context.environment);

    const { says } = start(['sim', '--port', '0', '--token-ms', String(context.out.terminal ? TOKEN_MS.watched : TOKEN_MS.unwatched), '--limits', join(directory, 'limits.yaml')], outside);
    const baseUrls = await Promise.all(Object.keys(cast).map(async (provider) => [provider, (await says(new RegExp(`^TOLLFREE_BASE_URL_${provider.toUpperCase()}=(.+)$`)))[1] ?? ''] as const));
    done('simulated OpenRouter, Groq and Cerebras', new URL(baseUrls[0]?.[1] ?? '').host);

    const passphrase = randomBytes(24).toString('base64url');
    const accounts = await fillVault({ file: join(data, 'vault.json'), passphrase, baseUrls, now: context.now });
    done(`${accounts} accounts, sealed in a vault`, data);

    const daemon = start(['serve', '--port', '0'], {
      ...outside,
      ...Object.fromEntries(baseUrls.map(([provider, url]) => [`TOLLFREE_BASE_URL_${provider.toUpperCase()}`, url])),
      TOLLFREE_CONFIG: join(directory, 'tollfree.yaml'),
      TOLLFREE_PROVIDERS: shipped('config/providers.yaml'),
      TOLLFREE_RULES: shipped('routing-rules.yaml'),
      TOLLFREE_DATA_DIR: data,
      TOLLFREE_PASSPHRASE: passphrase,
      TOLLFREE_HOST: '127.0.0.1',
    });
    const [, port = ''] = await daemon.says(/http:\/\/127\.0\.0\.1:(\d+)/);
    done('the daemon, which speaks OpenAI', `http://127.0.0.1:${port}/v1`);
    return { environment: { TOLLFREE_HOST: '127.0.0.1', TOLLFREE_PORT: port, TOLLFREE_DATA_DIR: data }, daemon, strike };
  } catch (error) {
    await strike();
    throw error;
  }
}

/** The demo must not read, and never touch, what this person has set up for real. */
const withoutOurs = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('TOLLFREE_')));

interface Filling {
  readonly file: string;
  readonly passphrase: string;
  readonly baseUrls: readonly (readonly [string, string])[];
  readonly now: () => number;
}

async function fillVault({ file, passphrase, baseUrls, now }: Filling): Promise<number> {
  const vault = await openVault({ file, pid: process.pid, now });
  await vault.create([newPassphrase(passphrase)]);
  const added = await vault.addAll(baseUrls.flatMap(([provider, origin]) => (cast[provider] ?? []).map((label) => ({ provider, label, origin, key: `sim-${provider}-${label}` }))));
  vault.lock();
  return added.length;
}
