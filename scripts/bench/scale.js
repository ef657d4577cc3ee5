/**
 * What a request costs as the pool grows: a small daemon, and three that are large in one thing each, asked in turn on one machine.
 * The ratios of one run are what counts. `--rows 1000000` where the disk is small: ten million take 2 GB and a minute to make.
 */
import { parseArgs } from 'node:util';
import { startDaemon } from './daemon.js';
import { createGoals, mean, over, spread, table } from './figures.js';
import { load } from './load.js';
import { calibrationMs, tellMachine, watched } from './machine.js';
import { manyRules } from './many-rules.js';
import { start } from './processes.js';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '2' }, rows: { type: 'string', default: '10000000' }, accounts: { type: 'string', default: '1000' }, rules: { type: 'string', default: '1000' } } });
const { rounds, seconds, rows, accounts, rules } = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, Number(value)]));
const WARM_REQUESTS = 3_000;
const CONNECTIONS = 32;

const small = { accounts: 10, rules: manyRules(10), rows: 1 };
const DAEMONS = {
  '10 accounts, 10 rules, 1 row': small,
  [`${accounts} accounts`]: { ...small, accounts },
  [`${rules} rules`]: { ...small, rules: manyRules(rules) },
  [`${rows} rows`]: { ...small, rows },
};
const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Please look at this and tell me what you think of it. '.repeat(18) }], stream: false, max_tokens: 400 });

const upstream = await start([new URL('upstream.js', import.meta.url).pathname]);
const daemons = [];
try {
  for (const [name, size] of Object.entries(DAEMONS)) daemons.push({ ...(await startDaemon(`http://127.0.0.1:${upstream.word}`, size)), name });
  const seen = Object.fromEntries(daemons.map(({ name }) => [name, { cpu: [], rate: [], failed: 0 }]));
  const machine = { loop: [], others: [] };
  const ours = [upstream, ...daemons];
  for (const daemon of daemons) await load(daemon.origin, { body, connections: CONNECTIONS, seconds: 0, least: WARM_REQUESTS });
  for (let round = 0; round < rounds; round++) {
    machine.loop.push(calibrationMs());
    const others = [];
    for (const daemon of daemons) {
      const figures = await watched({ ours, subject: daemon }, () => load(daemon.origin, { body, connections: CONNECTIONS, seconds }));
      const row = seen[daemon.name];
      row.cpu.push((figures.cpuMs * 1000) / figures.whole.length);
      row.rate.push(figures.rate);
      row.failed += figures.failed;
      others.push(figures.others);
    }
    machine.others.push(mean(others));
  }

  const [[, least], ...grown] = Object.entries(seen);
  console.log(`\nJSON, 1 KB prompt (${rounds} rounds of ${seconds} s, median and range)`);
  table([
    ['', 'CPU µs a request', '÷ the small one', 'requests/s', 'refused', 'resident MB'],
    ...(await Promise.all(daemons.map(async (daemon) => {
      const { cpu, rate, failed } = seen[daemon.name];
      return [daemon.name, spread(cpu), spread(over(cpu, least.cpu), 2), spread(rate), String(failed), (await daemon.look()).rssMb.toFixed(0)];
    }))),
  ]);
  tellMachine(machine);
  const goals = createGoals();
  for (const [name, { cpu }] of grown) goals.add(`${name}: CPU a request ÷ the small one's`, over(cpu, least.cpu), { most: 1.1 });
  goals.tell();
} finally {
  for (const each of [...daemons, upstream]) await each.stop();
}
