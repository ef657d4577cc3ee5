/**
 * libsodium in the five forms used here. Nothing else calls its cryptography.
 *
 * Keys are 32 bytes. Sealed things are text: base64url of a random 24-byte nonce followed by XChaCha20-Poly1305's
 * ciphertext and tag; with 192 bits, random nonces never meet.
 */
import sodium from 'sodium-native';
import { canonical } from './canonical.ts';
import { VaultError } from './errors.ts';

export const KEY_BYTES = 32;
const NONCE_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const TAG_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;
/** What sealing adds. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;
export const SALT_BYTES = sodium.crypto_pwhash_SALTBYTES;

export function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  fillRandom(bytes);
  return bytes;
}

export function fillRandom(buffer: Buffer): void {
  sodium.randombytes_buf(buffer);
}

/** 128 random bits as text: unique without asking anyone. */
export const randomId = (): string => randomBytes(16).toString('base64url');

export function seal(plain: Buffer, key: Buffer, associated: unknown, nonce: Buffer = randomBytes(NONCE_BYTES)): string {
  const sealed = Buffer.alloc(plain.length + SEAL_BYTES);
  nonce.copy(sealed);
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.subarray(NONCE_BYTES), plain, canonical(associated), null, nonce, key);
  return sealed.toString('base64url');
}

/** How many bytes a sealed text holds. Negative where it is no sealed text at all. */
export const sealedBytes = (sealed: string): number => Buffer.byteLength(sealed, 'base64url') - SEAL_BYTES;

/** False where key, text, associated data or length is another. */
export function open(sealed: string, key: Buffer, associated: unknown, into: Buffer): boolean {
  const bytes = Buffer.from(sealed, 'base64url');
  // Base64url has spare bits at its end: only one spelling is right.
  if (bytes.length !== into.length + SEAL_BYTES || bytes.toString('base64url') !== sealed) return false;
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(into, null, bytes.subarray(NONCE_BYTES), canonical(associated), bytes.subarray(0, NONCE_BYTES), key);
    return true;
  } catch {
    return false;
  }
}

/** BLAKE2b-256; with a key, a MAC. */
export function hash(value: unknown, key?: Buffer): Buffer {
  const output = Buffer.alloc(KEY_BYTES);
  if (key === undefined) sodium.crypto_generichash(output, canonical(value));
  else sodium.crypto_generichash(output, canonical(value), key);
  return output;
}

/** Equal hashes, in constant time. Hashes of text from a file may have any length. */
export const sameHash = (left: Buffer, right: Buffer): boolean => left.length === right.length && sodium.sodium_memcmp(left, right);

/** libsodium's key derivation: what one subkey shows says nothing of another. */
export function derive(key: Buffer, subkey: number, output: Buffer): void {
  sodium.crypto_kdf_derive_from_key(output, subkey, Buffer.from('tollfree'), key);
}

/** The price of one guess at a passphrase. */
export interface Cost {
  readonly ops: number;
  readonly memoryKiB: number;
}

/** Argon2id on the thread pool, into `output`. Throws `no-memory`: with arguments in bounds it has no other way to fail. */
export function stretch(output: Buffer, passphrase: Buffer, salt: Buffer, { ops, memoryKiB }: Cost): Promise<void> {
  return new Promise((resolve, reject) => {
    sodium.crypto_pwhash_async(output, passphrase, salt, ops, memoryKiB * 1024, sodium.crypto_pwhash_ALG_ARGON2ID13, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(new VaultError('no-memory', `not enough memory to check the passphrase: ${Math.ceil(memoryKiB / 1024)} MiB are needed`, { cause: error, hint: 'free some memory or raise the limit of this process or container; the vault itself is fine' }));
    });
  });
}
