/** A simulated month as it is reported, in every form, held against sums of the test's own. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { GROUPS } from '../../src/usage/stats.ts';
import type { Group } from '../../src/usage/stats.ts';
import { attempt, finished } from './finished.ts';
import { startReports } from './reports.ts';
import type { Reports } from './reports.ts';

type Event = ReturnType<typeof finished>;

const DAY = 86_400_000;
const START = Date.UTC(2026, 7, 1);
const AUGUST = 31 * DAY;
const REQUESTS = 3_000;
/** Some of the days before and after are in the record, and in no report of August. */
const MARGIN = 2 * DAY;

/** The same month each time. A linear congruential generator, as Knuth's MMIX has it. */
function dice(): (sides: number) => number {
  const state = { now: 42n };
  return (sides) => {
    state.now = (state.now * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state.now >> 33n) % BigInt(sides));
  };
}

const MODELS = [
  { provider: 'groq', model: 'openai/gpt-oss-120b', cost: [0, 0], list: [150, 600] },
  { provider: 'groq', model: 'whisper, "large"', cost: [0, 0] },
  { provider: 'paid', model: 'gpt', cost: [1_250, 10_000], list: [1_250, 10_000] },
  { provider: 'unpriced', model: 'gpt' },
] as const satisfies readonly { readonly provider: string; readonly model: string; readonly cost?: readonly number[]; readonly list?: readonly number[] }[];

/** Nano-USD a token make whole sums; the record is told USD. */
function month(): readonly Event[] {
  const roll = dice();
  return Array.from({ length: REQUESTS }, () => {
    const chosen: (typeof MODELS)[number] = MODELS[roll(MODELS.length)] ?? MODELS[0];
    const { provider, model } = chosen;
    const account = ['one', 'two'][roll(2)] ?? 'one';
    const key = ['ci', 'web', 'night-batch'][roll(3)] ?? 'ci';
    const at = START - MARGIN + roll(AUGUST + 2 * MARGIN);
    const refused = Array.from({ length: roll(3) }, () => attempt({ provider: 'groq', account: 'one', model: 'openai/gpt-oss-120b', outcome: 'rate-minute' }));
    const who = { at, key, keyId: `vk_${key}`, project: key === 'ci' ? 'house' : 'shop', totalMs: 50 + roll(5_000) };
    if (roll(20) === 0) return finished({ ...who, failure: 'exhausted', status: 429, attempts: refused });
    const usage = { input: 1 + roll(9_000), output: 1 + roll(2_000) };
    const worth = (prices: readonly number[]): number => (usage.input * (prices[0] ?? 0) + usage.output * (prices[1] ?? 0)) / 1e9;
    const cost = 'cost' in chosen ? worth(chosen.cost) : undefined;
    const list = 'list' in chosen ? worth(chosen.list) : undefined;
    return finished({
      ...who, provider, account, model, usage, attempts: [...refused, attempt({ provider, account, model })],
      ...(cost !== undefined && { costUsd: cost }), ...(cost !== undefined && list !== undefined && { savedUsd: list - cost }),
    });
  });
}

interface Sum {
  readonly requests: number;
  readonly failures: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly unpriced_requests: number;
  readonly unvalued_requests: number;
  /** Nano-USD. Undefined: nothing of it is known. */
  readonly cost: bigint | undefined;
  readonly saved: bigint | undefined;
}

const nano = (usd: number): bigint => BigInt(Math.round(usd * 1e9));

function summed(events: readonly Event[]): Sum {
  const answered = events.filter(({ summary }) => summary.failure === undefined);
  const known = (money: 'costUsd' | 'savedUsd'): readonly number[] => answered.flatMap(({ summary }) => summary[money] ?? []);
  const total = (money: 'costUsd' | 'savedUsd'): bigint | undefined => (answered.length > 0 && known(money).length === 0 ? undefined : known(money).reduce((sum, usd) => sum + nano(usd), 0n));
  const tokens = (side: 'input' | 'output'): number => answered.reduce((sum, { summary }) => sum + (summary.usage?.[side] ?? 0), 0);
  return {
    requests: events.length, failures: events.length - answered.length, tokens_in: tokens('input'), tokens_out: tokens('output'),
    unpriced_requests: answered.length - known('costUsd').length, unvalued_requests: answered.length - known('savedUsd').length, cost: total('costUsd'), saved: total('savedUsd'),
  };
}

/** The week whose Thursday it shares, as ISO 8601 counts them. */
function weekOf(at: number): string {
  const thursday = new Date(at + (3 - ((new Date(at).getUTCDay() + 6) % 7)) * DAY);
  const ordinal = Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / DAY);
  return `${thursday.getUTCFullYear()}-W${String(1 + Math.floor(ordinal / 7)).padStart(2, '0')}`;
}

const of = (name: 'model' | 'account') => ({ summary }: Event): string => (summary.failure === undefined ? `${summary.provider}/${summary[name]}` : '');
const groupOf: Readonly<Record<Group, (event: Event) => string>> = {
  day: ({ request }) => new Date(request.receivedAt).toISOString().slice(0, 10),
  week: ({ request }) => weekOf(request.receivedAt),
  month: ({ request }) => new Date(request.receivedAt).toISOString().slice(0, 7),
  key: ({ request }) => request.caller.key,
  project: ({ request }) => request.caller.project,
  provider: ({ summary }) => (summary.failure === undefined ? (summary.provider ?? '') : ''),
  model: of('model'),
  account: of('account'),
};

function expectedBy(events: readonly Event[], group: Group): ReadonlyMap<string, Sum> {
  const names = new Set(events.map(groupOf[group]));
  return new Map([...names].map((name) => [name, summed(events.filter((event) => groupOf[group](event) === name))]));
}

type Row = Readonly<Record<string, string | number | null>>;

const read = (row: Row): Sum => {
  const number = (name: string): number => Number(row[name]);
  const money = (name: string): bigint | undefined => (row[name] === null || row[name] === 'unknown' ? undefined : nano(number(name)));
  return {
    requests: number('requests'), failures: number('failures'), tokens_in: number('tokens_in'), tokens_out: number('tokens_out'), unpriced_requests: number('unpriced_requests'), unvalued_requests: number('unvalued_requests'),
    cost: money('cost_usd'), saved: money('saved_usd'),
  };
};

/** Attempts that came to nothing belong to whom they were made at: such a row may have no request of its own. */
const byName = (rows: readonly Row[], group: Group): ReadonlyMap<string, Sum> => new Map(rows.filter(({ requests }) => Number(requests) > 0).map((row) => [String(row[group]), read(row)]));

/** RFC 4180, field by field. */
function parseCsv(text: string): readonly Row[] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ',') lines.push([]);
  }
  const [titles = [], ...rows] = lines.filter((fields) => fields.length > 1);
  return rows.map((fields) => Object.fromEntries(titles.map((title, index) => [title, fields[index] ?? ''])));
}

const state: { reports: Reports; august: readonly Event[] } = { reports: undefined as never, august: [] };
beforeAll(async () => {
  const events = month();
  state.august = events.filter(({ request }) => request.receivedAt >= START && request.receivedAt < START + AUGUST);
  state.reports = await startReports(events, START + AUGUST + MARGIN);
});
afterAll(() => state.reports.close());

const PERIOD = { since: '2026-08', until: '2026-09' };
const line = (group: Group, output: string): readonly string[] => ['--by', group, '--since', PERIOD.since, '--until', PERIOD.until, '--output', output];

describe.each(GROUPS)('August by %s', (group) => {
  test('as JSON, page by page', async () => {
    const rows: Row[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = (await (await fetch(`${state.reports.origin}/admin/usage-stats?${new URLSearchParams({ by: group, ...PERIOD, limit: '7', after: String(after) }).toString()}`)).json()) as { readonly rows: readonly Row[]; readonly next?: number; readonly total: Row };
      rows.push(...page.rows);
      expect(read(page.total)).toEqual(summed(state.august));
      after = page.next;
    }
    expect(byName(rows, group)).toEqual(expectedBy(state.august, group));
    expect(rows.reduce((sum, { attempts }) => sum + Number(attempts), 0)).toBe(state.august.reduce((sum, { summary }) => sum + summary.attempts.length, 0));
  });

  test('as CSV, of the daemon and of the command', async () => {
    const told = await (await fetch(`${state.reports.origin}/admin/usage-stats?${new URLSearchParams({ by: group, ...PERIOD, format: 'csv' }).toString()}`)).text();
    const said = (await state.reports.stats(line(group, 'csv'))).out;
    for (const text of [told, said]) expect(byName(parseCsv(text), group)).toEqual(expectedBy(state.august, group));
  });

  test('on a terminal, to the last digit shown', async () => {
    const { out } = await state.reports.stats(line(group, 'table'), 200);
    const [, ...lines] = stripVTControlCharacters(out).trimEnd().split('\n');
    const shown = new Map(lines.map((text) => text.split(/ {2,}/)).map(([name = '', ...cells]) => [name === '–' ? '' : name, cells]));
    const expected = new Map([...expectedBy(state.august, group), ['total', summed(state.august)]]);
    expect(new Set(shown.keys())).toEqual(new Set(expected.keys()));
    for (const [name, sum] of expected) {
      const [requests = '', failures = '', input = '', output = '', cost = '', saved = ''] = shown.get(name) ?? [];
      expect([name, plain(requests), plain(failures)]).toEqual([name, sum.requests, sum.failures]);
      for (const [text, exact] of [[input, sum.tokens_in], [output, sum.tokens_out]] as const) expect(Math.abs(plain(text) - exact)).toBeLessThanOrEqual(unitOf(text) / 2);
      for (const [text, exact, unknown] of [[cost, sum.cost, sum.unpriced_requests], [saved, sum.saved, sum.unvalued_requests]] as const) {
        const [usd, more] = text.split(' + ');
        expect(more).toBe(exact === undefined || unknown === 0 ? undefined : `${unknown.toLocaleString('en-US')} unknown`);
        if (exact === undefined) expect(usd).toBe('unknown');
        else expect(Math.abs(plain(usd?.replace('$', '') ?? '') * 1e9 - Number(exact))).toBeLessThanOrEqual(0.005e9);
      }
    }
  });
});

/** `12,345`, `14k`, `1.2M`. */
const plain = (text: string): number => Number(text.replace(/[,kM]/g, '')) * (text.endsWith('k') ? 1e3 : text.endsWith('M') ? 1e6 : 1);
const unitOf = (text: string): number => (text.endsWith('k') ? 1e3 : text.endsWith('M') ? 1e5 : 0);
