/** Where the environment says things are. */
import { resolve } from 'node:path';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';

export interface Places {
  readonly settings: string;
  readonly providers: string;
  readonly rules: string;
  readonly dataDirectory: string;
  readonly host: string;
  readonly port: number;
}

export function placesOf({ environment, directory }: Pick<Context, 'environment' | 'directory'>): Places {
  const path = (name: string, otherwise: string): string => resolve(directory, environment[name] ?? otherwise);
  return {
    settings: path('TOLLFREE_CONFIG', 'config/tollfree.yaml'),
    providers: path('TOLLFREE_PROVIDERS', 'config/providers.yaml'),
    rules: path('TOLLFREE_RULES', 'routing-rules.yaml'),
    dataDirectory: path('TOLLFREE_DATA_DIR', 'data'),
    host: environment['TOLLFREE_HOST'] ?? '127.0.0.1',
    port: parsePort(environment['TOLLFREE_PORT'] ?? '8000', 'TOLLFREE_PORT'),
  };
}

/** 0 is allowed: the system picks a free one. */
export function parsePort(text: string, where: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new CommandError(`${where}: ${JSON.stringify(text)} is no port`, { hint: 'a port is a number from 0 to 65535', status: 2 });
}

/** `host:port` as it stands in an address; a daemon listening everywhere is asked at home. */
export function addressOf(host: string, port: number): string {
  const home = host === '0.0.0.0' || host === '' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${home.includes(':') ? `[${home}]` : home}:${port}`;
}
