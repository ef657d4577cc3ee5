/** Where the environment says things are. */
import { relative } from 'node:path';
import { readConfig } from '../config/reloading.ts';
import { loadSettings } from '../config/settings.ts';
import { placesOf as placesFrom, portFrom, type Places } from '../main/environment.ts';
import { given } from '../variables.ts';
import type { Context } from './context.ts';

export const placesOf = ({ environment, directory }: Pick<Context, 'environment' | 'directory'>): Places => placesFrom(environment, directory);

/** A path as short as it can be said from here: what messages name files by. */
export function shortly(path: string, { directory }: Pick<Context, 'directory'>): string {
  const here = relative(directory, path);
  return here.startsWith('..') || here === '' ? path : here;
}

/** `host:port` of the daemon this environment means: where it would listen, if it were started here. */
export function daemonAddress(context: Context): string {
  const { environment } = context;
  const file = placesOf(context).settings;
  const { server } = loadSettings(readConfig(file), shortly(file, context));
  return addressOf(given(environment, 'TOLLFREE_HOST') ?? server.host, portFrom(environment) ?? server.port);
}

/** As it stands in a URL; a daemon listening everywhere is asked at home. */
export function addressOf(host: string, port: number): string {
  const home = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${home.includes(':') ? `[${home}]` : home}:${port}`;
}
