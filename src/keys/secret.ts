/** The secret of a virtual key. */
import { hash } from 'node:crypto';

export const PREFIX = 'tf-';
/** 256 bits in base64url. */
const BYTES = 32;
const SHAPE = /^tf-[\w-]{43}$/;
/** 24 bits of 256: enough to recognise, nothing to guess by. */
const HINT_LENGTH = 4;

/** Random bytes of a cryptographic source. */
export type Randomness = (bytes: number) => Buffer;

export const createSecret = (random: Randomness): string => `${PREFIX}${random(BYTES).toString('base64url')}`;
export const looksLikeSecret = (text: string): boolean => SHAPE.test(text);
export const hintOf = (secret: string): string => secret.slice(-HINT_LENGTH);

/**
 * What is stored, and looked up by. A slow hash protects what people choose, because that can be guessed; 256 random
 * bits cannot, however fast the hash, and every request pays for it. A lookup by digest takes as long for a wrong key
 * as for a right one; what its time could tell is about digests, which nobody can steer without inverting SHA-256.
 */
export const digestOf = (secret: string): string => hash('sha256', secret, 'base64url');
