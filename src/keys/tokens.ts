/** Signed tokens (JWT) in place of a virtual key's secret: whoever signs them says in a claim which key they stand for. */
import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import type { CryptoKey, JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { FailureError } from '../failure.ts';
import type { Keys } from './keys.ts';
import type { VirtualKey } from './virtual-key.ts';

export interface TokenTerms {
  readonly issuer: string;
  readonly audience: string;
  /** The claim that names a virtual key, by its id or its name. */
  readonly claim: string;
  /** Shared, or the public halves of the signer's keys. */
  readonly proof: { readonly secret: string } | { readonly keySet: () => KeySet };
}

export type KeySet = JWTVerifyGetKey;

export interface TokensOptions extends TokenTerms {
  readonly keys: Pick<Keys, 'get' | 'list'>;
  readonly now: () => number;
}

export interface Tokens {
  /** Whether a bearer is one, by its looks. */
  readonly recognise: (bearer: string) => boolean;
  /** The virtual key whose rights it has. Throws `unauthorized`. */
  readonly read: (token: string) => Promise<VirtualKey>;
}

/** Three parts with dots between; no virtual key's secret has a dot. */
export const looksLikeToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

/** Pinned by what proves them: a token cannot choose, so a public key is never taken for a secret, and `none` for nothing. */
const SHARED = ['HS256', 'HS384', 'HS512'];
const PUBLIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Clocks of well-kept machines differ by less. */
const TOLERANCE_SECONDS = 5;

export function createTokens({ issuer, audience, claim, proof, keys, now }: TokensOptions): Tokens {
  const algorithms = 'secret' in proof ? SHARED : PUBLIC;
  const secret = 'secret' in proof ? new TextEncoder().encode(proof.secret) : undefined;
  const key: JWTVerifyGetKey = async (header, token) => secret ?? ('keySet' in proof ? proof.keySet()(header, token) : Promise.reject(new Error('no key')));

  const claimed = async (token: string): Promise<unknown> => {
    const options = { issuer, audience, algorithms, requiredClaims: ['exp', claim], clockTolerance: TOLERANCE_SECONDS, currentDate: new Date(now()) };
    try {
      const { payload } = await jwtVerify(token, key, options).catch((error: unknown) => withEach(error, (one) => jwtVerify(token, one, options)));
      return payload[claim];
    } catch (error) {
      throw unauthorized(`this token is not accepted: ${whyNot(error)}`, error);
    }
  };
  return {
    recognise: looksLikeToken,
    async read(token) {
      const name = await claimed(token);
      const found = typeof name === 'string' ? (keys.get(name) ?? keys.list().find((one) => one.name === name && one.revokedAt === undefined)) : undefined;
      if (found === undefined) throw unauthorized(`this token's claim ${claim} names no virtual key of this server; \`tollfree keys list\` shows them`);
      return found;
    },
  };
}

/** While a signer changes its keys, two may fit a token that names none. */
async function withEach<T>(error: unknown, verify: (key: CryptoKey) => Promise<T>): Promise<T> {
  if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
  for await (const key of error) {
    try {
      return await verify(key);
    } catch (refusal) {
      if (!(refusal instanceof errors.JWSSignatureVerificationFailed)) throw refusal;
    }
  }
  throw error;
}

/** @throws Error where it is no set of keys */
export function readKeySet(text: string): KeySet {
  return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
}

/** In our own words: those of the library may quote the token. */
function whyNot(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired; ask its issuer for a new one';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'not what this server expects'}`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it is signed in a way this server does not take';
  return 'its signature does not hold here';
}

const unauthorized = (message: string, cause?: unknown): FailureError => new FailureError({ kind: 'unauthorized', message }, { cause });
