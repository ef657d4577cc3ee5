/**
 * What opens a vault: a passphrase, which is stretched, or a key, which is random already.
 *
 * A key is a line of text, `tollfree-key-1:` and 32 random bytes in base64url, whether it comes from a file or as a
 * credential of systemd: the form tells it from a passphrase, which may come by the same ways.
 */
import { VaultError } from './errors.ts';
import { KEY_BYTES, randomBytes } from './primitives.ts';

export type Secret =
  | { readonly kind: 'passphrase'; readonly bytes: Buffer }
  | { readonly kind: 'key'; readonly bytes: Buffer };

const KEY_LINE = /^tollfree-key-1:([\w-]{43})$/;

/** Eight characters are no good passphrase, but fewer are none. */
const MIN_PASSPHRASE = 8;

/** The same words typed on another system may be composed otherwise; NFC makes them one. Throws `refused` for an empty one. */
export function passphrase(words: string): Secret {
  if (words === '') throw new VaultError('refused', 'the passphrase is empty');
  return { kind: 'passphrase', bytes: Buffer.from(words.normalize('NFC')) };
}

/** For a passphrase that is to be set. Throws `refused` for one that is too short. */
export function newPassphrase(words: string): Secret {
  if (words.length < MIN_PASSPHRASE) throw new VaultError('refused', `the passphrase has fewer than ${MIN_PASSPHRASE} characters`, { hint: 'five random words are good and easy to type' });
  return passphrase(words);
}

/** The line of a new key file. */
export const newKeyLine = (): string => `tollfree-key-1:${randomBytes(KEY_BYTES).toString('base64url')}\n`;

/** The key in a key file's line. Undefined where it is no such line. */
export function keyOf(line: string): Secret | undefined {
  const [, encoded] = KEY_LINE.exec(line.trim()) ?? [];
  return encoded === undefined ? undefined : { kind: 'key', bytes: Buffer.from(encoded, 'base64url') };
}

/** A line of either form; one line end at its end is not part of a passphrase. */
export const secretOf = (line: string): Secret => keyOf(line) ?? passphrase(line.replace(/\r?\n$/, ''));
