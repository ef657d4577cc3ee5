/** Where the passphrase or key comes from, in the order the interface promises. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { geteuid } from 'node:process';
import { systemCode } from '../files.ts';
import { given } from '../variables.ts';
import type { Environment } from '../variables.ts';
import { diskError } from './durable-write.ts';
import { VaultError } from './errors.ts';
import { assertClosed, readBounded, readPrivate } from './private-file.ts';
import { keyOf, newKeyLine, passphrase, secretOf, type Secret } from './secret.ts';

export interface UnlockSources {
  readonly environment: Environment;
  /** The ways the vault opens, as its status tells them: nobody is asked for what could not help. */
  readonly unlocks: readonly Secret['kind'][];
  /** Asks a person, hidden. Given where there is a terminal; resolves to undefined when they would rather not. */
  readonly prompt?: () => Promise<string | undefined>;
}

export interface FoundSecret {
  readonly secret: Secret;
  /** For people: where it came from. */
  readonly from: string;
}

/** As {@link FoundSecret.from}: somebody typed it. */
export const TERMINAL = 'the terminal';

/** A passphrase longer than this is a wrong file. */
const MAX_BYTES = 4096;

/**
 * `TOLLFREE_PASSPHRASE`, `TOLLFREE_PASSPHRASE_FILE`, `TOLLFREE_KEY_FILE`, systemd's credential, the default key file,
 * then the prompt. Undefined: stay locked. A source that is named but cannot be used throws: falling through to the
 * next would hide the mistake.
 */
export async function findUnlock({ environment, unlocks, prompt }: UnlockSources): Promise<FoundSecret | undefined> {
  const found = (await fromEnvironment(environment)) ?? (unlocks.includes('key') ? await fromDefaultKeyFile(environment) : undefined);
  if (found !== undefined || !unlocks.includes('passphrase')) return found;
  const typed = await prompt?.();
  return typed === undefined ? undefined : { secret: passphrase(typed), from: TERMINAL };
}

/** What the environment names; undefined where it names nothing. Also what a new vault is made with. */
export async function fromEnvironment(environment: Environment): Promise<FoundSecret | undefined> {
  const words = given(environment, 'TOLLFREE_PASSPHRASE');
  if (words !== undefined) return { secret: passphrase(words), from: 'TOLLFREE_PASSPHRASE' };
  const passphraseFile = given(environment, 'TOLLFREE_PASSPHRASE_FILE');
  if (passphraseFile !== undefined) return { secret: await readPassphraseFile(passphraseFile, 'TOLLFREE_PASSPHRASE_FILE'), from: passphraseFile };
  const keyFile = given(environment, 'TOLLFREE_KEY_FILE');
  if (keyFile !== undefined) return { secret: await readKeyFile(keyFile), from: keyFile };
  const credentials = given(environment, 'CREDENTIALS_DIRECTORY');
  const credential = credentials === undefined ? undefined : await readSecret(join(credentials, 'tollfree'));
  return credential === undefined ? undefined : { secret: secretOf(credential), from: "systemd's credential" };
}

/**
 * Where setup puts a key file: away from the data directory, so that a copy of that directory, in a backup or an image,
 * does not bring along the key that opens it.
 */
export const defaultKeyFile = (environment: Environment): string => join(given(environment, 'XDG_CONFIG_HOME') ?? join(given(environment, 'HOME') ?? '/', '.config'), 'tollfree', 'vault.key');

async function fromDefaultKeyFile(environment: Environment): Promise<FoundSecret | undefined> {
  const path = defaultKeyFile(environment);
  const line = await readPrivate(path, MAX_BYTES);
  return line === undefined ? undefined : { secret: keyIn(line, path), from: path };
}

/** Makes a key file, readable by its owner alone. Throws `exists`. */
export async function makeKeyFile(path: string): Promise<Secret> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const line = newKeyLine();
  try {
    await writeFile(path, line, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new VaultError('exists', `${path} exists already`, { hint: 'choose another name, or use that file' });
    throw diskError(path, error);
  }
  return keyIn(line, path);
}

/** One line end at its end is the editor's, not the passphrase's. */
export const readPassphraseFile = async (path: string, namedBy: string): Promise<Secret> => passphrase((await contents(path, namedBy)).replace(/\r?\n$/, ''));

/** Throws `missing`, `not-private`, `refused` where it is no key file. */
export const readKeyFile = async (path: string): Promise<Secret> => keyIn(await contents(path, 'TOLLFREE_KEY_FILE'), path);

function keyIn(line: string, path: string): Secret {
  const secret = keyOf(line);
  if (secret !== undefined) return secret;
  throw new VaultError('refused', `${path} is no key file of tollfree`, { hint: 'a file with a passphrase is named by TOLLFREE_PASSPHRASE_FILE' });
}

async function contents(path: string, namedBy: string): Promise<string> {
  const text = await readSecret(path);
  if (text === undefined) throw new VaultError('missing', `${namedBy} names ${path}, which is not there`);
  return text;
}

/** Platforms that hand out secrets choose links, owner and mode themselves; a file of our own must be closed to others. */
const readSecret = (path: string): Promise<string | undefined> =>
  readBounded(path, {
    maxBytes: MAX_BYTES,
    follow: true,
    inspect: (path, found) => {
      if (found.uid === geteuid?.()) assertClosed(path, found);
    },
  });
