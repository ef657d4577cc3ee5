/** What the environment says: where files are, which destinations replace the catalogue's, and what goes before the settings. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/problems.ts';
import type { Settings } from '../config/settings.ts';
import { given } from '../variables.ts';
import type { Environment } from '../variables.ts';

export interface Places {
  readonly settings: string;
  readonly providers: string;
  readonly rules: string;
  readonly dataDirectory: string;
}

/** A file nobody named and nobody wrote is the one that came with the package. */
export function placesOf(environment: Environment, directory: string): Places {
  const place = (variable: string, usual: string): string => {
    const named = given(environment, variable);
    if (named !== undefined) return resolve(directory, named);
    const here = resolve(directory, usual);
    return existsSync(here) ? here : fileURLToPath(new URL(`../../${usual}`, import.meta.url));
  };
  return {
    settings: place('TOLLFREE_CONFIG', 'config/tollfree.yaml'),
    providers: place('TOLLFREE_PROVIDERS', 'config/providers.yaml'),
    rules: place('TOLLFREE_RULES', 'routing-rules.yaml'),
    dataDirectory: resolve(directory, given(environment, 'TOLLFREE_DATA_DIR') ?? 'data'),
  };
}

const BASE_URL = 'TOLLFREE_BASE_URL_';

/** What follows `TOLLFREE_BASE_URL_`, and its value. */
export function baseUrlOverrides(environment: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (name.startsWith(BASE_URL) && value ? [[name.slice(BASE_URL.length), value]] : [])));
}

/** 0: any free one. */
export function portFrom(environment: Environment): number | undefined {
  const written = given(environment, 'TOLLFREE_PORT');
  if (written === undefined) return undefined;
  const port = Number(written);
  if (/^\d+$/.test(written) && port <= 65_535) return port;
  throw wrong('TOLLFREE_PORT', `${JSON.stringify(written)} is not a port, a number from 0 to 65535`);
}

const LEVELS = ['error', 'warn', 'info', 'debug'] as const satisfies readonly Settings['log']['level'][];

export function logLevelFrom(environment: Environment): Settings['log']['level'] | undefined {
  const written = given(environment, 'TOLLFREE_LOG_LEVEL');
  const level = LEVELS.find((known) => known === written);
  if (level !== undefined || written === undefined) return level;
  throw wrong('TOLLFREE_LOG_LEVEL', `${JSON.stringify(written)} is not a level: ${LEVELS.join(', ')}`);
}

/** Throws ConfigError where it asks for what is not built: two daemons that each count by themselves would use every limit twice. */
export function refuseSharing(environment: Environment): void {
  if (given(environment, 'TOLLFREE_REDIS_URL') !== undefined) throw wrong('TOLLFREE_REDIS_URL', 'several daemons cannot share what they count yet; run one, with server.workers where one core is full, and leave it unset');
}

const wrong = (variable: string, message: string): ConfigError => new ConfigError([{ file: variable, line: 0, column: 0, path: '', message }]);
