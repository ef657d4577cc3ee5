/** The demo as a person runs it: a process, and nothing left behind. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { bare, program } from './process.ts';

const place: { temporary: string; demo?: ChildProcess } = { temporary: '' };
beforeEach(async () => {
  place.temporary = await mkdtemp(join(tmpdir(), 'tollfree-demo-test-'));
});
afterEach(async () => {
  // A test that failed halfway leaves it running; asked so, it takes its own children along.
  if (place.demo?.exitCode === null && place.demo.kill('SIGTERM')) await once(place.demo, 'close');
  await rm(place.temporary, { recursive: true });
});

/** With a directory for temporary files of its own, so that what is left behind can be seen. */
function start(commandLine: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [program, 'demo', ...commandLine], { env: { ...bare, TMPDIR: place.temporary, TOLLFREE_PORT: '1', TOLLFREE_DATA_DIR: '/nonexistent' } });
  place.demo = child;
  return child;
}

/** Waits for the words, and returns all that was said until then. */
async function says(child: ChildProcessWithoutNullStreams, words: string): Promise<string> {
  let heard = '';
  for await (const piece of child.stdout.iterator({ destroyOnReturn: false })) {
    heard += String(piece);
    if (heard.includes(words)) return heard;
  }
  throw new Error(`it ended without “${words}”:\n${heard}`);
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.unref();
    socket.once('connect', () => socket.destroy());
  });

const portsIn = (heard: string): number[] => [...heard.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));

describe('demo', () => {
  test('--once shows the tour, ends well, and leaves nothing', async () => {
    const child = start(['--once']);
    const [out, words] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    expect({ status: child.exitCode, words }).toEqual({ status: 0, words: '' });
    expect(out).toMatch(/rule {2}code_generation, by “python”/);
    expect(out).toMatch(/goes to {2}groq/);
    expect(out).toContain('def solve(items):');
    expect(out).toMatch(/groq {2}grace[\s\S]*groq {2}gus[\s\S]*groq {2}gina/);
    expect(out).toMatch(/groq refused 3 times \(rate-minute\) {2}→ {2}cerebras/);
    expect(out).toMatch(/tollfree_fallbacks_total +groq · cerebras · rate-minute +1/);
    // Piped, it is plain.
    expect(out).not.toContain('\u001B');
    expect(await readdir(place.temporary)).toEqual([]);
    expect(await Promise.all(portsIn(out).map((port) => answers(port)))).not.toContain(true);
  });

  test('SIGTERM in the middle of the tour takes everything down', async () => {
    const child = start([]);
    const heard = await says(child, 'The words choose');
    expect(await readdir(place.temporary)).toHaveLength(1);
    child.kill('SIGTERM');
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    expect(await readdir(place.temporary)).toEqual([]);
    expect(await Promise.all(portsIn(heard).map((port) => answers(port)))).not.toContain(true);
  });

  test('a reader that left takes everything down too', async () => {
    const child = start(['--once']);
    await says(child, 'The words choose');
    child.stdout.destroy();
    await once(child, 'exit');
    expect(await readdir(place.temporary)).toEqual([]);
  });

  test('after the tour the system is there to play with, its log follows, and Ctrl-C ends it', async () => {
    const child = start([]);
    const heard = await says(child, 'Ctrl-C ends everything');
    const [, address = ''] = /curl http:\/\/(\S+)\/v1\/chat/.exec(heard) ?? [];
    const logged = says(child, 'writing');
    const response = await fetch(`http://${address}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Write a haiku' }] }) });
    expect(response.status).toBe(200);
    await logged;
    child.kill('SIGINT');
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    expect(await readdir(place.temporary)).toEqual([]);
  });
});
