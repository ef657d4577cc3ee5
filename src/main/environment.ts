/** What the environment says: where files are, and which destinations replace the catalogue's. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Places {
  readonly settings: string;
  readonly providers: string;
  readonly rules: string;
  readonly dataDirectory: string;
}

/** A file nobody named and nobody wrote is the one that came with the package. */
export function placesOf(environment: Environment, directory: string): Places {
  const place = (variable: string, usual: string): string => {
    const named = environment[variable];
    if (named !== undefined && named !== '') return resolve(directory, named);
    const here = resolve(directory, usual);
    return existsSync(here) ? here : fileURLToPath(new URL(`../../${usual}`, import.meta.url));
  };
  return {
    settings: place('TOLLFREE_CONFIG', 'config/tollfree.yaml'),
    providers: place('TOLLFREE_PROVIDERS', 'config/providers.yaml'),
    rules: place('TOLLFREE_RULES', 'routing-rules.yaml'),
    dataDirectory: resolve(directory, environment['TOLLFREE_DATA_DIR'] ?? 'data'),
  };
}

const BASE_URL = 'TOLLFREE_BASE_URL_';

/** What follows `TOLLFREE_BASE_URL_`, and its value. */
export function baseUrlOverrides(environment: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (name.startsWith(BASE_URL) && value ? [[name.slice(BASE_URL.length), value]] : [])));
}

/** 0: any free one. */
export function portFrom(environment: Environment): number | undefined {
  const written = environment['TOLLFREE_PORT'];
  if (written === undefined || written === '') return undefined;
  const port = Number(written);
  if (/^\d+$/.test(written) && port <= 65_535) return port;
  throw new ConfigError([{ file: 'TOLLFREE_PORT', line: 0, column: 0, path: '', message: `${JSON.stringify(written)} is not a port, a number from 0 to 65535` }]);
}
