/** `npm run setup` as a person meets it, against a provider that knows good keys from bad ones. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tollfree } from './context.ts';
import { atTerminal, ENTER, hasTerminals, type Step } from './pty.ts';

const script = new URL('../../scripts/setup.js', import.meta.url).pathname;
const GOOD = 'gsk_canary_good_key';
const PASSPHRASE = 'correct horse battery';

/** Knows one key, and greets whoever has it. */
function createProvider(): Server {
  return createServer((request, response) => {
    const known = request.headers.authorization === `Bearer ${GOOD}`;
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    if (!known) response.end('{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}');
    else if (request.url === '/v1/models') response.end('{"object":"list","data":[]}');
    else response.end('{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Welcome aboard!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}');
  });
}

const provider = createProvider();
let home = '';
let environment: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tollfree-setup-'));
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  environment = { TOLLFREE_DATA_DIR: join(home, 'data'), XDG_CONFIG_HOME: join(home, 'config'), TOLLFREE_BASE_URL_GROQ: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1` };
});
afterAll(async () => {
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
  await rm(home, { recursive: true });
});

const at = (sees: string, types: string): Step => ({ sees, types });

describe('npm run setup', () => {
  (hasTerminals ? test : test.skip)('takes a newcomer from nothing to an answer', async () => {
    const { screen, status } = await atTerminal([process.execPath, script], environment, [
      at('opens with', ENTER),
      at('new passphrase', `${PASSPHRASE}${ENTER}`),
      at('once more', `${PASSPHRASE}x${ENTER}`),
      at('not the same', `\u007f${ENTER}`),
      at('which provider', 'groqcloud'),
      at('groqcloud', ENTER),
      at('key of GroqCloud', `gsk_wrong_key${ENTER}`),
      at('add another', ENTER),
      at('which provider', 'groqcloud'),
      at('groqcloud', ENTER),
      at('key of GroqCloud', `Bearer ${GOOD} ${ENTER}`),
      at('which organization', ENTER),
      at('a label', ENTER),
      at('add another', `n`),
      at('prove it', 'y'),
    ]);
    expect(screen).toContain('https://console.groq.com/keys');
    expect(screen).toContain('counts by organization');
    expect(screen).toMatch(/GroqCloud refuses the key/);
    expect(screen).toMatch(/sealed as groq\/groq-1, for http:\/\/127\.0\.0\.1:\d+ only: up to [\d,]+ requests a day more/);
    expect(screen).toContain('Welcome aboard!');
    expect(screen).toContain('npm start');
    for (const secret of [GOOD, PASSPHRASE, 'gsk_wrong']) expect(screen).not.toContain(secret);
    expect(status).toBe(0);
    const text = await readFile(join(home, 'data', 'vault.json'), 'utf8');
    expect(text).not.toContain('canary');
    expect((await stat(join(home, 'data'))).mode & 0o777).toBe(0o700);
  });

  (hasTerminals ? test : test.skip)('asks for the passphrase again, recognises keys, and refuses a key twice', async () => {
    const { screen, status } = await atTerminal([process.execPath, script, '--no-check'], environment, [
      at('passphrase of the vault', `wrong${ENTER}`),
      at('wrong passphrase', `${PASSPHRASE}${ENTER}`),
      at('which provider', 'groqcloud'),
      at('groqcloud', ENTER),
      at('key of GroqCloud', `csk-canary-key-of-cerebras${ENTER}`),
      at('add it to Cerebras Inference instead', 'y'),
      at('which organization', ENTER),
      at('a label', ENTER),
      at('add another', 'y'),
      at('which provider', 'groqcloud'),
      at('groqcloud', ENTER),
      at('key of GroqCloud', `${GOOD}${ENTER}`),
      at('add another', '\u0003'),
    ]);
    expect(screen).toContain('here already: groq/groq-1');
    expect(screen).toContain('sealed as cerebras/cerebras-1, for https://api.cerebras.ai only');
    expect(screen).toContain('this key is in the vault already, as groq/groq-1');
    expect(screen).toContain('stopped');
    expect(screen).not.toContain('canary');
    expect(status).toBe(1);
    const { out } = await tollfree(['accounts', 'list', '-o', 'json'], { environment });
    expect((JSON.parse(out) as { label: string }[]).map(({ label }) => label)).toEqual(['groq-1', 'cerebras-1']);
  });

  test('without a terminal takes a list from standard input', async () => {
    await tollfree(['vault', 'key-file', join(home, 'key')]);
    const elsewhere = { ...environment, TOLLFREE_DATA_DIR: join(home, 'piped'), TOLLFREE_KEY_FILE: join(home, 'key') };
    const { status, out, words } = await tollfree(['setup'], { environment: elsewhere, stdin: `- { provider: groq, key: ${GOOD} }\n` });
    expect({ status, out }).toEqual({ status: 0, out: 'added groq/groq-1\n' });
    expect(words).toContain('GroqCloud accepts the key');
    expect(words + out).not.toContain('canary');
  });
});
