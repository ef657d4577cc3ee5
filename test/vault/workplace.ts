/** A private directory with a vault in it, and hands to open it. Cheap to unlock: a key, or Argon2 at its floor. */
import { afterAll } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIN_COST, type VaultContent } from '../../src/vault/format.ts';
import { encodeEnvelope } from '../../src/vault/private-file.ts';
import type { Cost } from '../../src/vault/primitives.ts';
import { keyOf, newKeyLine, type Secret } from '../../src/vault/secret.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';

export const NOW = Date.UTC(2026, 10, 20, 12);

/** The three providers' accounts most tests add. */
export const groq = { provider: 'groq', origin: 'https://api.groq.com', key: 'gsk_canary_0123456789' };
export const cerebras = { provider: 'cerebras', origin: 'https://api.cerebras.ai', key: 'csk-canary-0123456789', organization: 'acme' };
export const openrouter = { provider: 'openrouter', origin: 'https://openrouter.ai', key: 'sk-or-v1-canary-0123456789', limits: { windows: [{ unit: 'requests', limit: 20, seconds: 60, kind: 'rolling' }] } } as const;

export function newKey(): Secret {
  const secret = keyOf(newKeyLine());
  if (secret === undefined) throw new Error('a new key line is no key line');
  return secret;
}

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

export interface Workplace {
  readonly directory: string;
  readonly file: string;
  readonly notices: string[];
  readonly open: (cost?: Cost) => Promise<Vault>;
  readonly text: () => Promise<string>;
  readonly put: (text: string) => Promise<void>;
  readonly content: () => Promise<VaultContent>;
  /** As somebody without the key would edit it who knows the format: the digest fits again. */
  readonly edit: (change: (content: VaultContent) => unknown) => Promise<void>;
}

export async function createWorkplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'tollfree-vault-'));
  directories.push(directory);
  const file = join(directory, 'vault.json');
  const notices: string[] = [];
  const text = (): Promise<string> => readFile(file, 'utf8');
  const put = (words: string): Promise<void> => writeFile(file, words);
  const content = async (): Promise<VaultContent> => (JSON.parse(await text()) as { readonly content: VaultContent }).content;
  return {
    directory,
    file,
    notices,
    text,
    put,
    content,
    open: (cost = MIN_COST) => openVault({ file, pid: process.pid, now: () => NOW + 0.25, notice: (message) => notices.push(message), cost }),
    edit: async (change) => put(encodeEnvelope(change(await content()), { format: 'tollfree-vault', version: 1 })),
  };
}

/** A new vault with these accounts, and the key that opens it. */
export async function furnish(workplace: Workplace, accounts: Parameters<Vault['addAll']>[0] = [groq, cerebras, openrouter]): Promise<{ readonly vault: Vault; readonly key: Secret }> {
  const vault = await workplace.open();
  const key = newKey();
  await vault.create([key]);
  await vault.addAll(accounts);
  return { vault, key };
}
