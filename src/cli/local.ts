/** What can be known without a daemon: the files. */
import { readFile } from 'node:fs/promises';
import { tellProvider } from '../http/providers.ts';
import { catalogueFrom, rulesFrom } from '../main/from-yaml.ts';
import { candidates } from '../routing/candidates.ts';
import { compileRules } from '../routing/classify.ts';
import { explainMatch } from '../routing/explain.ts';
import { parseChat } from '../surfaces/chat.ts';
import type { Catalogue, Rules } from '../types.ts';
import { openLocalVault } from './accounts/local-vault.ts';
import type { Context } from './context.ts';
import { placesOf, shortly } from './places.ts';
import type { Explanation, Prompt, ProviderStatus } from './shapes.ts';

export async function readCatalogue(context: Context): Promise<Catalogue> {
  const file = placesOf(context).providers;
  return catalogueFrom(await readFile(file, 'utf8'), shortly(file, context), context.environment);
}

/** @throws ConfigError with every mistake */
export async function readRules(context: Context, catalogue: Catalogue, file: string): Promise<Rules> {
  return rulesFrom(await readFile(file, 'utf8'), shortly(file, context), catalogue);
}

/** The catalogue as `/admin/providers` tells it. */
export async function localProviders(context: Context): Promise<readonly ProviderStatus[]> {
  const { providers } = await readCatalogue(context);
  return [...providers.values()].map(tellProvider);
}

/** The rule and the candidates as the files have them; who is free is the daemon's to know. */
export async function explainLocally(context: Context, { prompt, model }: Prompt): Promise<Explanation> {
  const catalogue = await readCatalogue(context);
  const rules = compileRules(await readRules(context, catalogue, placesOf(context).rules));
  const now = context.now();
  const request = parseChat({ model, messages: [{ role: 'user', content: prompt }] }, { id: 'explain', caller: { key: 'local', project: 'local' }, receivedAt: now, deadline: now, priority: 0 });
  const { match, ...explained } = explainMatch(request, rules);
  const held = new Set((await openLocalVault(context)).accounts().filter(({ enabled }) => enabled).map(({ provider }) => provider));
  // Before the first account is added, everybody the rule names is worth seeing.
  const targets = candidates(match, request, catalogue, { freeOnly: true, usable: ({ name }) => held.size === 0 || held.has(name) });
  return { ...explained, tokens: request.promptTokens, candidates: targets.map(({ provider, model: { name } }) => ({ provider: provider.name, model: name })) };
}
