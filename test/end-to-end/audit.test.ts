/** What was done is written down, whoever did it and by whichever door; and whoever edits that is found out. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tollfree } from '../cli/context.ts';
import { ADMIN_TOKEN, hello, startSystem, type System } from '../support/system.ts';

const state: { system: System; log: string } = { system: undefined as never, log: '' };
beforeAll(async () => {
  const system = await startSystem({ accounts: { groq: ['one', 'two'] } });
  state.system = system;
  const { accounts } = (await (await system.admin('GET', '/accounts')).json()) as { accounts: { id: string; label: string }[] };
  const two = accounts.find(({ label }) => label === 'two')?.id ?? '';
  for (let call = 0; call < 6; call += 1) expect((await system.chat({ ...hello('a prompt nobody else reads'), model: 'openai/gpt-oss-120b' })).status).toBe(200);
  await system.admin('PATCH', `/accounts/${two}`, { enabled: false });
  await system.admin('DELETE', '/accounts/nobody');
  await system.admin('POST', '/explain', { prompt: 'a prompt nobody else reads' });
  const key = (await (await system.admin('POST', '/virtual-keys', { name: 'somebody' })).json()) as { id: string; secret: string };
  await system.admin('DELETE', `/virtual-keys/${key.id}`);
  await system.admin('POST', '/vault/unlock', { passphrase: 'not the one' });
  await system.admin('POST', '/vault/rotate');
  await fetch(`${system.url}/admin/accounts/${two}`, { method: 'DELETE', headers: { authorization: 'Bearer wrong' } });
  expect(await tollfree(['accounts', 'remove', 'two'], { environment: { ...system.environment } })).toMatchObject({ status: 0 });
  await system.daemon.stop();
  state.log = await readFile(join(system.directory, 'data', 'audit.log'), 'utf8');
});
afterAll(() => state.system.close());

interface Entry {
  readonly by: string;
  readonly act: string;
  readonly on?: readonly string[];
  readonly result?: string;
  readonly uses?: Readonly<Record<string, number>>;
}
const entries = (): Entry[] => state.log.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Entry);
const status = (): ReturnType<typeof tollfree> => tollfree(['vault', 'status', '-o', 'json'], { environment: { ...state.system.environment } });

test('every act, by command or by route, with what came of it', () => {
  const told = entries().map(({ by, act, on = [], result = 'done' }) => `${by}: ${act.replaceAll(/[\w-]{16,}/g, '<id>')} ${on.join(' ')}: ${result}`);
  for (const line of [
    'daemon: vault unlocked : done', 'daemon: account disabled groq/two: done', 'admin: PATCH /admin/accounts/<id> : 200', 'admin: DELETE /admin/accounts/nobody : 404',
    'admin: POST /admin/virtual-keys : 201', 'admin: DELETE /admin/virtual-keys/<id> : 200', 'daemon: vault unlocked : wrong-secret', 'admin: POST /admin/vault/unlock : 403',
    'daemon: data key rotated : done', 'admin: POST /admin/vault/rotate : 200', 'cli: vault unlocked : done', 'cli: account removed groq/two: done',
  ]) expect(told).toContain(line);
  expect(told.filter((line) => line.includes('explain'))).toEqual([]);
});

test('every credential use is counted, and a request is no line', () => {
  const uses = entries().flatMap(({ uses: counted }) => (counted === undefined ? [] : [counted]));
  expect(uses).toHaveLength(1);
  // Six answers, and the model list that is read at the start.
  expect((uses[0]?.['groq/one'] ?? 0) + (uses[0]?.['groq/two'] ?? 0)).toBe(7);
});

test('nobody without the token has a line, and no line has a body or a secret', () => {
  expect(state.log).not.toContain('"result":"401"');
  for (const secret of ['a prompt nobody else reads', ADMIN_TOKEN, 'sim-groq', 'not the one', 'tf-']) expect(state.log).not.toContain(secret);
});

test('vault status says that it is whole, and that it is not', async () => {
  const whole = await status();
  expect(whole.status).toBe(0);
  expect(JSON.parse(whole.out)).toMatchObject({ audit: { vouched: true } });
  const path = join(state.system.directory, 'data', 'audit.log');
  await writeFile(path, state.log.replace('account removed', 'account renamed'));
  const edited = await status();
  expect(edited).toMatchObject({ status: 1, words: expect.stringMatching(/the audit log is not whole: line \d+ /) as unknown });
  await writeFile(path, state.log.split('\n').slice(0, -2).join('\n').concat('\n'));
  expect((await status()).words).toMatch(/cut off or made anew/);
});
