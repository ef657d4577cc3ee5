import { describe, expect, test } from '@jest/globals';
import { array, assert, boolean, constantFrom, integer, nat, property, record, string } from 'fast-check';
import { stripVTControlCharacters, styleText } from 'node:util';
import { bar } from '../../src/cli/bar.ts';
import type { AccountStatus } from '../../src/cli/shapes.ts';
import { renderStatus } from '../../src/cli/status-view.ts';
import { widthOf } from '../../src/cli/text.ts';

const now = Date.parse('2026-11-20T12:00:00Z');
const colourful = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { validateStream: false });
const plain = (_: unknown, text: string): string => text;

const account = (changes: Partial<AccountStatus> = {}): AccountStatus => ({
  id: 'a1', provider: 'groq', label: 'work', pool: 'p1', state: 'active', enabled: true, rests: [], windows: [], ...changes,
});

const requests = (used: number, limit = 30): AccountStatus['windows'][number] => ({ unit: 'requests', seconds: 60, limit, used, resets_at: '2026-11-20T12:00:32Z' });

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

describe('status', () => {
  test('shows accounts, windows and resets', () => {
    const lines = renderStatus(
      { address: 'here', waiting: 2, traffic: { requests: 7, perSecond: 0.25 }, accounts: [account({ windows: [requests(15), requests(0)] }), account({ id: 'a2', label: 'home', pool: 'p2', state: 'resting', rests: [{ scope: 'pool-model', model: 'm', reason: 'rate-minute', until: '2026-11-20T12:01:00Z' }] })] },
      { width: 100, paint: plain, now, all: false },
    );
    expect(lines.map((line) => line.trimEnd())).toEqual([
      'here · 1 of 2 accounts ready · 7 requests · 0.3/s · 2 waiting in line',
      '',
      'groq',
      '  work                 active',
      '    requests/min  ██████████░░░░░░░░░░  15 of 30  whole in 32 s',
      '    1 more window',
      '  home                 resting · m resting (rate-minute), for 1 min',
    ]);
  });

  test('accounts of one pool show their windows once', () => {
    const lines = renderStatus({ address: 'here', waiting: 0, accounts: [account({ windows: [requests(1)] }), account({ id: 'a2', label: 'second', windows: [requests(1)] })] }, { width: 100, paint: plain, now, all: false });
    expect(lines.filter((line) => line.includes('requests/min'))).toHaveLength(1);
    expect(lines.at(-1)).toBe('    shares the windows of work');
  });

  test('fits every width', () => {
    const window = record({ unit: constantFrom('requests', 'tokens', 'concurrent'), seconds: constantFrom(1, 60, 3600, 7200, 86_400), model: string(), limit: nat(), used: nat(), resets_at: constantFrom('2026-11-20T12:00:32Z', '2026-12-20T12:00:32Z') });
    const accounts = array(record({ id: string(), provider: string(), label: string({ unit: 'grapheme' }), pool: string(), state: constantFrom('active', 'resting', 'suspended', 'odd'), enabled: boolean(), rests: array(record({ scope: string(), reason: string() }), { maxLength: 2 }), windows: array(window, { maxLength: 3 }) }), { maxLength: 4 });
    assert(
      property(accounts, integer({ min: 1, max: 120 }), boolean(), (each, width, all) => {
        for (const line of renderStatus({ address: '127.0.0.1:8000', waiting: 3, accounts: each }, { width, paint: colourful, now, all })) expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(width);
      }),
    );
  });
});
