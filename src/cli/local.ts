/** What can be known without a daemon: the files. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadCatalogue } from '../config/catalogue.ts';
import { loadRules } from '../config/rules.ts';
import { dialects } from '../providers/dialects.ts';
import { candidates } from '../routing/candidates.ts';
import { explainMatch } from '../routing/explain.ts';
import { checkPattern } from '../routing/pattern.ts';
import { parseChat } from '../surfaces/chat.ts';
import type { Catalogue, Model, Rules } from '../types.ts';
import type { Context } from './context.ts';
import { placesOf } from './places.ts';
import type { Explanation, Prompt, ProviderStatus } from './shapes.ts';

const VARIABLE = 'TOLLFREE_BASE_URL_';

export async function readCatalogue(context: Context): Promise<Catalogue> {
  const file = placesOf(context).providers;
  const overrides = Object.entries(context.environment).flatMap(([name, value]): [string, string][] => (name.startsWith(VARIABLE) && value !== undefined ? [[name.slice(VARIABLE.length), value]] : []));
  return loadCatalogue(await readFile(resolve(context.directory, file), 'utf8'), file, { baseUrlOverrides: Object.fromEntries(overrides), dialects: [...dialects.keys()] });
}

export async function readRules(context: Context, catalogue: Catalogue, file = placesOf(context).rules): Promise<Rules> {
  return loadRules(await readFile(resolve(context.directory, file), 'utf8'), file, { providers: [...catalogue.providers.keys()], checkPattern });
}

/** The catalogue as `/admin/providers` tells it. */
export async function localProviders(context: Context): Promise<readonly ProviderStatus[]> {
  const { providers } = await readCatalogue(context);
  return [...providers.values()].map(({ name, title, status, baseUrl, models }) => ({ name, title, status, base_url: baseUrl, models: models.map(tellModel) }));
}

const tellModel = ({ name, aliases, context, capabilities, limits, price }: Model): ProviderStatus['models'][number] => ({
  name,
  aliases,
  ...(context !== undefined && { context }),
  capabilities,
  limits,
  price: { input: price.input, output: price.output, list_input: price.listInput, list_output: price.listOutput },
});

/** The rule and the candidates as the files have them; accounts and what is left are the daemon's. */
export async function explainLocally(context: Context, { prompt, model }: Prompt): Promise<Explanation> {
  const catalogue = await readCatalogue(context);
  const rules = await readRules(context, catalogue);
  const now = context.now();
  const request = parseChat({ model, messages: [{ role: 'user', content: prompt }] }, { id: 'explain', caller: { key: 'local', project: 'local' }, receivedAt: now, deadline: now, priority: 0 });
  const { match, ...explained } = explainMatch(request, rules);
  const targets = candidates(match, request, catalogue, { freeOnly: true });
  return { ...explained, tokens: request.promptTokens, candidates: targets.map(({ provider, model: { name } }) => ({ provider: provider.name, model: name })) };
}
