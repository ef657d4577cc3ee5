/** Models by the names clients know them by. */
import { FailureError } from '../failure.ts';
import { didYouMean } from '../near-miss.ts';
import type { Catalogue, Model, Provider, Target } from '../types.ts';

/** Providers that still serve, lowest priority number first; the catalogue's order decides between equals. */
export function providersOf({ providers }: Catalogue): Provider[] {
  return [...providers.values()].filter(({ status }) => status !== 'retired').sort((a, b) => a.priority - b.priority);
}

/**
 * `<provider>/<model>` is that model there and nowhere else. Any other name, slashes or not, is the model or alias of
 * whoever has it, and what they call it by another name is found by the alias they share.
 *
 * @throws FailureError `no-such-model`
 */
export function findModel(asked: string, catalogue: Catalogue): readonly Target[] {
  const providers = providersOf(catalogue);
  const { provider: prefix, rest } = split(asked, catalogue);
  if (prefix !== undefined) {
    const there = targetsCalled([rest], providers.filter(({ name }) => name === prefix.name));
    if (there.length > 0) return there;
  }
  const direct = targetsCalled([asked], providers);
  if (direct.length > 0) return targetsCalled([asked, ...direct.flatMap(({ model }) => model.aliases)], providers);
  throw new FailureError({ kind: 'no-such-model', param: 'model', message: notFound(asked, prefix, providers) });
}

/** Provider names hold no slash; model names may. */
function split(asked: string, { providers }: Catalogue): { readonly provider?: Provider; readonly rest: string } {
  const slash = asked.indexOf('/');
  const provider = slash < 0 ? undefined : providers.get(asked.slice(0, slash).toLowerCase());
  return { ...(provider && { provider }), rest: asked.slice(slash + 1) };
}

function targetsCalled(names: readonly string[], providers: readonly Provider[]): Target[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return providers.flatMap((provider) => provider.models.filter((model) => namesOf(model).some((name) => wanted.has(name.toLowerCase()))).map((model) => ({ provider, model })));
}

const namesOf = ({ name, aliases }: Model): readonly string[] => [name, ...aliases];

/** Names are shown back no longer than anyone calls a model. */
const SHOWN = 128;

function notFound(asked: string, prefix: Provider | undefined, providers: readonly Provider[]): string {
  const shown = asked.slice(0, SHOWN);
  if (prefix?.status === 'retired') return `the provider ${prefix.name} has ended its free service; ask for auto, or for a model of GET /v1/models`;
  const known = prefix === undefined ? providers : providers.filter(({ name }) => name === prefix.name);
  const qualified = asked.includes('/') ? known.flatMap(({ name, models }) => models.flatMap((model) => namesOf(model).map((called) => `${name}/${called}`))) : [];
  const hint = didYouMean(asked, ['auto', ...known.flatMap(({ models }) => models.flatMap(namesOf)), ...qualified]);
  return prefix === undefined ? `nobody has a model '${shown}'${hint}; GET /v1/models lists them all` : `${prefix.name} has no model '${shown.slice(prefix.name.length + 1)}'${hint}; GET /v1/models lists them all`;
}
