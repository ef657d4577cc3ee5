/**
 * What tollfree costs beside a bare Node proxy, Portkey's gateway and a direct call: rounds of the same load, in turn, on one
 * machine. Absolute figures drift with the machine, and each round tells how it did; the ratios of one run are what counts.
 * `--quick` for a first look, `--only <word of a scene>`, `--rounds N`, `--without portkey`, `--profile`.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startDaemon } from './daemon.js';
import { createGoals } from './figures.js';
import { manyRules } from './many-rules.js';
import { compareLoad } from './overhead-load.js';
import { compareStreams } from './overhead-streams.js';
import { startPortkey } from './portkey.js';
import { start } from './processes.js';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, rounds: { type: 'string' }, without: { type: 'string', default: '' }, profile: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const seconds = options.quick ? 0.7 : 2;
const streams = options.quick ? 500 : 2_000;
const CHUNKS_EVERY_MS = 50;
const profiles = join(tmpdir(), 'tollfree-bench-profiles');

const here = (name) => join(import.meta.dirname, name);
const prompt = (bytes) => 'Please look at this and tell me what you think of it. '.repeat(Math.ceil(bytes / 54)).slice(0, bytes);
const body = (bytes, stream) => JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: prompt(bytes) }], stream, max_tokens: 400 });

const LATENCY = { 'first byte p50 less a direct call, ms': { most: 0.5 }, 'first byte p99 less a direct call, ms': { most: 3 } };
const SCENES = [
  {
    name: 'JSON, 1 KB prompt',
    compare: compareLoad,
    connections: 64,
    body: body(1_000, false),
    goals: { 'CPU a request ÷ bare': { most: 2 }, 'CPU a request ÷ Portkey': { most: 0.1 }, 'requests/s ÷ bare': { least: 0.45 }, 'requests/s ÷ Portkey': { least: 9 }, ...LATENCY },
  },
  {
    name: 'JSON, 30 KB prompt, 200 rules with 1,000 keywords',
    compare: compareLoad,
    connections: 64,
    body: body(30_000, false),
    rules: manyRules(),
    goals: { 'CPU a request ÷ bare': { most: 2.5 }, 'CPU a request ÷ Portkey': { most: 0.1 } },
  },
  { name: 'stream of 50 chunks at once', compare: compareLoad, connections: 32, body: body(1_000, true), goals: { 'CPU a request ÷ bare': { most: 2 }, ...LATENCY } },
  { name: `${streams} open streams, ${1000 / CHUNKS_EVERY_MS} chunks a second each`, compare: compareStreams, streams, everyMs: CHUNKS_EVERY_MS, body: body(1_000, true) },
].filter(({ name }) => name.includes(options.only));

/** What a request can go through, each with processes of its own, started for this scene. Portkey holds no thousands of streams. */
async function waysOf({ rules, everyMs }) {
  const flags = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
  const direct = await start([here('upstream.js'), ...(everyMs === undefined ? [] : [String(everyMs)])]);
  const origin = `http://127.0.0.1:${direct.word}`;
  const bare = await start([here('bare.js'), origin]);
  const tollfree = await startDaemon(origin, { flags, rules });
  const portkey = options.without === 'portkey' || everyMs !== undefined ? undefined : await startPortkey(origin);
  return [{ ...direct, name: 'direct', origin }, { ...bare, name: 'bare proxy', origin: `http://127.0.0.1:${bare.word}` }, { ...tollfree, name: 'tollfree' }, ...(portkey ? [portkey] : [])];
}

const goals = createGoals();
for (const scene of SCENES) {
  const ways = await waysOf(scene);
  try {
    await scene.compare(scene, { ways, rounds, seconds, goals });
    const memory = await Promise.all(ways.map(async (way) => `${way.name} ${(await way.look()).rssMb.toFixed(0)}`));
    console.log(`  memory after the load, MB: ${memory.join(', ')}`);
  } finally {
    for (const way of ways.toReversed()) await way.stop();
  }
}
goals.tell();
if (options.profile) console.log(`\nprofiles, one a scene: ${profiles}`);
