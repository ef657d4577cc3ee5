/** A real daemon on a directory of its own, with everything on and limits too high to reach. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyFile } from '../../dist/vault/find-unlock.js';
import { openVault } from '../../dist/vault/vault.js';
import { start } from './processes.js';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'index.js');
const RULES = join(import.meta.dirname, '..', '..', 'routing-rules.yaml');

export async function startDaemon(upstream, { accounts = 10, rules = RULES } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-bench-'));
  const at = (name) => join(directory, name);
  writeFileSync(
    at('providers.yaml'),
    `providers:
  groq: &bench
    base_url: ${upstream}/v1
    rate_limit: { requests_per_minute: 100000000, requests_per_day: 1000000000, tokens_per_minute: 1000000000000, tokens_per_day: 1000000000000 }
    models: [{ name: bench-model, context: 131072, capabilities: [text_generation, code_generation, reasoning, tools, json, json_schema, vision], price: { input: 0, output: 0, list_input: 0.15, list_output: 0.6 } }]
  cerebras: *bench
  openrouter: *bench
  gemini: *bench
  mistral: *bench
`,
  );
  mkdirSync(at('data'), { mode: 0o700 });
  const vault = await openVault({ file: at('data/vault.json'), pid: process.pid, now: Date.now });
  await vault.create([await makeKeyFile(at('vault.key'))]);
  await vault.addAll(Array.from({ length: accounts }, (_, index) => ({ provider: 'groq', label: `bench-${index}`, origin: upstream, key: `bench-key-${index}` })));
  vault.lock();
  writeFileSync(at('tollfree.yaml'), 'log: { format: json }\n');
  const environment = {
    ...process.env,
    TOLLFREE_CONFIG: at('tollfree.yaml'),
    TOLLFREE_PROVIDERS: at('providers.yaml'),
    TOLLFREE_RULES: rules,
    TOLLFREE_DATA_DIR: at('data'),
    TOLLFREE_KEY_FILE: at('vault.key'),
    TOLLFREE_PORT: '0',
    TOLLFREE_HOST: '127.0.0.1',
  };
  // Its log goes to the file, as behind a service manager; where it listens is said on standard error.
  const daemon = await start([cli, 'serve'], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  return {
    ...daemon,
    origin: new URL(/http:\/\/\S+/.exec(daemon.line)[0]).origin,
    stop() {
      daemon.stop();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
