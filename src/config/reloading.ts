/** A configuration file that is read again whenever it changes. */
import { watch } from 'chokidar';
import { readFileSync } from 'node:fs';
import { systemCode } from '../files.ts';
import { ConfigError } from './problems.ts';

export interface Reloading<T> {
  /** The newest snapshot that was right. */
  readonly current: () => T;
  /** Looks at once, for whoever has just changed the file. */
  readonly reload: () => void;
  readonly close: () => Promise<void>;
}

export interface ReloadingOptions<T> {
  readonly file: string;
  /** Throws a ConfigError where the text is wrong. */
  readonly load: (text: string) => T;
  readonly onReload: (value: T) => void;
  /** The file is wrong, gone or cannot be watched: the snapshot before stays in force. */
  readonly onMistake: (error: ConfigError) => void;
}

/** Editors empty a file, then fill it: what is read in between is half a file. A tenth of a second without growth is a finished save. */
const SETTLE = { stabilityThreshold: 100, pollInterval: 25 };

/**
 * Reads the file now and watches it until closed.
 *
 * @throws ConfigError where the file is wrong from the start
 */
export async function createReloading<T>({ file, load, onReload, onMistake }: ReloadingOptions<T>): Promise<Reloading<T>> {
  const text = readConfig(file);
  const state: { text: string | undefined; value: T } = { text, value: load(text) };

  const reload = (): void => {
    const before = state.text;
    try {
      state.text = undefined;
      state.text = readConfig(file);
      if (state.text === before) return;
      state.value = load(state.text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      onMistake(error);
      return;
    }
    onReload(state.value);
  };

  const watcher = watch(file, { ignoreInitial: true, awaitWriteFinish: SETTLE });
  watcher.on('error', (error) => onMistake(unreadable(file, 'cannot be watched: changes to it need a restart', error)));
  await new Promise<void>((ready) => void watcher.once('ready', ready));
  watcher.on('all', reload);
  // What changed before the watch began was seen by nobody.
  reload();
  return { current: () => state.value, reload, close: () => watcher.close() };
}

/** The text of a file. Throws a ConfigError where it cannot be read. */
export function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, systemCode(error) === 'ENOENT' ? 'does not exist' : 'cannot be read', error);
  }
}

function unreadable(file: string, message: string, cause: unknown): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: '', message }], { cause });
}
