/** Many streams held open through each way in turn: what a chunk costs that comes by itself, what a stream holds, how late the loop is. */
import { setTimeout as pause } from 'node:timers/promises';
import { mean, over, spread, table } from './figures.js';
import { holdStreams } from './load.js';
import { calibrationMs, tellMachine, watched } from './machine.js';

/** What closing them makes each side do is over by then. */
const SETTLE_MS = 500;

async function turn({ body, everyMs }, { ways, way, streams, seconds }) {
  const held = await holdStreams(way.origin, { body, headers: way.headers, streams, overSeconds: seconds / 2 });
  const eventsBefore = held.events();
  const figures = await watched({ ours: ways, subject: way }, () => pause(seconds * 1000));
  const events = held.events() - eventsBefore;
  const memory = await way.look({ collected: true });
  const { failed, reason } = held.close();
  await pause(SETTLE_MS);
  return { cpu: (figures.cpuMs * 1000) / events, cores: figures.cores, lag: figures.lagMs, others: figures.others, share: events / ((streams * figures.wallMs) / everyMs), failed, reason, memory };
}

export async function compareStreams(scene, { ways, rounds, seconds, goals }) {
  const { streams } = scene;
  const seen = Object.fromEntries(ways.map(({ name }) => [name, { cpu: [], cores: [], lag: [], share: [], rss: [], heap: [], failed: [], reason: undefined }]));
  const idle = new Map();
  for (const way of ways) {
    await turn(scene, { ways, way, streams: Math.ceil(streams / 10), seconds: 1 });
    // Memory once taken is not given back to the system: all rounds are held against what it was before the first.
    idle.set(way, await way.look({ collected: true }));
  }
  const machine = { loop: [], others: [] };
  for (let round = 0; round < rounds; round++) {
    machine.loop.push(calibrationMs());
    const others = [];
    for (const way of ways) {
      const { memory, reason, ...figures } = await turn(scene, { ways, way, streams, seconds });
      const row = seen[way.name];
      for (const key of ['cpu', 'cores', 'lag', 'share', 'failed']) row[key].push(figures[key]);
      row.rss.push(((memory.rssMb - idle.get(way).rssMb) * 1024) / streams);
      row.heap.push(((memory.heapMb - idle.get(way).heapMb) * 1024) / streams);
      row.reason ??= reason;
      others.push(figures.others);
    }
    machine.others.push(mean(others));
  }
  console.log(`\n${scene.name} (${rounds} rounds of ${seconds} s, median and range)`);
  table([
    ['way', 'CPU µs a chunk', 'cores', 'loop lag p99 ms', 'chunks come, of those due', 'KB a stream: resident', 'heap', 'refused or broken'],
    ...Object.entries(seen).map(([way, { cpu, cores, lag, share, rss, heap, failed }]) => [way, spread(cpu, 1), spread(cores, 2), spread(lag, 1), spread(share, 2), spread(rss, 1), spread(heap, 1), failed.join(' ')]),
  ]);
  const { 'bare proxy': bare, tollfree: ours } = seen;
  goals.add(`${scene.name}: CPU a chunk ÷ bare`, over(ours.cpu, bare.cpu), { most: 2 });
  goals.add(`${scene.name}: loop lag p99, ms`, ours.lag, { most: 50 });
  goals.add(`${scene.name}: resident KB a stream`, ours.rss, { most: 48 });
  goals.add(`${scene.name}: refused or broken`, ours.failed, { most: 0 });
  goals.add(`${scene.name}: chunks come, of those due`, ours.share, { least: 0.98 });
  for (const [way, { reason }] of Object.entries(seen)) if (reason !== undefined) console.log(`  ${way}: the first that failed was told: ${reason}`);
  tellMachine(machine);
}
