/** What a client is made from: files, objects, or the environment. */
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { readImport } from '../config/accounts-file.ts';
import type { WrittenAccount } from '../config/accounts-file.ts';
import { toLimits } from '../config/limits.ts';
import { readConfig } from '../config/reloading.ts';
import { loadSettings } from '../config/settings.ts';
import type { Settings } from '../config/settings.ts';
import { FailureError } from '../failure.ts';
import { placesOf } from '../main/environment.ts';
import { catalogueFrom, rulesFrom } from '../main/from-yaml.ts';
import { compileRules } from '../routing/classify.ts';
import type { RuleSet } from '../routing/classify.ts';
import type { Account, Catalogue } from '../types.ts';
import type { Environment } from '../variables.ts';

/** The path of a YAML file, or what would stand in it. */
export type Source = string | object;

export interface ClientAccount {
  /** As the catalogue names it: `groq`, `openrouter`, `cerebras` … */
  readonly provider: string;
  readonly key: string;
  /** To tell several accounts of one provider apart. */
  readonly label?: string;
  /** Accounts naming the same organisation share its quota, where the provider counts so. */
  readonly organization?: string;
}

export interface ConfigurationOptions {
  /**
   * The accounts with their keys, or the path of a YAML list of them. Keys stay in memory.
   * Absent: one account for each `<PROVIDER>_API_KEY` in the environment, e.g. `GROQ_API_KEY`.
   */
  readonly accounts?: readonly ClientAccount[] | string;
  /** As `config/tollfree.yaml`. */
  readonly settings?: Source;
  /** As `routing-rules.yaml`. */
  readonly rules?: Source;
  /** As `config/providers.yaml`. */
  readonly providers?: Source;
  /** `process.env` where absent. Says where files are, as for the daemon. */
  readonly environment?: Environment;
  /** What relative paths start from; the working directory where absent. */
  readonly directory?: string;
}

export interface Configuration {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  readonly rules: RuleSet;
  readonly accounts: readonly Account[];
  readonly dataDirectory: string;
  /** By the account's id. */
  readonly keys: ReadonlyMap<string, string>;
}

/** Throws ConfigError with every mistake, and `invalid-request` where there is no account. */
export function readConfiguration({ environment = process.env, directory = process.cwd(), ...given }: ConfigurationOptions): Configuration {
  const places = placesOf(environment, directory);
  const read = (name: 'settings' | 'rules' | 'providers'): readonly [text: string, file: string] => {
    const source = given[name] ?? places[name];
    return typeof source === 'string' ? [readConfig(resolve(directory, source)), source] : [stringify(source), name];
  };
  const settings = loadSettings(...read('settings'));
  const catalogue = catalogueFrom(...read('providers'), environment);
  const rules = rulesFrom(...read('rules'), catalogue);

  const { accounts = fromEnvironment(environment, catalogue) } = given;
  if (accounts.length === 0) throw new FailureError({ kind: 'invalid-request', param: 'accounts', message: 'there is no account; give accounts: [{ provider, key }], or set a variable such as GROQ_API_KEY' });
  const [text, file] = typeof accounts === 'string' ? [readConfig(resolve(directory, accounts)), accounts] : [stringify(accounts), 'accounts'];
  const held = readImport(text, file, catalogue).map((written, index) => ({ key: written.key, account: accountOf(written, index, catalogue) }));
  return { settings, catalogue, rules: compileRules(rules), dataDirectory: places.dataDirectory, accounts: held.map(({ account }) => account), keys: new Map(held.map(({ account, key }) => [account.id, key])) };
}

function accountOf({ provider, label, organization, limits, base_url: baseUrl }: WrittenAccount, index: number, { providers }: Catalogue): Account {
  return {
    id: `account-${index + 1}`,
    provider,
    label: label ?? String(index + 1),
    ...(organization !== undefined && { organization }),
    ...(limits !== undefined && { limits: toLimits(limits, {}) }),
    enabled: true,
    origin: new URL(baseUrl ?? providers.get(provider)?.baseUrl ?? '').origin,
  };
}

/** The names most providers' own clients look for. */
function fromEnvironment(environment: Environment, { providers }: Catalogue): readonly ClientAccount[] {
  return [...providers.keys()].flatMap((provider) => {
    const key = environment[`${provider.replaceAll(/\W/g, '_').toUpperCase()}_API_KEY`]?.trim();
    return key === undefined || key === '' ? [] : [{ provider, key, label: 'environment' }];
  });
}
