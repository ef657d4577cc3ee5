/** Statistics as operators, keys and `tollfree stats` meet them: a real record behind a real socket. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { AT, attempt, finished } from '../usage/finished.ts';
import { startReports } from '../usage/reports.ts';
import type { Reports } from '../usage/reports.ts';

const DAY = 86_400_000;
const usage = { input: 1_000, output: 200 };

/** Two weeks: ci and web ask groq every day; openrouter answers twice, at a price nobody knows; one request fails. */
const events = [
  ...Array.from({ length: 14 }, (_, ago) => [
    finished({ at: AT - ago * DAY, key: 'ci', keyId: 'vk_1', usage, costUsd: 0, savedUsd: 0.01 }),
    finished({ at: AT - ago * DAY, key: 'web', keyId: 'vk_2', usage, costUsd: 0, savedUsd: 0.02, totalMs: 2_000 }),
  ]).flat(),
  ...[1, 2].map((ago) => finished({ at: AT - ago * DAY, key: 'ci', keyId: 'vk_1', provider: 'openrouter', account: 'home', model: 'a,"b"', usage: { input: 7, output: 3, estimated: true }, attempts: [attempt({ outcome: 'rate-day' }), attempt({ provider: 'openrouter', account: 'home', model: 'a,"b"' })] })),
  finished({ at: AT, key: 'ci', keyId: 'vk_1', failure: 'exhausted', status: 429, attempts: [] }),
];

const state: { reports: Reports } = { reports: undefined as never };
beforeAll(async () => {
  state.reports = await startReports(events, AT);
});
afterAll(() => state.reports.close());

const ask = async (path: string, headers: Record<string, string> = {}) => (await fetch(`${state.reports.origin}${path}`, { headers })).json() as Promise<Record<string, unknown>>;

describe('GET /admin/usage-stats', () => {
  test('the last seven days by provider, unless asked otherwise', async () => {
    expect(await ask('/admin/usage-stats')).toEqual({
      by: ['provider'],
      since: '2026-07-28',
      until: null,
      rows: [
        { provider: 'groq', requests: 14, failures: 0, attempts: 16, failed_attempts: 2, tokens_in: 14_000, tokens_out: 2_800, estimated_requests: 0, cost_usd: 0, unpriced_requests: 0, saved_usd: 0.21, unvalued_requests: 0, mean_ms: 1_050, p50_ms: 113, p95_ms: 2_769, first_content_ms: null },
        { provider: 'openrouter', requests: 2, failures: 0, attempts: 2, failed_attempts: 0, tokens_in: 14, tokens_out: 6, estimated_requests: 2, cost_usd: null, unpriced_requests: 2, saved_usd: null, unvalued_requests: 2, mean_ms: 100, p50_ms: 92, p95_ms: 110, first_content_ms: null },
        { provider: '', requests: 1, failures: 1, attempts: 0, failed_attempts: 0, tokens_in: 0, tokens_out: 0, estimated_requests: 0, cost_usd: 0, unpriced_requests: 0, saved_usd: 0, unvalued_requests: 0, mean_ms: null, p50_ms: null, p95_ms: null, first_content_ms: null },
      ],
      total: expect.objectContaining({ requests: 17, failures: 1, attempts: 18, cost_usd: 0, unpriced_requests: 2, saved_usd: 0.21, unvalued_requests: 2 }),
    });
  });

  test('weeks and months, several groups, a period of one\'s own', async () => {
    const { rows } = (await ask('/admin/usage-stats?by=week,key&since=2026-07-27&until=2026-08-03')) as { rows: { week: string; key: string; requests: number }[] };
    expect(rows.map(({ week, key, requests }) => [week, key, requests])).toEqual([['2026-W31', 'ci', 9], ['2026-W31', 'web', 7]]);
    const months = (await ask('/admin/usage-stats?by=month&since=4w')) as { rows: { month: string; requests: number }[] };
    expect(months.rows.map(({ month, requests }) => [month, requests])).toEqual([['2026-07', 22], ['2026-08', 9]]);
  });

  test('pages', async () => {
    const first = await ask('/admin/usage-stats?by=day&since=2w&limit=10');
    const second = await ask(`/admin/usage-stats?by=day&since=2w&limit=10&after=${String(first['next'])}`);
    expect([first['next'], second['next'], (first['rows'] as unknown[]).length, (second['rows'] as unknown[]).length]).toEqual([10, undefined, 10, 4]);
  });

  test.each(['/admin/usage-stats?by=model&format=csv', '/admin/usage-stats?by=model'])('CSV: %s', async (path) => {
    const response = await fetch(`${state.reports.origin}${path}`, { headers: { accept: 'text/csv' } });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await response.text()).split('\r\n');
    expect(lines[0]).toBe('model,requests,failures,attempts,failed_attempts,tokens_in,tokens_out,estimated_requests,cost_usd,unpriced_requests,saved_usd,unvalued_requests,mean_ms,p50_ms,p95_ms,first_content_ms');
    expect(lines[1]).toBe('groq/gpt,14,0,16,2,14000,2800,0,0,0,0.21,0,1050,113,2769,');
    expect(lines[2]).toBe('"openrouter/a,""b""",2,0,2,0,14,6,2,unknown,2,unknown,2,100,92,110,');
  });

  test.each([
    ['by=keys', 'by: must be one of day, week, month, key, project, provider, model, account, or up to 3 of them with commas'],
        ['by=day,key,model,account', 'by: must be'],
    ['since=yesterday', 'since must be so many days or weeks (7d, 4w), a day (2026-08-01) or a month (2026-08)'],
    ['since=2026-02-30', 'since must be'],
    ['since=0d', 'since must be'],
    ['until=2020-01-01', 'until: must be a day after since'],
    ['limit=501', 'limit: must be a whole number from 1 to 500'],
    ['after=-1', 'after: must be a whole number from 0'],
    ['since=7d&since=8d', 'since: must be given once'],
    ['format=xml', 'format: must be one of json, csv'],
    ['since_days=7', 'since_days: is not known here; known are by, since, until, after, limit, format'],
  ])('%s is told', async (parameters, message) => {
    const response = await fetch(`${state.reports.origin}/admin/usage-stats?${parameters}`);
    const { error } = (await response.json()) as { error: { message: string; param: string } };
    expect([response.status, error.message]).toEqual([400, expect.stringContaining(message)]);
    expect(error.param).toBe(parameters.split('=')[0]);
  });
});

describe('GET /v1/usage', () => {
  test('a key sees its own numbers, by day', async () => {
    const own = await ask('/v1/usage', { authorization: 'vk_2' });
    expect(own).toMatchObject({ key: 'ci', project: 'web', by: ['day'], total: { requests: 7, saved_usd: 0.14 } });
    expect(own['rows']).toHaveLength(7);
  });

  test('no other key\'s, not even of the same name, and no accounts', async () => {
    expect(await ask('/v1/usage')).toMatchObject({ total: { requests: 0 } });
    expect(await ask('/v1/usage?by=account')).toMatchObject({ error: { param: 'by' } });
  });
});

describe('tollfree stats', () => {
  test('a table for people: unknown prices say so', async () => {
    const { status, out, words } = await state.reports.stats(['--by', 'provider']);
    expect({ status, words }).toEqual({ status: 0, words: 'from 2026-07-28 (UTC)\n' });
    expect(stripVTControlCharacters(out).split('\n')).toEqual([
      'provider    requests  failed  tokens in    out            cost              saved  median    95 %',
      'groq              14       0        14k  2,800              $0              $0.21  113 ms     3 s',
      'openrouter         2       0         14      6         unknown            unknown   92 ms  110 ms',
      '–                  1       1          0      0              $0                 $0',
      'total             17       1        14k  2,806  $0 + 2 unknown  $0.21 + 2 unknown  108 ms     3 s',
      '',
    ]);
  });

  test('JSON and CSV for programs', async () => {
    for (const [option, value, why] of [['--by', 'colour', 'must be one of day, week'], ['--by', 'day,week,month,key', 'up to 3 of them'], ['--since', 'yesterday', 'it must be so many days'], ['--until', '2026-02-30', 'it must be so many days']] as const) {
      const refused = await state.reports.stats([option, value]);
      expect([refused.status, refused.out, refused.words]).toEqual([2, '', expect.stringContaining(why)]);
    }
    const json = JSON.parse((await state.reports.stats(['--by', 'key', '--since', '2w', '--output', 'json'])).out) as { rows: { key: string; requests: number }[] };
    expect(json.rows.map(({ key, requests }) => [key, requests])).toEqual([['ci', 17], ['web', 14]]);
    expect((await state.reports.stats(['--by', 'model', '--output', 'csv'])).out).toContain('"openrouter/a,""b""",2,0,2,0,14,6,2,unknown,2,unknown,2,');
  });

  test('nothing in the period', async () => {
    expect(await state.reports.stats(['--since', '2026-01-01', '--until', '2026-02-01'])).toEqual({ status: 0, out: '', words: 'nothing was asked from 2026-01-01 until 2026-02-01 (UTC)\n' });
  });
});
