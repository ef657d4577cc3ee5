/** The catalogue and the rules as their files have them, held against what there is code for. */
import { loadCatalogue } from '../config/catalogue.ts';
import type { Parsed } from '../config/parsed.ts';
import { loadRules } from '../config/rules.ts';
import { dialects } from '../providers/dialects.ts';
import { checkKeyword } from '../routing/keyword.ts';
import { checkPattern } from '../routing/pattern.ts';
import type { Catalogue, Rules } from '../types.ts';
import type { Environment } from '../variables.ts';
import { baseUrlOverrides } from './environment.ts';

/** Throws ConfigError with every mistake. `file`: as it is told to people. */
export function catalogueFrom(text: string, file: string, environment: Environment, parsed?: Parsed): Catalogue {
  return loadCatalogue(text, file, { baseUrlOverrides: baseUrlOverrides(environment), dialects: [...dialects.keys()], ...(parsed && { parsed }) });
}

/** As {@link catalogueFrom}; whom a rule names must be in the catalogue. */
export function rulesFrom(text: string, file: string, { providers }: Catalogue, parsed?: Parsed): Rules {
  return loadRules(text, file, { providers: [...providers.keys()], checkKeyword, checkPattern, ...(parsed && { parsed }) });
}
