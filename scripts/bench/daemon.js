/** A real daemon on a directory of its own, with everything on and limits too high to reach. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { makeKeyFile } from '../../dist/vault/find-unlock.js';
import { passphrase } from '../../dist/vault/secret.js';
import { openVault } from '../../dist/vault/vault.js';
import { fillRecord } from './fill-record.js';
import { start } from './processes.js';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'index.js');
const shipped = (name) => join(import.meta.dirname, '..', '..', name);

/** A provider with every window there is, none of which is ever reached. */
const endless = (upstream) => ({
  base_url: `${upstream}/v1`,
  rate_limit: { requests_per_minute: 1e8, requests_per_day: 1e9, tokens_per_minute: 1e12, tokens_per_day: 1e12 },
  models: [{ name: 'bench-model', context: 131_072, capabilities: ['text_generation', 'code_generation', 'reasoning', 'tools', 'json', 'json_schema'], price: { input: 0, output: 0, list_input: 0.15, list_output: 0.6 } }],
});

/** `rules`: their text; `rows`: how many requests its record holds; `words`: a passphrase that opens its vault, in place of a key file; `again`: not the first start in its directory; `workers`: `server.workers`. */
export async function startDaemon(upstream, { accounts = 10, rules, rows = 0, flags = [], words, again = false, workers = 1 } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'tollfree-bench-'));
  const at = (name) => join(directory, name);
  const catalogue = parse(readFileSync(shipped('config/providers.yaml'), 'utf8'));
  catalogue.providers.groq = endless(upstream);
  writeFileSync(at('providers.yaml'), JSON.stringify(catalogue));
  mkdirSync(at('data'), { mode: 0o700 });
  const vault = await openVault({ file: at('data/vault.json'), pid: process.pid, now: Date.now });
  await vault.create([words === undefined ? await makeKeyFile(at('vault.key')) : passphrase(words)]);
  await vault.addAll(Array.from({ length: accounts }, (_, index) => ({ provider: 'groq', label: `bench-${index}`, origin: upstream, key: `bench-key-${index}` })));
  vault.lock();
  writeFileSync(at('tollfree.yaml'), `server: { workers: ${workers} }\nlog: { format: json }\nrecord: { keep_requests: 90d, most_requests: 100000000 }\n`);
  if (rules !== undefined) writeFileSync(at('rules.yaml'), rules);
  if (rows > 0) fillRecord(at('data'), rows);
  const environment = {
    ...process.env,
    TOLLFREE_CONFIG: at('tollfree.yaml'),
    TOLLFREE_PROVIDERS: at('providers.yaml'),
    TOLLFREE_RULES: rules === undefined ? shipped('routing-rules.yaml') : at('rules.yaml'),
    TOLLFREE_DATA_DIR: at('data'),
    ...(words === undefined ? { TOLLFREE_KEY_FILE: at('vault.key') } : { TOLLFREE_PASSPHRASE: words }),
    TOLLFREE_PORT: '0',
    TOLLFREE_HOST: '127.0.0.1',
  };
  // Its log goes to the file, as behind a service manager; where it listens is said on standard error.
  const serve = () => start([...flags, cli, 'serve'], { env: environment, stdio: ['ignore', 'ignore', 'pipe'], ready: /listening on (http:\/\/[^/]+)/ });
  if (again) await (await serve()).stop();
  const daemon = await serve();
  return {
    ...daemon,
    origin: daemon.word,
    async stop() {
      await daemon.stop();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
