import { describe, expect, test } from '@jest/globals';
import { array, assert, boolean, constantFrom, integer, nat, property, record, string } from 'fast-check';
import { stripVTControlCharacters, styleText } from 'node:util';
import { bar } from '../../src/cli/bar.ts';
import type { AccountStatus } from '../../src/cli/shapes.ts';
import { detailFor, renderStatus } from '../../src/cli/status-view.ts';
import { widthOf } from '../../src/cli/text.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const colourful = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { validateStream: false });
const plain = (_: unknown, text: string): string => text;

const account = (changes: Partial<AccountStatus> = {}): AccountStatus => ({
  id: 'a1', provider: 'groq', label: 'work', origin: 'https://api.groq.com', pool: 'p1', state: 'active', enabled: true, rests: [], windows: [], ...changes,
});

const requests = (used: number, limit = 30): AccountStatus['windows'][number] => ({ unit: 'requests', seconds: 60, limit, used, resets_at: '2026-11-20T12:00:32Z', source: 'configured' });

describe('bars', () => {
  test('are as wide as asked, never look full before they are, never empty once used', () => {
    assert(
      property(nat(), integer({ min: 1 }), integer({ min: 2, max: 80 }), (used, limit, width) => {
        const { full, empty } = bar(used, limit, width);
        expect(full.length + empty.length).toBe(width);
        expect(full.length === width).toBe(used >= limit);
        expect(full.length === 0).toBe(used === 0);
      }),
    );
  });
});

const withWorkers = (running: number): string[] => renderStatus({ address: 'here', waiting: 0, accounts: [], health: { problems: [], workers: { wanted: 4, running } } }, { width: 100, paint: (format, text) => `<${String(format)}>${text}`, now, detail: 'accounts' });

describe('status', () => {
  test('shows accounts, windows and resets', () => {
    const lines = renderStatus(
      { address: 'here', waiting: 2, traffic: { requests: 7, perSecond: 0.25, failed: 1 }, accounts: [account({ windows: [requests(15), requests(0)] }), account({ id: 'a2', label: 'home', pool: 'p2', state: 'resting', rests: [{ scope: 'pool-model', model: 'm', reason: 'rate-minute', until: '2026-11-20T12:01:00Z' }] })] },
      { width: 100, paint: plain, now, detail: 'accounts' },
    );
    expect(lines.map((line) => line.trimEnd())).toEqual([
      'here · 1 of 2 accounts ready · 7 requests · 0.3/s · 1 failed · 2 waiting in line',
      '',
      'groq',
      '  work                 active',
      '    requests/min  ██████████░░░░░░░░░░  15 of 30  whole in 32 s',
      '    1 more window',
      '  home                 resting · m resting (rate-minute), for 1 min',
    ]);
  });

  test('tells how many processes take connections, and in red where some are missing', () => {
    expect(withWorkers(4)[0]).toBe('<dim>here · 0 of 0 accounts ready · 4 workers');
    expect(withWorkers(3).slice(0, 2)).toEqual(['<dim>here · 0 of 0 accounts ready', '<red>3 of 4 workers run']);
  });

  test('tells what cannot be written down', () => {
    const lines = renderStatus({ address: 'here', waiting: 0, accounts: [], health: { problems: [{ part: 'log file', message: 'the log file cannot be written: ENOSPC' }] } }, { width: 100, paint: plain, now, detail: 'accounts' });
    expect(lines[1]).toBe('the log file cannot be written: ENOSPC');
  });

  test('accounts of one pool show their windows once', () => {
    const lines = renderStatus({ address: 'here', waiting: 0, accounts: [account({ windows: [requests(1)] }), account({ id: 'a2', label: 'second', windows: [requests(1)] })] }, { width: 100, paint: plain, now, detail: 'accounts' });
    expect(lines.filter((line) => line.includes('requests/min'))).toHaveLength(1);
    expect(lines.at(-1)).toBe('    shares the windows of work');
  });

  test('tells where a number comes from, and when it will be spent, as far as there is room', () => {
    const known = account({ windows: [{ ...requests(900, 1000), seconds: 86_400, resets_at: '2026-11-21T00:00:00Z', empty_at: '2026-11-20T14:10:00Z', source: 'header' }] });
    const at = (width: number): string[] => renderStatus({ address: 'here', waiting: 0, accounts: [known] }, { width, paint: plain, now, detail: 'accounts' });
    expect(at(140)).toContain('    requests/day  ██████████████████░░  900 of 1,000  whole in 12 h · spent in 2 h 10 min at this pace · says its header');
    expect(at(80)).toContain('    requests/day  ██████████████████░░  900 of 1,000  whole in 12 h');
    expect(at(80).slice(1, 3)).toEqual(['100 of 1,000 requests left today', 'at this pace groq/work has spent its requests/day in 2 h 10 min']);
  });

  test('two hundred accounts are a paragraph a provider: how many can serve, the day, the fullest windows, the dead', () => {
    const many = Array.from({ length: 200 }, (_, index) =>
      account({ id: `a${index}`, pool: `p${index}`, label: `l${index}`, provider: index < 100 ? 'cerebras' : 'groq', state: index === 150 ? 'suspended' : 'active', windows: [{ ...requests(index === 120 ? 900 : 10, 1000), seconds: 86_400 }], rests: index === 150 ? [{ scope: 'account', reason: 'credential' }] : index > 196 ? [{ scope: 'pool-model', model: 'maker/m', reason: 'rate-minute', until: '2026-11-20T12:00:40Z' }] : [] }),
    );
    const lines = renderStatus({ address: 'here', waiting: 0, accounts: many }, { width: 100, paint: plain, now, detail: detailFor(many.length) });
    expect(lines.length).toBeLessThan(20);
    expect(lines).toContain('cerebras  100 active  █░░░░░░░░░░░░░░░░░░░  1,000 of 100k requests today');
    expect(lines.some((line) => /^ {4}l120 requests\/day +█+░░ +900 of 1,000/.test(line))).toBe(true);
    expect(lines).toContain('    m rests at 3 accounts (rate-minute), the first for 40 s');
    expect(lines).toContain('  l150                 suspended · credential, until someone acts');
  });

  test('fits every width', () => {
    const moment = constantFrom('2026-11-20T12:00:32Z', '2026-12-20T12:00:32Z');
    const window = record({ unit: constantFrom('requests', 'tokens', 'concurrent'), seconds: constantFrom(1, 60, 3600, 7200, 86_400), model: string(), limit: nat(), used: nat(), resets_at: moment, empty_at: moment, source: constantFrom('configured', 'header', 'refusal', 'endpoint') });
    const accounts = array(record({ id: string(), provider: string(), label: string({ unit: 'grapheme' }), origin: string(), pool: string(), state: constantFrom('active', 'resting', 'suspended', 'disabled'), enabled: boolean(), rests: array(record({ scope: string(), reason: string() }), { maxLength: 2 }), windows: array(window, { maxLength: 3 }) }), { maxLength: 4 });
    assert(
      property(accounts, integer({ min: 1, max: 120 }), constantFrom('providers', 'accounts', 'windows'), (each, width, detail) => {
        for (const line of renderStatus({ address: '127.0.0.1:8000', waiting: 3, accounts: each }, { width, paint: colourful, now, detail })) expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(width);
      }),
    );
  });
});
