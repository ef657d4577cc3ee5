import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { failureOf } from '../../src/failure.ts';
import type { Keys } from '../../src/keys/keys.ts';
import { createTokens, looksLikeToken, readKeySet } from '../../src/keys/tokens.ts';
import type { Tokens } from '../../src/keys/tokens.ts';
import { createWorld, NOON, type World } from './support.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const terms = { issuer: 'https://issuer.test', audience: 'tollfree', claim: 'tollfree_key' };
const secret = new TextEncoder().encode(SECRET);
const signer = await generateKeyPair('RS256', { extractable: true });
const stranger = await generateKeyPair('RS256');
const jwk = { ...(await exportJWK(signer.publicKey)), kid: 'one', alg: 'RS256' };
const keySet = readKeySet(JSON.stringify({ keys: [jwk] }));

let world: World;
let keys: Keys;
beforeEach(async () => {
  world = createWorld();
  keys = await world.openKeys();
  await keys.create({ name: 'ci', project: 'web' });
});
afterEach(() => world.remove());

const seconds = (at: number): number => Math.floor(at / 1000);
const claims = (more: object = {}): Record<string, unknown> => ({ iss: terms.issuer, aud: terms.audience, exp: seconds(NOON) + 60, tollfree_key: 'ci', ...more });
const shared = (more: object = {}): Promise<string> => new SignJWT(claims(more)).setProtectedHeader({ alg: 'HS256' }).sign(secret);
const signed = (key = signer.privateKey): Promise<string> => new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);

const bySecret = (): Tokens => createTokens({ ...terms, proof: { secret: SECRET }, keys, now: () => world.clock.now });
const bySet = (): Tokens => createTokens({ ...terms, proof: { keySet: () => keySet }, keys, now: () => world.clock.now });

/** Why it was refused; the name of the key where it was not. */
const verdict = (tokens: Tokens, token: string): Promise<string> => tokens.read(token).then(({ name }) => name, (error: unknown) => {
  const { kind, message } = failureOf(error);
  expect(kind).toBe('unauthorized');
  expect(message).not.toContain(token);
  return message;
});

describe('a signed token', () => {
  test('stands for the virtual key its claim names, by name or id', async () => {
    const [key] = keys.list();
    expect(await verdict(bySecret(), await shared())).toBe('ci');
    expect(await verdict(bySecret(), await shared({ tollfree_key: key?.id }))).toBe('ci');
    expect(await verdict(bySet(), await signed())).toBe('ci');
  });

  test.each<[string, object, RegExp]>([
    ['of another issuer', { iss: 'https://evil.test' }, /its claim iss is not what/],
    ['for another audience', { aud: 'other' }, /its claim aud is not what/],
    ['that has expired', { exp: seconds(NOON) - 6 }, /it has expired/],
    ['that never expires', { exp: undefined }, /its claim exp is missing/],
    ['that is not valid yet', { nbf: seconds(NOON) + 60 }, /its claim nbf is not what/],
    ['that names no key', { tollfree_key: undefined }, /its claim tollfree_key is missing/],
    ['that names a key nobody made', { tollfree_key: 'admin' }, /names no virtual key/],
    ['that names what is no name', { tollfree_key: { $ne: '' } }, /names no virtual key/],
  ])('%s is refused', async (_, more, why) => {
    expect(await verdict(bySecret(), await shared(more))).toMatch(why);
  });

  test('holds for five seconds beside its time: clocks differ', async () => {
    for (const more of [{ exp: seconds(NOON) - 4 }, { nbf: seconds(NOON) + 5 }]) expect(await verdict(bySecret(), await shared(more))).toBe('ci');
    expect(await verdict(bySecret(), await shared({ nbf: seconds(NOON) + 6 }))).toMatch(/its claim nbf is not what/);
    expect(await verdict(bySecret(), await shared({ exp: seconds(NOON) - 5 }))).toMatch(/it has expired/);
  });

  test('that names no key of the set holds by any of them, while its signer changes keys', async () => {
    const next = await generateKeyPair('RS256', { extractable: true });
    const both = readKeySet(JSON.stringify({ keys: [jwk, { ...(await exportJWK(next.publicKey)), kid: 'two', alg: 'RS256' }] }));
    const tokens = createTokens({ ...terms, proof: { keySet: () => both }, keys, now: () => world.clock.now });
    const nameless = (key = signer.privateKey): Promise<string> => new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(key);
    expect([await verdict(tokens, await nameless()), await verdict(tokens, await nameless(next.privateKey))]).toEqual(['ci', 'ci']);
    expect(await verdict(tokens, await nameless(stranger.privateKey))).toMatch(/signature does not hold/);
    const expired = await new SignJWT(claims({ exp: seconds(NOON) - 60 })).setProtectedHeader({ alg: 'RS256' }).sign(next.privateKey);
    expect(await verdict(tokens, expired)).toMatch(/it has expired/);
  });

  test('of a stranger, of nobody, and of who takes a public key for a secret is refused', async () => {
    const confused = new TextEncoder().encode(JSON.stringify(jwk));
    const [head, , signature] = (await shared()).split('.');
    const changed = [head, Buffer.from(JSON.stringify(claims({ tollfree_key: 'root' }))).toString('base64url'), signature].join('.');
    expect(await verdict(bySet(), await signed(stranger.privateKey))).toMatch(/signature does not hold/);
    expect(await verdict(bySet(), await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(confused))).toMatch(/signed in a way/);
    expect(await verdict(bySecret(), await signed())).toMatch(/signed in a way/);
    expect(await verdict(bySecret(), new UnsecuredJWT(claims()).encode())).toMatch(/not accepted/);
    expect(await verdict(bySecret(), changed)).toMatch(/signature does not hold/);
  });

  test('looks like no virtual key', async () => {
    const { secret: own } = await keys.create({ name: 'other' });
    expect([looksLikeToken(await shared()), looksLikeToken(own)]).toEqual([true, false]);
  });
});
