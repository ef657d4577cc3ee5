/** Where the passphrase or key comes from, in the order the interface promises. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { VaultError } from './errors.ts';
import { assertClosed, readBounded, readPrivate } from './private-file.ts';
import { keyOf, passphrase, secretOf, type Secret } from './secret.ts';

export interface UnlockSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asks a person, hidden. Given where there is a terminal; resolves to undefined when they would rather not. */
  readonly prompt?: () => Promise<string | undefined>;
  /** Where setup puts a key file when asked for one: used when it is there and nothing else is said. */
  readonly keyFile?: string;
}

export interface FoundSecret {
  readonly secret: Secret;
  /** For people: where it came from. */
  readonly from: string;
}

/** A passphrase longer than this is a wrong file. */
const MAX_BYTES = 4096;

/**
 * `TOLLFREE_PASSPHRASE`, `TOLLFREE_PASSPHRASE_FILE`, `TOLLFREE_KEY_FILE`, systemd's credential, the default key file,
 * then the prompt. Undefined: stay locked. A source that is named but cannot be used throws: falling through to the
 * next would hide the mistake.
 */
export async function findUnlock({ environment, prompt, keyFile }: UnlockSources): Promise<FoundSecret | undefined> {
  const words = given(environment, 'TOLLFREE_PASSPHRASE');
  if (words !== undefined) return { secret: passphrase(words), from: 'TOLLFREE_PASSPHRASE' };
  const passphraseFile = given(environment, 'TOLLFREE_PASSPHRASE_FILE');
  if (passphraseFile !== undefined) return { secret: passphrase((await contents(passphraseFile, 'TOLLFREE_PASSPHRASE_FILE')).replace(/\r?\n$/, '')), from: passphraseFile };
  const namedKeyFile = given(environment, 'TOLLFREE_KEY_FILE');
  if (namedKeyFile !== undefined) return { secret: await readKeyFile(namedKeyFile), from: namedKeyFile };
  const credentials = given(environment, 'CREDENTIALS_DIRECTORY');
  const credential = credentials === undefined ? undefined : await readSecret(join(credentials, 'tollfree'));
  if (credential !== undefined) return { secret: secretOf(credential), from: "systemd's credential" };
  const line = keyFile === undefined ? undefined : await readPrivate(keyFile, MAX_BYTES);
  if (keyFile !== undefined && line !== undefined) return { secret: keyIn(line, keyFile), from: keyFile };
  const typed = await prompt?.();
  return typed === undefined ? undefined : { secret: passphrase(typed), from: 'the terminal' };
}

/** Throws `missing`, `not-private`, `refused` where it is no key file. */
export const readKeyFile = async (path: string): Promise<Secret> => keyIn(await contents(path, 'TOLLFREE_KEY_FILE'), path);

function keyIn(line: string, path: string): Secret {
  const secret = keyOf(line);
  if (secret !== undefined) return secret;
  throw new VaultError('refused', `${path} is no key file of tollfree`, { hint: 'a file with a passphrase is named by TOLLFREE_PASSPHRASE_FILE' });
}

async function contents(path: string, variable: string): Promise<string> {
  const text = await readSecret(path);
  if (text === undefined) throw new VaultError('missing', `${variable} names ${path}, which is not there`);
  return text;
}

/** Platforms that hand out secrets choose links, owner and mode themselves; a file of our own must be closed to others. */
const readSecret = (path: string): Promise<string | undefined> =>
  readBounded(path, {
    maxBytes: MAX_BYTES,
    follow: true,
    inspect: (path, found) => {
      if (found.uid === userInfo().uid) assertClosed(path, found);
    },
  });

const given = (environment: UnlockSources['environment'], name: string): string | undefined => {
  const value = environment[name];
  return value === undefined || value === '' ? undefined : value;
};
