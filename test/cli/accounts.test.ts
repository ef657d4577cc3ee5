/** `tollfree accounts` and `tollfree vault` without a terminal: what scripts rely on. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tollfree, type Heard } from './context.ts';

const GROQ = 'gsk_canary_of_groq';
const CEREBRAS = 'csk-canary-of-cerebras';

/** A provider that echoes refused keys, as some do, and one that sends visitors elsewhere. */
const provider = createServer(({ headers, url }, response) => {
  if (url?.startsWith('/moved') === true) return response.writeHead(307, { location: 'https://evil.example/models' }).end();
  const good = [GROQ, CEREBRAS].some((key) => headers.authorization === `Bearer ${key}`);
  response.writeHead(good ? 200 : 401, { 'content-type': 'application/json' });
  return response.end(JSON.stringify(good ? { data: { is_free_tier: true, free_model_daily_requests: { limit: 50, remaining: 38 } } } : { error: { message: `Invalid API Key: ${headers.authorization}` } }));
});

let home = '';
let environment: NodeJS.ProcessEnv = {};
const run = (line: string, stdin = '', more: NodeJS.ProcessEnv = {}): Promise<Heard> => tollfree(line.split(' '), { environment: { ...environment, ...more }, stdin });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tollfree-accounts-'));
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const { port } = provider.address() as AddressInfo;
  environment = { TOLLFREE_DATA_DIR: join(home, 'data'), XDG_CONFIG_HOME: home, TOLLFREE_BASE_URL_GROQ: `http://127.0.0.1:${port}/v1`, TOLLFREE_BASE_URL_CEREBRAS: `http://127.0.0.1:${port}/v1` };
  await run(`vault key-file ${join(home, 'tollfree', 'vault.key')}`);
});
afterAll(async () => {
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
  await rm(home, { recursive: true });
});

describe('a new vault', () => {
  test('is not made without something to open it, and nothing is left lying about', async () => {
    const { status, words } = await run('accounts add groq --key-stdin', GROQ);
    expect({ status, words }).toEqual({ status: 1, words: expect.stringMatching(/error: a new vault needs something to open it with\n {2}hint: .*TOLLFREE_KEY_FILE/) as unknown });
    expect(await readdir(home)).not.toContain('data');
  });

  test('is made with what the environment names', async () => {
    const { status, out, words } = await run('accounts add groq --key-stdin --label work --organization acme --limit rpm=10 --limit concurrent=2', `"${GROQ}"\n`, { TOLLFREE_KEY_FILE: join(home, 'tollfree', 'vault.key') });
    expect({ status, out }).toEqual({ status: 0, out: 'added groq/work\n' });
    expect(words).toContain('made a new vault');
    expect(words).toContain('GroqCloud accepts the key: 50 free requests a day, 38 left (free tier)');
  });

  test('opens by the key file in its usual place from then on', async () => {
    const { status, out } = await run('accounts add cerebras --key-stdin --output json', CEREBRAS);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ provider: 'cerebras', label: 'cerebras-1', enabled: true, origin: environment['TOLLFREE_BASE_URL_CEREBRAS']?.replace('/v1', '') });
  });
});

describe('accounts', () => {
  test('are listed without unlocking anything', async () => {
    const { out } = await run('accounts list -o json', '', { XDG_CONFIG_HOME: '/nowhere' });
    expect(JSON.parse(out)).toMatchObject([{ provider: 'groq', label: 'work', organization: 'acme', limits: { windows: [{ unit: 'requests', limit: 10, seconds: 60 }], concurrent: 2 } }, { label: 'cerebras-1' }]);
    const { out: table } = await run('accounts list');
    expect(table).toMatch(/groq +work +acme +enabled +10 requests\/min/);
  });

  test.each([
    ['accounts add grok --key-stdin', 'x', 2, /no provider is called "grok" \(did you mean groq\?\)/],
    ['accounts add groq', '', 2, /no terminal to ask for the key\n.*--key-stdin/],
    ['accounts add groq --key-stdin --limit rpm=lots', GROQ, 2, /rpm=30/],
    ['accounts add groq --key-stdin', 'gsk_wrong_key_wrong', 1, /GroqCloud refuses the key/],
    ['accounts add groq --key-stdin', GROQ, 1, /in the vault already, as groq\/work/],
    ['accounts add groq --key-stdin --no-check --label work', 'gsk_another_one', 1, /already an account groq\/work/],
    ['accounts add groq --key-stdin --no-check --label <b>', 'gsk_another_one', 1, /no good label\n {2}hint: up to 64 letters, digits/],
    ['accounts add groq --key-stdin --no-check', '', 1, /8 to 4096 visible characters/],
    ['accounts add groq --key-stdin --base-url http://10.0.0.1/v1', GROQ, 1, /not https/],
    ['accounts disable nobody', '', 1, /no account is called "nobody"/],
    ['accounts', '', 2, /Usage/],
  ])('%s: told what is wrong', async (line, stdin, status, message) => {
    const heard = await run(line, stdin);
    expect(heard).toMatchObject({ status, out: '', words: expect.stringMatching(message) as unknown });
    if (stdin !== '') expect(heard.words).not.toContain('canary');
    expect(heard.words).not.toContain('gsk_wrong');
  });

  test('a key follows no redirect', async () => {
    const base = `${environment['TOLLFREE_BASE_URL_GROQ']?.replace('/v1', '')}/moved`;
    const { status, words } = await run(`accounts add groq --key-stdin --base-url ${base}`, 'gsk_canary_that_stays');
    expect(status).toBe(1);
    expect(words).toMatch(/could not be asked/);
    expect(words).not.toContain('canary');
  });

  test('are tested, and a bad one fails the command', async () => {
    expect(await run('accounts test')).toMatchObject({ status: 0, out: expect.stringMatching(/work +good.*\n.*cerebras-1 +good/) as unknown });
    await run('accounts add groq --key-stdin --no-check --label bad', 'gsk_wrong_key_wrong');
    const { status, out, words } = await run('accounts test -o json');
    expect(status).toBe(1);
    expect((JSON.parse(out) as { result: string }[]).map(({ result }) => result)).toEqual(['good', 'good', 'refused']);
    expect(out + words).not.toContain('gsk_wrong');
    expect(words).toContain('1 key could not be confirmed');
    const moved = await run('accounts test bad -o json', '', { TOLLFREE_BASE_URL_GROQ: 'https://elsewhere.example/v1' });
    expect(JSON.parse(moved.out)).toMatchObject([{ result: 'refused', detail: expect.stringContaining('sealed for http://127.0.0.1') as unknown }]);
  });

  test('are disabled, enabled and removed by label', async () => {
    expect((await run('accounts disable groq/work')).words).toBe('disabled groq/work\n');
    expect((await run('accounts list')).out).toMatch(/work .*disabled/);
    expect((await run('accounts enable work')).status).toBe(0);
    expect((await run('accounts remove bad')).status).toBe(0);
    expect(JSON.parse((await run('accounts list -o json')).out)).toHaveLength(2);
  });

  test('are imported all or none, every mistake at its place', async () => {
    const wrong = ['- provider: groq', '  key: 12345678', '- provider: openruter', '  key: sk-or-v1-canary', '  lable: x'].join('\n');
    expect(await run('accounts import -', wrong)).toMatchObject({
      status: 1,
      words: expect.stringMatching(/standard input:2:8 .*key: must be the key[^]*:3:13 .*did you mean openrouter\?[^]*:5:3 .*did you mean label/) as unknown,
    });
    const file = join(home, 'accounts.yaml');
    await writeFile(file, [`- { provider: groq, label: a, key: gsk_canary_a1, limits: { requests_per_minute: 3 } }`, '- { provider: openrouter, key: sk-or-v1-canary }'].join('\n'));
    const { status, out, words } = await run(`accounts import ${file} --no-check`);
    expect({ status, out }).toEqual({ status: 0, out: 'added groq/a\nadded openrouter/openrouter-1\n' });
    expect(words).toContain('still holds the keys in plain text');
    await writeFile(file, '- { provider: groq, key: gsk_canary_b1 }\n- { provider: groq, key: gsk_canary_a1 }');
    expect((await run(`accounts import ${file} --no-check`)).status).toBe(1);
    await writeFile(file, '- { provider: groq, key: gsk_canary_b1 }\n- { provider: groq, key: gsk_canary_b1 }');
    expect((await run(`accounts import ${file} --no-check`)).words).toContain('account 2 is in the list twice');
    expect(JSON.parse((await run('accounts list -o json')).out)).toHaveLength(4);
  });
});

test('an import that is put together wrongly quotes no key', async () => {
  const wrong = ['- provider: gsk_canary_in_the_wrong_place', '- provider: groq\n  gsk_canary_in_the_wrong_place: key', '- provider: groq\n  key: &a x\n  label: *gsk_canary_in_the_wrong_place', '- provider: groq\n  key: gsk_canary: "x', '- gsk_canary_bare_as_it_is', 'gsk_canary_bare_as_it_is'];
  for (const text of wrong) {
    const { status, out, words } = await run('accounts import -', text);
    expect(status).toBe(1);
    expect(words).toMatch(/standard input:\d+:\d+/);
    expect(out + words).not.toContain('canary');
  }
});

describe('the vault', () => {
  test('tells what it is, locked or not', async () => {
    expect(JSON.parse((await run('vault status -o json')).out)).toMatchObject({ state: 'locked', accounts: 4, unlocks: ['key'], verified: true });
    expect((await run('vault status', '', { XDG_CONFIG_HOME: '/nowhere' })).out).toContain('not checked against tampering');
    expect(await run('vault status', '', { TOLLFREE_DATA_DIR: join(home, 'none') })).toMatchObject({ status: 1, out: '', words: expect.stringContaining('npm run setup') as unknown });
  });

  test('is rotated and rekeyed, and opens as before', async () => {
    for (const verb of ['rotate', 'rekey']) expect((await run(`vault ${verb}`)).status).toBe(0);
    expect(JSON.parse((await run('vault status -o json')).out)).toMatchObject({ accounts: 4, verified: true });
  });

  test('travels', async () => {
    const words = join(home, 'words');
    await writeFile(words, 'for the journey\n', { mode: 0o600 });
    expect((await run(`vault export ${join(home, 'export.json')} --passphrase-file ${words}`)).status).toBe(0);
    expect((await run(`vault export ${join(home, 'export.json')} --passphrase-file ${words}`)).words).toContain('exists already');
    await run('accounts remove a');
    expect(await run(`vault import ${join(home, 'export.json')} --passphrase-file ${words}`)).toMatchObject({ status: 0, out: 'added groq/a\n', words: '3 keys were here already\n' });
    expect((await run(`vault export ${join(home, 'another.json')}`)).status).toBe(2);
  });

  test('takes a new passphrase from standard input; a wrong one is named by its source', async () => {
    expect((await run('vault passphrase --stdin --only', 'short\n')).words).toContain('fewer than 8');
    expect((await run('vault passphrase --stdin --only', 'correct horse battery\n')).status).toBe(0);
    expect(await run('vault rotate')).toMatchObject({ status: 1, words: expect.stringMatching(/nothing here opens it\n.*TOLLFREE_PASSPHRASE_FILE/) as unknown });
    expect(await run('vault rotate', '', { TOLLFREE_PASSPHRASE: 'wrong' })).toMatchObject({ status: 1, words: expect.stringContaining('wrong passphrase (from TOLLFREE_PASSPHRASE)') as unknown });
    expect((await run('vault rotate', '', { TOLLFREE_PASSPHRASE: 'correct horse battery' })).status).toBe(0);
  });

  test('that is damaged is taken from its backup, and that is said', async () => {
    await truncate(join(home, 'data', 'vault.json'), 300);
    const { status, out, words } = await run('accounts list -o json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toHaveLength(4);
    expect(words).toMatch(/note: .*took its backup.*vault\.json\.bad-/);
  });

  test('holds no key in any of its files', async () => {
    for (const name of await readdir(join(home, 'data'))) expect(await readFile(join(home, 'data', name), 'utf8')).not.toContain('canary');
  });
});
