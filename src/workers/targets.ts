/** Lists of candidates by their names: a worker and its owner have snapshots of their own, and the same names. */
import type { Catalogue, Target } from '../types.ts';
import type { TargetNames } from './messages.ts';

/** Names of models hold no line ends. */
const BETWEEN = '\n';

/** Equal lists are most often one and the same, and put into words once. */
export function createTargetNames(): (targets: readonly Target[]) => TargetNames {
  const known = new WeakMap<readonly Target[], TargetNames>();
  return (targets) => {
    const made = known.get(targets);
    if (made !== undefined) return made;
    const names = targets.map(({ provider, model }) => `${provider.name}/${model.name}`).join(BETWEEN);
    known.set(targets, names);
    return names;
  };
}

export interface NamedTargets {
  readonly targets: readonly Target[];
  /** Where each stands in the list of names. */
  readonly placeOf: (target: Target) => number;
}

/** Rules and needs come in a handful of combinations; models asked for by name are as many as there are. */
const MOST_LISTS = 1_000;

/** What has left this catalogue meanwhile is left out. */
export function createNamedTargets(catalogue: () => Catalogue): (names: TargetNames) => NamedTargets {
  const known: { of?: Catalogue; lists: Map<TargetNames, NamedTargets> } = { lists: new Map() };
  return (names) => {
    const current = catalogue();
    if (known.of !== current || known.lists.size >= MOST_LISTS) Object.assign(known, { of: current, lists: new Map() });
    const made = known.lists.get(names) ?? read(names, current);
    known.lists.set(names, made);
    return made;
  };
}

function read(names: TargetNames, { providers }: Catalogue): NamedTargets {
  const places = new Map<Target['model'], number>();
  const targets = names.split(BETWEEN).flatMap((name, place): Target[] => {
    const slash = name.indexOf('/');
    const provider = providers.get(name.slice(0, slash));
    const model = provider?.models.find((one) => one.name === name.slice(slash + 1));
    if (provider === undefined || model === undefined) return [];
    places.set(model, place);
    return [{ provider, model }];
  });
  return { targets, placeOf: ({ model }) => places.get(model) ?? -1 };
}
