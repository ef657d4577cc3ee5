/**
 * Counters and histograms kept as plain numbers, which prom-client tells when somebody scrapes.
 *
 * It makes a text of every label at every count: about a microsecond each, and a request counts a dozen times. Walking three
 * maps of names that are there already costs 0.05.
 */
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

type Label = string | number;

export interface Family {
  readonly name: string;
  readonly help: string;
  /** Three at most. */
  readonly labelNames: readonly string[];
  readonly registers: Registry[];
}

/** Values of the labels in the order of their names. */
export interface CountFamily {
  readonly add: (value: number, one?: Label, two?: Label, three?: Label) => void;
}

export interface SpreadFamily {
  readonly observe: (value: number, one?: Label, two?: Label) => void;
}

export function createCounts(family: Family): CountFamily {
  const cells = createCells(family.labelNames, () => ({ value: 0 }));
  void new Counter({
    ...family,
    collect() {
      this.reset();
      for (const { labels, cell } of cells.all()) this.inc(labels, cell.value);
    },
  });
  return {
    add(value, one, two, three) {
      const cell = cells.at(one, two, three);
      // What is no number, or less than none, is some provider's slip: a counter never falls.
      if (value > 0) cell.value += value;
    },
  };
}

/** `buckets`: upper bounds, rising. */
export function createSpread({ buckets, ...family }: Family & { readonly buckets: readonly number[] }): SpreadFamily {
  const cells = createCells(family.labelNames, () => ({ counts: new Float64Array(buckets.length + 1), sum: 0 }));
  // A histogram without labels is there from the start.
  if (family.labelNames.length === 0) cells.at();
  const told = () => Promise.resolve({
    name: family.name,
    help: family.help,
    type: 'histogram',
    aggregator: 'sum',
    values: cells.all().flatMap(({ labels, cell: { counts, sum } }) => {
      const upTo = counts.map((_, bucket) => counts.subarray(0, bucket + 1).reduce((total, count) => total + count, 0));
      const each = [...upTo].map((value, bucket) => ({ metricName: `${family.name}_bucket`, labels: { le: buckets[bucket] ?? '+Inf', ...labels }, value }));
      return [...each, { metricName: `${family.name}_sum`, labels, value: sum }, { metricName: `${family.name}_count`, labels, value: upTo.at(-1) ?? 0 }];
    }),
  });
  Object.assign(new Histogram({ ...family, buckets: [...buckets] }), { get: told, getForPromString: told });
  return {
    observe(value, one, two) {
      const cell = cells.at(one, two);
      let bucket = 0;
      while (bucket < buckets.length && value > (buckets[bucket] ?? 0)) bucket += 1;
      cell.counts[bucket] = (cell.counts[bucket] ?? 0) + 1;
      cell.sum += value;
    },
  };
}

interface Cells<Cell> {
  readonly at: (one?: Label, two?: Label, three?: Label) => Cell;
  readonly all: () => readonly { readonly labels: Record<string, Label>; readonly cell: Cell }[];
}

function createCells<Cell>(labelNames: readonly string[], make: () => Cell): Cells<Cell> {
  const first = new Map<Label, Map<Label, Map<Label, Cell>>>();
  const made: { readonly labels: Record<string, Label>; readonly cell: Cell }[] = [];
  const add = (values: readonly Label[]): Cell => {
    const cell = make();
    made.push({ labels: Object.fromEntries(labelNames.map((name, index) => [name, values[index] ?? ''])), cell });
    return cell;
  };
  return {
    at(one = '', two = '', three = '') {
      const second = first.get(one) ?? entered(first, one, new Map<Label, Map<Label, Cell>>());
      const third = second.get(two) ?? entered(second, two, new Map<Label, Cell>());
      return third.get(three) ?? entered(third, three, add([one, two, three]));
    },
    all: () => made,
  };
}

function entered<Value>(map: Map<Label, Value>, label: Label, value: Value): Value {
  map.set(label, value);
  return value;
}
