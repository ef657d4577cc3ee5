/** `tollfree logs` over a file that grows and is rotated the way the daemon does it. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/program.ts';
import { createStage, tollfree, type Heard } from './context.ts';

const place = { data: '' };
beforeEach(async () => {
  place.data = await mkdtemp(join(tmpdir(), 'tollfree-logs-'));
});
afterEach(() => rm(place.data, { recursive: true }));

const file = (rotation = ''): string => join(place.data, `tollfree${rotation}.log`);
const entry = (fields: object): string => `${JSON.stringify({ time: '2026-11-20T12:00:00.000Z', level: 'info', message: 'request', ...fields })}\n`;
const answered = (id: string): string =>
  entry({ request_id: id, rule: 'code', words: ['python'], provider: 'groq', account: 'work', model: 'm', status: 200, tokens_in: 1200, tokens_out: 34, total_ms: 1500, queue_ms: 0, attempts: [{ provider: 'groq', account: 'work', model: 'm', outcome: 'ok', sent: true, ms: 9 }] });
const refused = entry({
  request_id: 'r2', rule: 'code', status: 429, failure: 'exhausted', total_ms: 3,
  attempts: [],
  passed_over: [{ provider: 'groq', account: 'work', model: 'm', outcome: 'rate-minute', sent: false, retry_at: '2026-11-20T12:00:30.000Z' }],
});
const resting = entry({ level: 'warn', message: 'account', provider: 'groq', account: 'work', state: 'suspended', reason: 'credential' });

const logs = (...options: string[]): Promise<Heard> => tollfree(['logs', ...options], { environment: { TOLLFREE_DATA_DIR: place.data } });

const ids = ({ out }: Heard): string[] => out.split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { request_id: string }).request_id);

describe('logs', () => {
  test('tell requests with their story, accounts and notices, one line each', async () => {
    await writeFile(file(), answered('r1') + refused + resting + entry({ message: 'the vault was unlocked' }));
    const { out } = await logs();
    expect(out.replaceAll(/^\d\d:\d\d:\d\d/gm, 'TIME')).toBe(
      ['TIME  200  code (python)  groq/work m  1,200+34 tokens  2 s  r1', 'TIME  429  code  exhausted  3 ms  r2', '          passed over groq/work m: rate-minute until 2026-11-20T12:00:30.000Z', 'TIME  warn  groq/work is suspended: credential', 'TIME  the vault was unlocked', ''].join('\n'),
    );
  });

  test('are filtered by level, failure, provider and request; json is the lines as they are', async () => {
    await writeFile(file(), answered('r1') + refused + resting);
    expect((await logs('--level', 'warn', '-o', 'json')).out).toBe(resting);
    expect((await logs('--failed', '-o', 'json')).out).toBe(refused);
    expect((await logs('--request', 'r1', '-o', 'json')).out).toBe(answered('r1'));
    expect((await logs('--provider', 'cerebras', '-o', 'json')).out).toBe('');
    expect((await logs('--lines', '1', '-o', 'json')).out).toBe(resting);
  });

  test('go back into rotated files as far as asked', async () => {
    await writeFile(file('2'), answered('oldest'));
    await writeFile(file('1'), answered('older') + answered('old'));
    await writeFile(file(), answered('new'));
    expect(ids(await logs('--lines', '2', '-o', 'json'))).toEqual(['old', 'new']);
    expect(ids(await logs('-o', 'json'))).toEqual(['oldest', 'older', 'old', 'new']);
  });

  test('--follow shows what is added, over a rotation, and nothing twice', async () => {
    const stop = new AbortController();
    const { context, heard } = createStage({ environment: { TOLLFREE_DATA_DIR: place.data }, signal: stop.signal });
    const shown = async (id: string): Promise<void> => {
      while (!heard().out.includes(`"${id}"`)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const ended = run(['logs', '--follow', '-o', 'json'], context);
    await writeFile(file(), answered('first'));
    await shown('first');
    // A line in two pieces, the second one after the rotation's rename.
    const line = answered('second');
    await appendFile(file(), line.slice(0, 40));
    await rename(file(), file('1'));
    await appendFile(file('1'), line.slice(40));
    await writeFile(file(), answered('third'));
    await shown('third');
    await appendFile(file(), answered('fourth'));
    await shown('fourth');
    stop.abort();
    expect(await ended).toBe(0);
    expect(heard().out).toBe(['first', 'second', 'third', 'fourth'].map(answered).join(''));
  });

  test('that are not there are no success', async () => {
    const { status, words } = await logs();
    expect(status).toBe(1);
    expect(words).toContain('there is no log at');
  });
});
