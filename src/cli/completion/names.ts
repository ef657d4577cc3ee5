/** Names from the files of this machine: quick, and there without a daemon. */
import { openLocalVault } from '../accounts/local-vault.ts';
import { nameOf } from '../accounts/adding.ts';
import type { Context } from '../context.ts';
import { readCatalogue, readRules } from '../local.ts';
import { placesOf } from '../places.ts';

export async function knownNames(context: Context, of: string): Promise<readonly string[]> {
  if (of === 'provider') return [...(await readCatalogue(context)).providers.keys()];
  if (of === 'label') return labels(context);
  return of === 'model' ? models(context) : [];
}

/** A label alone, where only one account has it. */
async function labels(context: Context): Promise<string[]> {
  const accounts = (await openLocalVault(context)).accounts();
  return accounts.map((account) => (accounts.filter(({ label }) => label === account.label).length === 1 ? account.label : nameOf(account)));
}

async function models(context: Context): Promise<string[]> {
  const catalogue = await readCatalogue(context);
  const { rules } = await readRules(context, catalogue, placesOf(context).rules);
  const held = new Set((await openLocalVault(context)).accounts().map(({ provider }) => provider));
  const targets = [...catalogue.providers.values()].filter(({ name }) => held.has(name)).flatMap(({ name, models: own }) => own.map((model) => `${name}/${model.name}`));
  return ['auto', ...rules.map(({ name }) => `auto:${name}`), ...targets];
}
