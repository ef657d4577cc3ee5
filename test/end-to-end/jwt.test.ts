/** Signed tokens at the door of the whole product. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

const signer = await generateKeyPair('ES256', { extractable: true });
const jwks = join(tmpdir(), `tollfree-jwks-${process.pid}.json`);
const token = (claims: Record<string, unknown>, { kid = 'k', privateKey = signer.privateKey } = {}): Promise<string> =>
  new SignJWT({ tollfree_key: 'ci', ...claims }).setProtectedHeader({ alg: 'ES256', kid }).setIssuer('https://issuer.test').setAudience('tollfree').setExpirationTime('5 min').sign(privateKey);
const writeSet = async (...keys: readonly (readonly [kid: string, key: typeof signer.publicKey])[]): Promise<void> =>
  writeFile(jwks, JSON.stringify({ keys: await Promise.all(keys.map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid, alg: 'ES256' }))) }));

const state: { system: System; id: string } = { system: undefined as never, id: '' };
beforeAll(async () => {
  await writeSet(['k', signer.publicKey]);
  state.system = await startSystem({ accounts: { groq: ['one'] }, settings: `jwt: { issuer: https://issuer.test, audience: tollfree, jwks_file: ${jwks} }\n` });
  state.id = ((await (await state.system.admin('POST', '/virtual-keys', { name: 'ci', project: 'web', models: ['auto'] })).json()) as { id: string }).id;
});
afterAll(async () => {
  await state.system.close();
  await rm(jwks);
});

const ask = async (bearer: string, model = 'auto'): Promise<number> => (await state.system.chat({ ...hello(), model }, { authorization: `Bearer ${bearer}` })).status;

const logged = async (words: string): Promise<boolean> => (await state.system.logLines()).some(({ message }) => String(message).includes(words));

describe('a signed token', () => {
  test('has the rights of the key it names, and its use is that key’s', async () => {
    const good = await token({});
    expect(await ask(good)).toBe(200);
    expect(await ask(good, 'groq/openai/gpt-oss-120b')).toBe(403);
    const models = await fetch(`${state.system.url}/v1/models`, { headers: { authorization: `Bearer ${good}` } });
    expect(((await models.json()) as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual(['auto']);
    const usage = await fetch(`${state.system.url}/v1/usage`, { headers: { authorization: `Bearer ${good}` } });
    expect(await usage.json()).toMatchObject({ key: 'ci', project: 'web', total: { requests: 1 } });
  });

  test('is refused where it does not hold', async () => {
    expect(await ask(await token({ tollfree_key: 'other' }))).toBe(401);
    expect(await ask(`${await token({})}x`)).toBe(401);
  });

  test('is held against the key set as it is now; a set that is none leaves the one before in force', async () => {
    const next = await generateKeyPair('ES256', { extractable: true });
    const [old, young] = await Promise.all([token({}), token({}, { kid: 'next', privateKey: next.privateKey })]);
    expect(await ask(young)).toBe(401);
    await writeSet(['k', signer.publicKey], ['next', next.publicKey]);
    while ((await ask(young)) !== 200) await sleep(50);
    expect(await ask(old)).toBe(200);

    await writeFile(jwks, '{ "keys": ');
    while (!(await logged('is no JSON Web Key Set'))) await sleep(50);
    expect([await ask(old), await ask(young)]).toEqual([200, 200]);

    await writeSet(['next', next.publicKey]);
    while ((await ask(old)) !== 401) await sleep(50);
    expect(await ask(young)).toBe(200);
    await writeSet(['k', signer.publicKey]);
    while ((await ask(old)) !== 200) await sleep(50);
  });

  test('stops working with its key', async () => {
    const good = await token({});
    await state.system.admin('DELETE', `/virtual-keys/${state.id}`);
    expect(await ask(good)).toBe(401);
  });
});
