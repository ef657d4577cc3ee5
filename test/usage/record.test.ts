/** The record with its thread, on a real directory. The thread runs from dist. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRecord } from '../../src/usage/record.ts';
import { AT, finished } from './finished.ts';
import type { GatewayEvent } from '../../src/types.ts';

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
  test('counts what was finished before the question, and again after a restart', async () => {
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
});
