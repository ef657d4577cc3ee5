/** The catalogue and the rules, each in force as it was last saved and right. */
import { join } from 'node:path';
import { createParsed } from '../config/parsed.ts';
import { createReloading } from '../config/reloading.ts';
import type { RulesDesk } from '../http/admin-rules.ts';
import type { Http } from '../providers/call.ts';
import { createInquiry } from '../providers/inquire.ts';
import type { Inquiry } from '../providers/inquire.ts';
import { compileRules } from '../routing/classify.ts';
import type { RuleSet } from '../routing/classify.ts';
import type { FollowedFile, Rules } from '../types.ts';
import type { Base } from './base.ts';
import type { Cleanup } from './cleanup.ts';
import { catalogueFrom, rulesFrom } from './from-yaml.ts';
import { createLiveCatalogue } from './live-catalogue.ts';
import type { LiveCatalogue } from './live-catalogue.ts';
import type { DaemonVault } from './open-vault.ts';
import { createRulesDesk } from './rules-desk.ts';

export interface Knowledge {
  readonly catalogue: LiveCatalogue;
  readonly rules: () => Rules;
  readonly compiledRules: () => RuleSet;
  readonly rulesDesk: RulesDesk;
  readonly inquiry: Inquiry;
}

export interface KnowledgeOptions {
  readonly base: Base;
  readonly environment: NodeJS.ProcessEnv;
  readonly vault: DaemonVault;
  readonly http: Http;
  readonly version: string;
}

/** Throws ConfigError where a file is wrong from the start. */
export async function followFiles({ base, environment, vault, http, version }: KnowledgeOptions, cleanup: Cleanup): Promise<Knowledge> {
  const { now, places, settings, emit } = base;
  const followed = (part: FollowedFile, what: string): { onReload: () => void; onMistake: (error: Error) => void } => ({
    onReload: () => emit({ type: 'notice', level: 'info', part, message: `the ${what} changed and is in force` }),
    onMistake: (error) => emit({ type: 'notice', level: 'error', part, message: `${error.message}\nthe ${what} before stays in force` }),
  });

  const parsed = createParsed({ path: join(places.dataDirectory, 'parsed.json'), version });
  const inquiry = createInquiry({ http, now });
  const catalogue = await createLiveCatalogue({
    ...followed('catalogue', 'catalogue'),
    file: places.providers,
    load: (text) => catalogueFrom(text, places.providers, environment, parsed),
    cache: join(places.dataDirectory, 'models.json'),
    inquiry,
    accounts: vault.accounts,
    credentialOf: vault.credential,
    refreshMs: settings.catalogue.refreshMs,
    now,
    emit,
  });
  cleanup.add(() => catalogue.close());

  const load = (text: string): { readonly read: Rules; readonly compiled: RuleSet } => {
    const read = rulesFrom(text, places.rules, catalogue.current(), parsed);
    return { read, compiled: compileRules(read) };
  };
  const rules = await createReloading({ ...followed('rules', 'set of rules'), file: places.rules, load });
  cleanup.add(() => rules.close());
  return { catalogue, rules: () => rules.current().read, compiledRules: () => rules.current().compiled, rulesDesk: createRulesDesk({ file: places.rules, load, reload: rules.reload }), inquiry };
}
