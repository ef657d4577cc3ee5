/** The record with its thread, on a real directory. The thread runs from dist. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase } from '../../src/usage/database.ts';
import { createRecord } from '../../src/usage/record.ts';
import { createRecorder } from '../../src/usage/recorder.ts';
import type { GatewayEvent } from '../../src/types.ts';
import { tellRows } from '../../src/usage/tell.ts';
import { AT, attempt, finished } from './finished.ts';

const DAY = 86_400_000;
const retention = { requestsMs: 30 * DAY, mostRequests: 1_000_000, totalsMs: 400 * DAY };
const everything = { by: ['key' as const], from: '2026-01-01', limit: 100, offset: 0 };

const made: string[] = [];
afterEach(() => made.splice(0).forEach((directory) => rmSync(directory, { recursive: true, force: true })));
function directory(): string {
  const name = mkdtempSync(join(tmpdir(), 'tollfree-record-'));
  made.push(name);
  return name;
}

function open(dataDirectory = directory()) {
  const told: GatewayEvent[] = [];
  return { dataDirectory, told, record: createRecord({ dataDirectory, retention, now: () => AT, emit: (event) => told.push(event) }) };
}

describe('the record', () => {
  test('counts what was finished before the question, and goes on after a restart', async () => {
    const first = open();
    first.record.observe(finished({ usage: { input: 10, output: 5 }, costUsd: 0, savedUsd: 0.25 }));
    first.record.observe(finished({ id: 'req_2', failure: 'exhausted', status: 429, attempts: [] }));
    const stats = await first.record.stats(everything);
    expect(stats.rows).toMatchObject([{ group: { key: 'ci' }, requests: 2, failures: 1, attempts: 1, tokensIn: 10, tokensOut: 5, costUsd: 0, savedUsd: 0.25 }]);
    await first.record.close();

    const second = open(first.dataDirectory);
    second.record.observe(finished({ id: 'req_3' }));
    expect((await second.record.stats(everything)).total.requests).toBe(3);
    await second.record.close();
    expect([...first.told, ...second.told]).toEqual([]);
  });

  test('tells the requests themselves, newest first, with what was tried and what nobody knows', async () => {
    const { record } = open();
    record.observe(finished({ id: 'req_1', usage: { input: 10, output: 5, cachedInput: 3 }, costUsd: 0, savedUsd: 0.25, attempts: [attempt({ provider: 'other', outcome: 'rate-minute', retryAt: AT + 60_000 }), attempt()] }));
    record.observe(finished({ id: 'req_2', keyId: 'key_1', failure: 'exhausted', status: 429, attempts: [] }));
    record.observe(finished({ id: 'req_3', usage: { input: 1, output: 1, estimated: true } }));
    const first = await record.rows({ limit: 2 });
    const { requests, next } = tellRows(first) as { requests: Record<string, unknown>[]; next: number };
    expect(requests).toMatchObject([{ request_id: 'req_3', estimated: true, cost_usd: null, saved_usd: null }, { request_id: 'req_2', key_id: 'key_1', status: 429, failure: 'exhausted', provider: null, estimated: null, attempts: [] }]);
    const rest = tellRows(await record.rows({ limit: 2, before: next }));
    expect(rest).toMatchObject({ requests: [{
      request_id: 'req_1', received_at: new Date(AT).toISOString(), key: 'ci', key_id: null, project: 'web', stream: false, estimated: false, tokens_in: 10, tokens_out: 5, cached_in: 3, cost_usd: 0, saved_usd: 0.25,
      attempts: [{ provider: 'other', outcome: 'rate-minute', retry_at: new Date(AT + 60_000).toISOString() }, { provider: 'groq', model: 'gpt', account: 'work', outcome: 'ok', total_ms: 100, retry_at: null }],
    }] });
    expect(rest).not.toHaveProperty('next');
    expect(JSON.stringify([requests, rest])).not.toContain('secret prompt');
    await record.close();
  });

  test('answers many questions while requests end', async () => {
    const { record } = open();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => {
      record.observe(finished({ id: `req_${number}` }));
      return record.stats(everything);
    }));
    // Each question sees at least what had ended before it, and never less than the one before.
    const seen = answers.map(({ total }) => total.requests);
    expect(seen.every((requests, number) => requests > number && requests <= 20)).toBe(true);
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    await record.close();
    await expect(record.stats(everything)).rejects.toMatchObject({ failure: { kind: 'unavailable' } });
  });

  test('is nobody else\'s to read', async () => {
    const { record, dataDirectory } = open();
    record.observe(finished());
    await record.stats(everything);
    const place = join(dataDirectory, 'record');
    expect(statSync(place).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(place)) expect([name, statSync(join(place, name)).mode & 0o777]).toEqual([name, 0o600]);
    await record.close();
  });

  test('says what could not be written before the end', async () => {
    const dataDirectory = directory();
    writeFileSync(join(dataDirectory, 'record'), 'in the way');
    const { record, told } = open(dataDirectory);
    record.observe(finished());
    await record.close();
    expect(told).toContainEqual(expect.objectContaining({ message: 'the record could not be written to the end', fields: { lost_requests: 1 } }));
  });

  test('has what was finished last in its database when it is closed, though no thread was there yet', async () => {
    const { dataDirectory, record } = open();
    record.observe(finished());
    await record.close();
    const database = openDatabase(join(dataDirectory, 'record', 'record.db'));
    expect(database.prepare('SELECT count(*) AS requests FROM requests').get()).toEqual({ requests: 1 });
    database.close();
  });

  test('a thread that long had nothing to do is ended, and what it is to hear then is heard by the next', async () => {
    const { dataDirectory, record } = open();
    record.observe(finished());
    await record.close();
    const recorder = createRecorder({ directory: join(dataDirectory, 'record'), retention, now: () => AT, onTrouble: (problem) => expect(problem).toBeUndefined(), onTold: () => undefined, idleMs: 1 });
    // Whoever has it open keeps one.
    const isOpen = (): boolean => existsSync(join(dataDirectory, 'record', 'record.db-wal'));
    expect((await recorder.stats(everything)).total.requests).toBe(1);
    expect(isOpen()).toBe(true);
    while (isOpen()) await pause(5);
    // Each comes while one is there, while it ends, or while there is none.
    for (let waitMs = 0; waitMs < 60; waitMs += 3) {
      await pause(waitMs);
      recorder.wake();
      expect((await recorder.stats(everything)).total.requests).toBe(1);
    }
    await recorder.close();
  });

  test('a thread that dies is told, and is no reason to wait', async () => {
    const told: (string | undefined)[] = [];
    // No path: the thread fails before it hears anything.
    const recorder = createRecorder({ directory: 7 as unknown as string, retention, now: () => AT, onTrouble: (problem) => told.push(problem), onTold: () => undefined });
    await expect(recorder.stats(everything)).rejects.toMatchObject({ failure: { kind: 'unavailable' } });
    recorder.wake();
    await expect(recorder.stats(everything)).rejects.toThrow('its thread has ended');
    await recorder.close();
    expect(told).toEqual([expect.stringContaining('must be of type string')]);
  });
});
