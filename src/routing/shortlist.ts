/**
 * Candidates put together once for all who ask alike. Between two reloads a rule's list changes only with who is usable, and
 * what one request adds is whether it fits. Putting a list together takes 40 µs in the shipped catalogue, finding it again 1.
 *
 * Kept by the catalogue and the rule as objects, so that a reload leaves what it replaces behind.
 */
import type { Capability, Catalogue, ChatRequest, Provider, Rule, Surface, Target } from '../types.ts';
import { fits } from './needs.ts';

/** Everything a list depends on but who is usable. */
export interface Wanted {
  /** Or the model, by the name asked for. */
  readonly rule: Rule | string;
  readonly request: ChatRequest;
  readonly catalogue: Catalogue;
  readonly freeOnly: boolean;
}

interface Shortlist {
  readonly surface: Surface;
  readonly relayed: boolean;
  readonly needs: readonly Capability[];
  readonly freeOnly: boolean;
  /** Who was asked whether it is usable, and what it was. */
  readonly usable: readonly (readonly [Provider, boolean])[];
  readonly targets: readonly Target[];
  /** The smallest context among them: what fits there fits everywhere. */
  readonly room: number;
}

interface Shelf {
  readonly byRule: WeakMap<Rule, Shortlist[]>;
  readonly byModel: Map<string, Shortlist[]>;
}

type Usable = (provider: Provider) => boolean;

/** Needs come in a handful of combinations. */
const MOST_LISTS = 32;
/** Names are the clients' words: `GPT-4o` and `gpt-4o` are one model, and two names. */
const MOST_NAMES = 1_000;

const shelves = new WeakMap<Catalogue, Shelf>();

/** Who of the known list has room for the request. Empty: nobody, or there is no such list. */
export function recall(wanted: Wanted, usable: Usable): readonly Target[] {
  const { request } = wanted;
  const list = listsFor(wanted)?.find((known) => isAlike(known, wanted) && known.usable.every(([provider, was]) => usable(provider) === was));
  if (list === undefined) return [];
  return request.relay !== undefined || fits(request, list.room) ? list.targets : list.targets.filter(({ model }) => fits(request, model.context, model.maxOutput));
}

/** @param gather puts the list together, whatever the length of the request */
export function remember(wanted: Wanted, usable: Usable, gather: (usable: Usable) => readonly Target[]): void {
  const { request: { surface, relay, needs }, freeOnly } = wanted;
  const asked = new Map<Provider, boolean>();
  const targets = gather((provider) => {
    const is = usable(provider);
    asked.set(provider, is);
    return is;
  });
  const lists = listsFor(wanted) ?? shelve(wanted);
  // What it was when others were usable is of no use any more, most likely.
  const stale = lists.findIndex((known) => isAlike(known, wanted));
  if (stale >= 0) lists.splice(stale, 1);
  if (lists.length >= MOST_LISTS) lists.length = 0;
  lists.push({ surface, relayed: relay !== undefined, needs, freeOnly, usable: [...asked], targets, room: Math.min(...targets.map(({ model }) => model.context ?? Infinity)) });
}

function isAlike({ surface, relayed, needs, freeOnly }: Shortlist, { request, freeOnly: onlyFree }: Wanted): boolean {
  return surface === request.surface && relayed === (request.relay !== undefined) && freeOnly === onlyFree
    && needs.length === request.needs.length && needs.every((need, index) => need === request.needs[index]);
}

function listsFor({ rule, catalogue }: Wanted): Shortlist[] | undefined {
  const shelf = shelves.get(catalogue);
  return typeof rule === 'string' ? shelf?.byModel.get(rule) : shelf?.byRule.get(rule);
}

function shelve({ rule, catalogue }: Wanted): Shortlist[] {
  const shelf = shelves.get(catalogue) ?? { byRule: new WeakMap(), byModel: new Map() };
  shelves.set(catalogue, shelf);
  const lists: Shortlist[] = [];
  if (typeof rule !== 'string') shelf.byRule.set(rule, lists);
  else {
    if (shelf.byModel.size >= MOST_NAMES) shelf.byModel.clear();
    shelf.byModel.set(rule, lists);
  }
  return lists;
}
