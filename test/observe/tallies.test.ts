/** Whoever scrapes reads what prom-client itself would have told. */
import { expect, test } from '@jest/globals';
import { Counter, Histogram, Registry } from 'prom-client';
import { createCounts, createSpread } from '../../src/observe/tallies.ts';

const COUNTS = { name: 'counts_total', help: 'Counts.', labelNames: ['model', 'outcome'] } as const;
const SPREAD = { name: 'spread_seconds', help: 'A spread.', labelNames: ['model'], buckets: [0.1, 0.5, 2] } as const;
const BARE = { name: 'bare_seconds', help: 'No labels.', labelNames: [], buckets: [1] } as const;

/** Prom-client and we write labels in different orders. */
const linesOf = async (registry: Registry): Promise<readonly string[]> => (await registry.metrics()).split('\n').map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').toSorted().join(',')}}`));

test('tallies tell the same as prom-client, label by label and bucket by bucket', async () => {
  const [theirs, ours] = [new Registry(), new Registry()];
  const their = { counts: new Counter({ ...COUNTS, registers: [theirs] }), spread: new Histogram({ ...SPREAD, buckets: [...SPREAD.buckets], registers: [theirs] }) };
  void new Histogram({ ...BARE, buckets: [...BARE.buckets], registers: [theirs] });
  const our = { counts: createCounts({ ...COUNTS, registers: [ours] }), spread: createSpread({ ...SPREAD, registers: [ours] }) };
  createSpread({ ...BARE, registers: [ours] });

  for (const [model, outcome, value] of [['a', 'ok', 1], ['a', 'rate-"minute"', 2], ['b', 'ok', 0], ['a', 'ok', 0.5]] as const) {
    their.counts.inc({ model, outcome }, value);
    our.counts.add(value, model, outcome);
  }
  for (const [model, value] of [['a', 0.1], ['a', 0.100_1], ['b', 99], ['a', 0], ['b', 2]] as const) {
    their.spread.observe({ model }, value);
    our.spread.observe(value, model);
  }

  expect(await linesOf(ours)).toEqual(await linesOf(theirs));
});

test('a counter never falls', async () => {
  const registry = new Registry();
  const counts = createCounts({ ...COUNTS, registers: [registry] });
  for (const value of [3, -2, Number.NaN]) counts.add(value, 'a', 'ok');
  expect(await registry.metrics()).toContain('counts_total{model="a",outcome="ok"} 3\n');
});
