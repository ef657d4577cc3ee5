/**
 * What several processes are worth (`server.workers`): the same daemon as one process and with workers, asked in turn on one
 * machine. The load and its upstream take cores, too, so the requests a second of a small machine say less than the processor
 * time of a request, over all the daemon's processes: what as many cores could answer if they did nothing else.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { startDaemon } from './daemon.js';
import { createGoals, over, spread, table } from './figures.js';
import { load } from './load.js';
import { calibrationMs } from './machine.js';
import { start } from './processes.js';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '3' }, workers: { type: 'string', default: '2' }, connections: { type: 'string', default: '64' } } });
const { rounds, seconds, workers, connections } = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, Number(value)]));
const WARM_REQUESTS = 20_000;
/** Of `/proc/PID/stat`: a tick is 10 ms on every Linux there is. */
const TICK_MS = 10;

const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Please look at this and tell me what you think of it. '.repeat(18) }], stream: false, max_tokens: 400 });

const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
const cpuMs = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

const upstream = await start([new URL('upstream.js', import.meta.url).pathname]);
const daemons = [];
try {
  for (const [name, count] of [['one process', 1], [`an owner and ${workers} workers`, workers]]) {
    const daemon = await startDaemon(`http://127.0.0.1:${upstream.word}`, { workers: count });
    daemons.push({ ...daemon, name, processes: [daemon.pid, ...childrenOf(daemon.pid)], seen: { rate: [], cpu: [], owner: [], failed: 0 } });
  }
  for (const { origin } of daemons) await load(origin, { body, connections, seconds: 0, least: WARM_REQUESTS });
  const loops = [];
  for (let round = 0; round < rounds; round++) {
    loops.push(calibrationMs());
    for (const { origin, processes, seen } of daemons) {
      const before = processes.map(cpuMs);
      const { whole, rate, failed } = await load(origin, { body, connections, seconds });
      const used = processes.map((pid, index) => ((cpuMs(pid) - before[index]) * 1000) / whole.length);
      seen.rate.push(rate);
      seen.cpu.push(used.reduce((sum, each) => sum + each, 0));
      seen.owner.push(used[0]);
      seen.failed += failed;
    }
  }

  const [one, several] = daemons.map(({ seen }) => seen);
  const cores = Math.min(workers, availableParallelism());
  const byCpu = over(one.cpu, several.cpu).map((ratio) => ratio * cores);
  console.log(`\nJSON, 1 KB prompt, ${connections} connections (${rounds} rounds of ${seconds} s, median and range)`);
  table([
    ['', 'requests/s', '÷ one process', 'CPU µs a request', 'of it the owner', 'refused'],
    ...daemons.map(({ name, seen }) => [name, spread(seen.rate), spread(over(seen.rate, one.rate), 2), spread(seen.cpu), spread(seen.owner), String(seen.failed)]),
  ]);
  console.log(`  by processor time ${cores} cores that did nothing else answer ${spread(byCpu, 2)} times as much as one; seen here, beside the load and its upstream on ${availableParallelism()} cores: ${spread(over(several.rate, one.rate), 2)}`);
  console.log(`  the owner is the one process there is one of: it is full at ${spread(several.owner.map((each) => 1e6 / each))} requests/s`);
  console.log(`  the machine, round by round: calibration loop ${loops.map((ms) => ms.toFixed(0)).join(' ')} ms`);
  const goals = createGoals();
  goals.add(`requests ${cores} cores answer ÷ one process, by processor time`, byCpu, { least: 0.85 * cores });
  goals.tell();
} finally {
  for (const each of [...daemons, upstream]) await each.stop();
}
