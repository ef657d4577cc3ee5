import { describe, expect, test } from '@jest/globals';
import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { PERIODS, type Amounts } from '../../src/keys/amounts.ts';
import { createWindow, spanOf } from '../../src/keys/windows.ts';
import { DAY, MINUTE, NOON } from './support.ts';

const tokens = (amount: number): Amounts => ({ requests: 1, tokens: amount, nanoUsd: amount * 3 });

const steps = array(record({ wait: constantFrom(0, 1, 400, 999, 1_000, 30_000, 59_999, 60_000, DAY / 3, DAY, 9 * DAY), amount: integer({ min: 0, max: 50 }) }), { maxLength: 60 });

interface Event {
  readonly at: number;
  readonly amount: number;
}

const sum = (events: readonly Event[]): number => events.reduce((total, { amount }) => total + amount, 0);

describe('windows', () => {
  test('a minute counts everything of any 60 seconds, and nothing older than 61', () => {
    assert(property(steps, (given) => {
      const window = createWindow('minute');
      const events: Event[] = [];
      let now = NOON;
      for (const { wait, amount } of given) {
        now += wait;
        window.add(now, tokens(amount));
        events.push({ at: now, amount });
        const counted = window.used(now).tokens;
        expect(counted).toBeGreaterThanOrEqual(sum(events.filter(({ at }) => at > now - MINUTE)));
        expect(counted).toBeLessThanOrEqual(sum(events.filter(({ at }) => at > now - MINUTE - 1_000)));
      }
    }));
  });

  test.each(PERIODS.filter((period) => period !== 'minute'))('a %s counts exactly what was used since it began', (period) => {
    assert(property(steps, (given) => {
      const window = createWindow(period);
      const events: Event[] = [];
      let now = NOON;
      for (const { wait, amount } of given) {
        now += wait;
        window.add(now, tokens(amount));
        events.push({ at: now, amount });
        const { start } = spanOf(period, now);
        expect(window.used(now)).toEqual({ requests: events.filter(({ at }) => at >= start).length, tokens: sum(events.filter(({ at }) => at >= start)), nanoUsd: 3 * sum(events.filter(({ at }) => at >= start)) });
      }
    }));
  });

  test.each(PERIODS)('a %s says when there is room again: then there is, and a moment before there is not', (period) => {
    assert(property(steps, integer({ min: 0, max: 200 }), (given, ceiling) => {
      const window = createWindow(period);
      let now = NOON;
      for (const { wait, amount } of given) window.add((now += wait), tokens(amount));
      const at = window.freeAt(now, 'tokens', ceiling);
      if (at === now || !Number.isFinite(at)) return;
      expect(window.used(at - 1).tokens).toBeGreaterThan(ceiling);
      expect(window.used(at).tokens).toBeLessThanOrEqual(ceiling);
    }));
  });

  test.each(PERIODS)('a %s is the same after it was saved and loaded, at any later time', (period) => {
    assert(property(steps, constantFrom(0, 30_000, MINUTE, DAY, 8 * DAY), (given, later) => {
      const window = createWindow(period);
      let now = NOON;
      for (const { wait, amount } of given) window.add((now += wait), tokens(amount));
      const other = createWindow(period);
      other.load(now + later, window.save());
      expect(other.used(now + later)).toEqual(window.used(now + later));
    }));
  });

  test('what is given back leaves the time it was taken at; nothing comes back from a past period', () => {
    const [minute, day] = [createWindow('minute'), createWindow('day')];
    for (const window of [minute, day]) {
      window.add(NOON, tokens(10));
      window.add(NOON + 5_000, tokens(7));
      window.add(NOON, { requests: 0, tokens: -4, nanoUsd: 0 });
      expect(window.used(NOON + 5_000).tokens).toBe(13);
    }
    expect(minute.used(NOON + 62_000).tokens).toBe(7);
    day.add(NOON + DAY, tokens(5));
    day.add(NOON, { requests: 0, tokens: -5, nanoUsd: 0 });
    expect(day.used(NOON + DAY).tokens).toBe(5);
  });

  test('a clock that was ahead at the last start frees nothing, and holds nothing up for longer than the period', () => {
    for (const period of PERIODS) {
      const ahead = createWindow(period);
      ahead.add(NOON + 3 * DAY, tokens(9));
      const window = createWindow(period);
      window.load(NOON, ahead.save());
      expect(window.used(NOON).tokens).toBe(9);
      const end = period === 'minute' ? NOON + MINUTE + 1_000 : spanOf(period, NOON).end;
      if (Number.isFinite(end)) expect(window.used(end).tokens).toBe(0);
    }
  });

  test('weeks begin on Monday, months on the first, in UTC', () => {
    expect(spanOf('week', Date.UTC(2026, 10, 22, 23, 59))).toEqual({ start: Date.UTC(2026, 10, 16), end: Date.UTC(2026, 10, 23) });
    expect(spanOf('week', Date.UTC(2026, 10, 23))).toEqual({ start: Date.UTC(2026, 10, 23), end: Date.UTC(2026, 10, 30) });
    expect(spanOf('month', Date.UTC(2026, 11, 31, 23))).toEqual({ start: Date.UTC(2026, 11, 1), end: Date.UTC(2027, 0, 1) });
    expect(spanOf('day', NOON)).toEqual({ start: Date.UTC(2026, 10, 20), end: Date.UTC(2026, 10, 21) });
  });
});
