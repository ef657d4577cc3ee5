/** Where the environment says things are. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadSettings } from '../config/settings.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { parsePort } from './options.ts';

export interface Places {
  readonly settings: string;
  readonly providers: string;
  readonly rules: string;
  readonly dataDirectory: string;
}

/** As the person wrote them: messages name files by these words. */
export const placesOf = ({ environment }: Pick<Context, 'environment'>): Places => ({
  settings: environment['TOLLFREE_CONFIG'] ?? 'config/tollfree.yaml',
  providers: environment['TOLLFREE_PROVIDERS'] ?? 'config/providers.yaml',
  rules: environment['TOLLFREE_RULES'] ?? 'routing-rules.yaml',
  dataDirectory: environment['TOLLFREE_DATA_DIR'] ?? 'data',
});

/** `host:port` of the daemon this environment means: what it would listen on, if it were started here. */
export async function daemonAddress(context: Context): Promise<string> {
  const { environment, directory } = context;
  const { settings: file } = placesOf(context);
  const text = await readFile(resolve(directory, file), 'utf8').catch(() => '');
  const { server } = loadSettings(text, file);
  const port = environment['TOLLFREE_PORT'];
  return addressOf(environment['TOLLFREE_HOST'] ?? server.host, port === undefined ? server.port : portFrom(port));
}

function portFrom(text: string): number {
  try {
    return parsePort(text);
  } catch (error) {
    throw new CommandError(`TOLLFREE_PORT: ${JSON.stringify(text)} is no port`, { hint: 'a port is a number from 0 to 65535', cause: error });
  }
}

/** `host:port` as it stands in a URL; a daemon listening everywhere is asked at home. */
export function addressOf(host: string, port: number): string {
  const home = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${home.includes(':') ? `[${home}]` : home}:${port}`;
}
