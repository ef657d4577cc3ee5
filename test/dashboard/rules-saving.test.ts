/** The rules file, saved by an operator: as it was written, whole, and never over somebody else's change. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from '../support/process.ts';
import { ADMIN_TOKEN, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const RULES = `# Mine, and why: zebras are fast.
routing_rules:
  - name: zebras   # stripes
    conditions: { content_keywords: [zebra] }
    provider_preferences: [groq]
    fallback_chain: [cerebras]
  - { name: rest, provider_preferences: [groq], fallback_chain: [cerebras] }
default_rule: rest
`;

const state = {} as { system: System; file: string };
beforeAll(async () => {
  const system = await startSystem({ rules: RULES });
  Object.assign(state, { system, file: join(system.directory, 'routing-rules.yaml') });
});
afterAll(() => state.system.close());
beforeEach(() => writeFile(state.file, RULES));

async function versionNow(): Promise<string> {
  return ((await (await state.system.admin('GET', '/rules/source')).json()) as { version: string }).version;
}

interface Saved {
  readonly status: number;
  readonly body: { readonly version?: string };
}

async function put(text: unknown, version?: string): Promise<Saved> {
  const answer = await state.system.admin('PUT', '/rules/source', { text, version });
  return { status: answer.status, body: (await answer.json()) as Saved['body'] };
}

const ruleOf = async (prompt: string): Promise<unknown> => ((await (await state.system.admin('POST', '/explain', { prompt })).json()) as { rule: unknown }).rule;

test('what is saved is in the file byte for byte, and in force; links and modes stay', async () => {
  const { file } = state;
  const real = `${file}.real`;
  await rename(file, real);
  await symlink(real, file);
  await chmod(real, 0o644);
  const text = RULES.replaceAll('zebra', 'okapi');
  const version = await versionNow();
  const answer = await put(text, version);
  expect(answer).toEqual({ status: 200, body: { rules: ['okapis', 'rest'], version: await versionNow() } });
  expect(answer.body.version).not.toBe(version);
  expect(await readFile(file, 'utf8')).toBe(text);
  expect((await lstat(file)).isSymbolicLink()).toBe(true);
  expect((await stat(real)).mode & 0o777).toBe(0o644);
  expect((await readdir(state.system.directory)).filter((name) => name.endsWith('.tmp') || name.endsWith('.bak'))).toEqual([]);
  expect(await ruleOf('an okapi')).toBe('okapis');
  const acts = async (): Promise<string[]> => ((await (await state.system.admin('GET', '/vault/audit')).json()) as { newest: { act: string }[] }).newest.map(({ act }) => act);
  while (!(await acts()).includes('PUT /admin/rules/source')) await new Promise((resolve) => setTimeout(resolve, 20));
});

test('of two who read the same, the second is told', async () => {
  const version = await versionNow();
  const both = await Promise.all([put(`${RULES}# one\n`, version), put(`${RULES}# two\n`, version)]);
  expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 409]));
  await writeFile(state.file, `${RULES}# by hand\n`);
  const late = await put(RULES, both.find(({ status }) => status === 200)?.body.version);
  expect(late).toMatchObject({ status: 409, body: { error: { code: 'changed_meanwhile', message: expect.stringContaining('was changed meanwhile') } } });
  expect(await readFile(state.file, 'utf8')).toBe(`${RULES}# by hand\n`);
});

test.each<[string, unknown, boolean, RegExp]>([
  ['without saying what was seen', RULES, false, /version: is required/],
  ['with mistakes, each at its place', RULES.replace('provider_preferences', 'preferences').replace('default_rule: rest', 'default_rule: none'), true, /5:5 .*preferences.*; 8:\d+ .*none/],
  ['that are no text', 7, true, /text: must be text/],
])('rules %s are refused, and the file stays', async (_, text, saysVersion, message) => {
  const answer = await put(text, saysVersion ? await versionNow() : undefined);
  expect(answer).toMatchObject({ status: 400, body: { error: { message: expect.stringMatching(message) } } });
  expect(await readFile(state.file, 'utf8')).toBe(RULES);
});

test('a file that is gone is told, and its rules stay in force', async () => {
  const version = await versionNow();
  await rm(state.file);
  expect(await put(RULES, version)).toMatchObject({ status: 500, body: { error: { message: expect.stringContaining('does not exist; the rules in force stay') } } });
  expect((await state.system.admin('GET', '/rules/source')).status).toBe(500);
  expect(await ruleOf('a zebra')).toBe('zebras');
});

const mounts = spawnSync('unshare', ['-rm', 'true']).status === 0;

(mounts ? test : test.skip)('a file that cannot be written is told so, and nothing is lost: neither the file nor what is in force', async () => {
  const { system } = state;
  const directory = join(system.directory, 'fixed');
  const file = join(directory, 'routing-rules.yaml');
  await mkdir(directory);
  await writeFile(file, RULES);
  const environment = { ...(await system.environmentFor('unwritable')), TOLLFREE_RULES: file };
  const daemon = await startProcess(environment, system.directory, { within: ['unshare', '-rm', 'bash', '-c', 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', directory] });
  try {
    const ask = (method: string, path: string, body?: object): Promise<Response> => fetch(`${daemon.url}/admin${path}`, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) });
    const { version } = (await (await ask('GET', '/rules/source')).json()) as { version: string };
    const answer = await ask('PUT', '/rules/source', { text: RULES.replaceAll('zebra', 'okapi'), version });
    expect([answer.status, await answer.json()]).toEqual([500, expect.objectContaining({ error: expect.objectContaining({ message: expect.stringMatching(/routing-rules\.yaml.*(?:EROFS|read-only)/) }) })]);
    expect(await (await ask('GET', '/rules/source')).json()).toMatchObject({ text: RULES, version });
    expect(((await (await ask('POST', '/explain', { prompt: 'a zebra' })).json()) as { rule: string }).rule).toBe('zebras');
    expect(await readdir(directory)).toEqual(['routing-rules.yaml']);
  } finally {
    daemon.signal('SIGKILL');
    await daemon.ended;
  }
});
