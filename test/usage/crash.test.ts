/** The record of processes that are killed while they write. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DatabaseSync } from '@photostructure/sqlite';
import { entryOf, lineOf } from '../../src/usage/entry.ts';
import { createKeeper } from '../../src/usage/keeper.ts';
import { createSpool } from '../../src/usage/spool.ts';
import { finished } from './finished.ts';

const DAY = 86_400_000;
const retention = { requestsMs: 30 * DAY, mostRequests: 1_000_000, totalsMs: 400 * DAY };
const writer = join(import.meta.dirname, 'writer.js');

const made: string[] = [];
afterEach(() => made.splice(0).forEach((directory) => rmSync(directory, { recursive: true, force: true })));

/** Killed, at whatever it is doing, once it has said so many bytes. Resolves with the requests it said were finished. */
async function killed(dataDirectory: string, name: string, bytes: number): Promise<string[]> {
  const path = join(dataDirectory, `${name}.said`);
  const said = openSync(path, 'a');
  const child = spawn(process.execPath, [writer, dataDirectory, name], { stdio: ['ignore', said, 'inherit'] });
  const looking = setInterval(() => {
    if (statSync(path).size >= bytes) child.kill('SIGKILL');
  }, 1);
  await once(child, 'exit');
  clearInterval(looking);
  closeSync(said);
  expect(child.signalCode).toBe('SIGKILL');
  // The last line may be cut, like the process.
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

describe('a stopped daemon', () => {
  // Answered, so many questions would take minutes.
  test('ends well and soon in the midst of its work, and the next one has the rest', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'tollfree-stop-'));
    made.push(dataDirectory);
    const directory = join(dataDirectory, 'record');
    const spool = createSpool({ directory, now: Date.now, onTrouble: () => undefined });
    const requests = 30_000;
    for (let number = 0; number < requests; number += 1) {
      const { request, summary } = finished({ id: `req_${number}`, at: Date.now(), key: `key-${number % 3_000}` });
      spool.append(lineOf(entryOf(request, summary)));
    }
    spool.close();

    const stopping = `
      import { createRecord } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'dist', 'usage', 'record.js'))};
      const record = createRecord({ dataDirectory: ${JSON.stringify(dataDirectory)}, retention: ${JSON.stringify(retention)}, now: Date.now, emit: () => undefined });
      for (let asked = 0; asked < 5_000; asked += 1) record.stats({ by: ['day', 'key', 'model'], from: '2026-01-01', limit: 500, offset: 0 }).catch(() => undefined);
      await record.close();
      console.log('closed');`;
    const program = join(dataDirectory, 'stopping.mjs');
    writeFileSync(program, stopping);
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect([said, child.exitCode, child.signalCode]).toEqual(['closed\n', 0, null]);

    const keeper = createKeeper({ directory, retention, tell: () => undefined });
    while (keeper.take(Date.now()));
    expect(keeper.stats({ by: [], from: '2026-01-01', limit: 1, offset: 0 }, Date.now()).total.requests).toBe(requests);
    keeper.close();
  });
});

describe('a killed daemon', () => {
  test('has written down every request it finished, and none twice', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'tollfree-crash-'));
    made.push(dataDirectory);
    const said: string[] = [];
    // Some die before the first batch, some between, one after several segments.
    for (const [round, bytes] of [1, 500, 30_000, 40_000, 35_000, 225_000, 50_000, 1].entries()) said.push(...(await killed(dataDirectory, `round${round}`, bytes)));

    const directory = join(dataDirectory, 'record');
    const keeper = createKeeper({ directory, retention, tell: (message) => said.push(message) });
    while (keeper.take(Date.now()));
    const { total } = keeper.stats({ by: [], from: '2026-01-01', limit: 1, offset: 0 }, Date.now());
    keeper.close();

    const database = new DatabaseSync(join(directory, 'record.db'));
    const kept = database.prepare('select request_id as id from requests').all().map((row: { id: string }) => row.id);
    const attempts = database.prepare('select count(*) as count from attempts join requests on id = request').get() as { count: number };
    database.close();
    const unique = new Set(kept);
    expect(said.length).toBeGreaterThan(20_000);
    expect(said.filter((id) => !unique.has(id))).toEqual([]);
    expect(kept).toHaveLength(unique.size);
    // What was written but not yet said when the process died: one a round at most.
    expect(kept.length - said.length).toBeLessThanOrEqual(8);
    expect(attempts.count).toBe(kept.length);
    expect(total).toMatchObject({ requests: kept.length, attempts: kept.length, tokensIn: 10 * kept.length, tokensOut: 5 * kept.length });
  });
});
