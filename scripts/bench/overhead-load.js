/** The same load over each way in turn, round by round: at saturation, then at a tenth of that rate. */
import { mean, median, minus, over, quantile, spread, table } from './figures.js';
import { load } from './load.js';
import { calibrationMs, tellMachine, watched } from './machine.js';

/** The compilers of all of them are done with what matters after so many. */
const WARM_REQUESTS = 3_000;

/** One way's turn in a round. `rate`: what counts as saturation; its own where it is not known yet. */
async function turn({ body, connections }, { ways, way, rate, seconds, least }) {
  const asking = { body, headers: way.headers, seconds };
  const full = await watched({ ours: ways, subject: way }, () => load(way.origin, { ...asking, connections, least }));
  const calm = await load(way.origin, { ...asking, perSecond: (rate ?? full.rate) / 10 });
  return { cpu: (full.cpuMs * 1000) / full.whole.length, rate: full.rate, cores: full.cores, others: full.others, first: calm.first, failed: full.failed + calm.failed, reason: full.reason ?? calm.reason };
}

async function measure(scene, { ways, rounds, seconds }) {
  const seen = Object.fromEntries(ways.map(({ name }) => [name, { cpu: [], rate: [], cores: [], p50: [], p99: [], first: [], failed: 0, reason: undefined }]));
  const machine = { loop: [], others: [] };
  const known = { rate: undefined };
  for (let round = -1; round < rounds; round++) {
    const loop = calibrationMs();
    const others = [];
    for (const way of ways) {
      const figures = await turn(scene, { ways, way, seconds, least: round < 0 ? WARM_REQUESTS : 0, rate: way.name === 'Portkey' ? undefined : known.rate });
      if (way.name === 'tollfree') known.rate = figures.rate;
      if (round < 0) continue;
      const row = seen[way.name];
      for (const key of ['cpu', 'rate', 'cores']) row[key].push(figures[key]);
      row.p50.push(quantile(figures.first, 0.5));
      row.p99.push(quantile(figures.first, 0.99));
      row.first.push(...figures.first);
      row.failed += figures.failed;
      row.reason ??= figures.reason;
      others.push(figures.others);
    }
    if (round < 0) continue;
    machine.loop.push(loop);
    machine.others.push(mean(others));
  }
  return { seen, machine };
}

export async function compareLoad(scene, run) {
  const { seen, machine } = await measure(scene, run);
  console.log(`\n${scene.name} (${run.rounds} rounds of ${run.seconds} s, median and range)`);
  table([
    ['way', 'CPU µs a request', 'requests/s', 'cores', 'at a tenth: first byte p50 ms', 'p99 ms', 'p99.9 · longest', 'over 35 ms'],
    ...Object.entries(seen).map(([way, { cpu, rate, cores, p50, p99, first }]) => [
      way, spread(cpu), spread(rate), median(cores).toFixed(2), spread(p50, 2), spread(p99, 2), `${quantile(first, 0.999).toFixed(1)} · ${Math.max(...first).toFixed(1)}`, `${first.filter((ms) => ms > 35).length} of ${first.length}`,
    ]),
  ]);
  const { direct, 'bare proxy': bare, tollfree: ours, Portkey: peer } = seen;
  const beside = {
    'CPU a request ÷ bare': over(ours.cpu, bare.cpu),
    'requests/s ÷ bare': over(ours.rate, bare.rate),
    ...(peer && { 'CPU a request ÷ Portkey': over(ours.cpu, peer.cpu), 'requests/s ÷ Portkey': over(ours.rate, peer.rate) }),
    'first byte p50 less a direct call, ms': minus(ours.p50, direct.p50),
    'first byte p99 less a direct call, ms': minus(ours.p99, direct.p99),
    'refused or broken': [ours.failed],
  };
  console.log('  tollfree:');
  table(Object.entries(beside).map(([figure, values]) => [`  ${figure}`, spread(values, 2)]));
  for (const [figure, values] of Object.entries(beside)) {
    const goal = { 'refused or broken': { most: 0 }, ...scene.goals }[figure];
    if (goal) run.goals.add(`${scene.name}: ${figure}`, values, goal);
  }
  for (const [way, { failed, reason }] of Object.entries(seen)) if (failed > 0) console.log(`  ${way}: ${failed} failed, the first with: ${reason}`);
  tellMachine(machine);
}
