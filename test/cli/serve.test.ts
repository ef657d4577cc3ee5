import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bare, program, runProgram } from './process.ts';

const place: { directory: string; daemon?: ChildProcess } = { directory: '' };
beforeEach(async () => {
  place.directory = await mkdtemp(join(tmpdir(), 'tollfree-serve-'));
});
afterEach(async () => {
  // A test that failed halfway leaves it running.
  place.daemon?.kill('SIGKILL');
  await rm(place.directory, { recursive: true });
});

/** Resolves once it listens, to where: loopback. */
async function serve(environment: NodeJS.ProcessEnv): Promise<{ readonly daemon: ChildProcess; readonly address: string }> {
  const daemon = spawn(process.execPath, [program, 'serve', '--port', '0'], { env: { ...bare, ...environment }, cwd: place.directory });
  place.daemon = daemon;
  let said = '';
  daemon.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const listening = /listening on (http:\/\/127\.0\.0\.1:\d+)\//;
  while (!listening.test(said)) await once(daemon.stderr, 'data');
  const [, address = ''] = listening.exec(said) ?? [];
  return { daemon, address };
}

test('serve listens, a second one on the same data refuses, SIGTERM ends it with 0', async () => {
  const environment = { TOLLFREE_DATA_DIR: join(place.directory, 'data') };
  const { daemon, address } = await serve(environment);
  expect((await fetch(`${address}/health/live`)).status).toBe(200);

  const second = await runProgram(['serve', '--port', '0'], { environment });
  expect(second.status).toBe(1);
  expect(second.words).toMatch(/^error: .* is already served by process \d+/);

  const [, port = ''] = address.split(':').slice(1);
  const taken = await runProgram(['serve', '--port', port], { environment: { TOLLFREE_DATA_DIR: join(place.directory, 'other') } });
  expect(taken).toMatchObject({ status: 1, words: `error: the address is already in use 127.0.0.1:${port}\n  hint: another one may be running already; --port chooses another\n` });

  daemon.kill('SIGTERM');
  await once(daemon, 'close');
  expect(daemon.exitCode).toBe(0);
});

test('a variable that is empty is one that is not set', async () => {
  const environment = Object.fromEntries(['HOST', 'DATA_DIR', 'CONFIG', 'ADMIN_TOKEN', 'LOG_LEVEL', 'PASSPHRASE'].map((name) => [`TOLLFREE_${name}`, '']));
  const { address } = await serve(environment);
  const { status } = await runProgram(['status'], { directory: place.directory, environment: { ...environment, TOLLFREE_PORT: new URL(address).port } });
  expect(status).toBe(0);
});

test('nobody counts by himself what he was asked to share', async () => {
  const { status, words } = await runProgram(['serve', '--port', '0'], { directory: place.directory, environment: { TOLLFREE_REDIS_URL: 'redis://localhost' } });
  expect(status).toBe(1);
  expect(words).toMatch(/^error: the configuration is wrong\nTOLLFREE_REDIS_URL several daemons cannot share/);
});

test('a wrong TOLLFREE_LOG_LEVEL is named', async () => {
  const { status, words } = await runProgram(['serve', '--port', '0'], { directory: place.directory, environment: { TOLLFREE_LOG_LEVEL: 'verbose' } });
  expect({ status, words }).toEqual({ status: 1, words: 'error: the configuration is wrong\nTOLLFREE_LOG_LEVEL "verbose" is not a level: error, warn, info, debug\n' });
});
