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

test('serve listens, a second one on the same data refuses, SIGTERM ends it with 0', async () => {
  const environment = { TOLLFREE_DATA_DIR: join(place.directory, 'data') };
  const daemon = spawn(process.execPath, [program, 'serve', '--port', '0'], { env: { ...bare, ...environment } });
  place.daemon = daemon;
  let said = '';
  daemon.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  while (!said.includes('listening on')) await once(daemon.stderr, 'data');
  const [address = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
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
}, 30_000);
