/** What a request may be worth at list price, before anybody knows who will answer it. */
import type { Catalogue, Price } from '../types.ts';

interface Dearest {
  readonly input: number;
  readonly output: number;
}

/** USD for so many tokens of the dearest model the asked-for name could mean; of all models where it names none. */
export type EstimateListUsd = (model: string, tokens: { readonly input: number; readonly output: number }) => number;

const PER = 1_000_000;
const NOTHING: Dearest = { input: 0, output: 0 };

/**
 * Models without a list price add nothing: where none has one, USD budgets cannot count and tokens can.
 * The table is made once a snapshot of the catalogue.
 */
export function createEstimateListUsd(catalogue: () => Catalogue): EstimateListUsd {
  const tables = new WeakMap<Catalogue, ReadonlyMap<string, Dearest>>();
  return (model, tokens) => {
    const current = catalogue();
    const table = tables.get(current) ?? tableOf(current);
    tables.set(current, table);
    const { input, output } = table.get(model.toLowerCase()) ?? table.get(ANY) ?? NOTHING;
    return (tokens.input * input + tokens.output * output) / PER;
  };
}

/** No model is called so: names are never empty. */
const ANY = '';

function tableOf({ providers }: Catalogue): ReadonlyMap<string, Dearest> {
  const table = new Map<string, Dearest>();
  for (const provider of providers.values()) {
    for (const { name, aliases, price } of provider.models) {
      for (const known of [ANY, ...[name, ...aliases].flatMap((id) => [id, `${provider.name}/${id}`])]) table.set(known.toLowerCase(), dearer(table.get(known.toLowerCase()), price));
    }
  }
  return table;
}

const dearer = (known: Dearest = NOTHING, { listInput = 0, listOutput = 0 }: Price): Dearest => ({ input: Math.max(known.input, listInput), output: Math.max(known.output, listOutput) });
