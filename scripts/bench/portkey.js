/** Portkey's gateway as a peer: installed on demand outside the project, and asked like ours. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { start } from './processes.js';

const PACKAGE = '@portkey-ai/gateway@1.15.2';
const directory = join(tmpdir(), 'tollfree-bench-peers');
const program = join(directory, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');

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
    mkdirSync(directory, { recursive: true });
    if (!existsSync(program)) execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', directory, PACKAGE], { stdio: 'pipe' });
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const { pid, stop } = await start([program, `--port=${port}`, '--headless'], { ready: /(.+)/, stdio: ['ignore', 'pipe', 'ignore'] });
    await answers(origin);
    return { name: 'Portkey', origin, pid, stop, headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` } };
  } catch (error) {
    console.log(`without Portkey: ${error.message}`);
    return undefined;
  }
}
