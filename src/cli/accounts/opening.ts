/** How a new vault is to open: asked once, at the terminal. */
import { VaultError } from '../../vault/errors.ts';
import { defaultKeyFile, makeKeyFile, readKeyFile, TERMINAL, type FoundSecret } from '../../vault/find-unlock.ts';
import { newPassphrase } from '../../vault/secret.ts';
import type { Context } from '../context.ts';
import { describe } from '../errors.ts';
import type { Terminal } from './terminal.ts';

export async function chooseOpening({ environment }: Context, terminal: Terminal): Promise<FoundSecret> {
  const keyFile = defaultKeyFile(environment);
  terminal.say('your keys are sealed in a vault; choose what opens it');
  const way = await terminal.choose('the vault opens with', [
    { value: 'passphrase', label: 'a passphrase', hint: 'asked for whenever tollfree starts, unless TOLLFREE_PASSPHRASE_FILE is set' },
    { value: 'key-file', label: `a key file, ${keyFile}`, hint: 'starts by itself; protects copies and backups of the vault, not this machine' },
  ]);
  if (way === 'passphrase') return { secret: newPassphrase(await askNewPassphrase(terminal)), from: TERMINAL };
  return { secret: await keyFrom(keyFile), from: keyFile };
}

/** Typed twice: there is no way back from a slip. */
export async function askNewPassphrase(terminal: Terminal): Promise<string> {
  const words = await terminal.hidden('new passphrase', fault);
  await terminal.hidden('once more', (again) => (again === words ? undefined : 'not the same; ctrl-c and start again if the first one was the slip'));
  return words;
}

function fault(words: string): string | undefined {
  try {
    newPassphrase(words);
    return undefined;
  } catch (error) {
    const { message, hint } = describe(error);
    return [message, hint].filter((part) => part !== undefined).join('; ');
  }
}

/** One that is there already serves this vault too: each vault derives its own key from it. */
async function keyFrom(path: string): Promise<FoundSecret['secret']> {
  try {
    return await makeKeyFile(path);
  } catch (error) {
    if (error instanceof VaultError && error.kind === 'exists') return readKeyFile(path);
    throw error;
  }
}
