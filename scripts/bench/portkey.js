/** Portkey's gateway as a peer: installed on demand outside the project, and asked like ours. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { start } from './processes.js';

const VERSION = '1.15.2';
/** Newer ones keep the headers of a streamed answer immutable, and Portkey then answers every stream with 500. */
const SERVER_VERSION = '1.14.1';
const directory = join(tmpdir(), 'tollfree-bench-peers', `portkey-${VERSION}-${SERVER_VERSION}`);
const program = join(directory, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');

function install() {
  if (existsSync(program)) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies: { '@portkey-ai/gateway': VERSION }, overrides: { '@hono/node-server': SERVER_VERSION } }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: directory, stdio: 'pipe' });
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(origin) {
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(origin).then(() => true, () => false)) return;
    await pause(100);
  }
  throw new Error(`nothing answers at ${origin}`);
}

/** Undefined where it cannot be had: said, and gone on without. */
export async function startPortkey(upstream) {
  try {
    install();
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const portkey = await start([program, `--port=${port}`, '--headless'], { ready: /(.+)/, stdio: ['ignore', 'pipe', 'ignore'] });
    await answers(origin);
    return { ...portkey, name: 'Portkey', origin, headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` } };
  } catch (error) {
    console.log(`without Portkey: ${error.message}`);
    return undefined;
  }
}
