import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nextReset } from '../../src/sim/calendar.ts';
import { createCounter } from '../../src/sim/windows.ts';
import type { WindowLimit } from '../../src/types.ts';

interface Step {
  readonly gap: number;
  readonly amount: number;
}

const START = Date.UTC(2026, 2, 7);
const steps = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 4000 }), amount: fc.integer({ min: 1, max: 6 }) }), { minLength: 1, maxLength: 80 });
const limits = fc.integer({ min: 6, max: 20 });

interface Admitted {
  readonly at: number;
  readonly amount: number;
}

/** Offers every step to a counter, which takes whatever fits. */
function offer(window: WindowLimit, offered: readonly Step[]): Admitted[] {
  const counter = createCounter(window);
  const admitted: Admitted[] = [];
  let at = START;
  for (const { gap, amount } of offered) {
    at += gap;
    if (counter.wait(at, amount) > 0) continue;
    counter.add(at, amount);
    admitted.push({ at, amount });
  }
  return admitted;
}

const total = (entries: readonly Admitted[]): number => entries.reduce((sum, { amount }) => sum + amount, 0);

describe('a rolling window', () => {
  test('never holds more than its limit, wherever it is laid', () => {
    fc.assert(fc.property(steps, limits, (offered, limit) => {
      const admitted = offer({ unit: 'requests', limit, seconds: 10, kind: 'rolling' }, offered);
      for (const { at } of admitted) expect(total(admitted.filter((entry) => entry.at > at - 10_000 && entry.at <= at))).toBeLessThanOrEqual(limit);
    }));
  });

  test('refuses nothing that would fit, and frees exactly when it says', () => {
    fc.assert(fc.property(steps, limits, (offered, limit) => {
      const counter = createCounter({ unit: 'requests', limit, seconds: 10, kind: 'rolling' });
      const admitted: Admitted[] = [];
      let at = START;
      for (const { gap, amount } of offered) {
        at += gap;
        const held = (then: number): number => total(admitted.filter((entry) => entry.at > then - 10_000));
        const wait = counter.wait(at, amount);
        expect(counter.used(at)).toBe(held(at));
        expect(wait === 0).toBe(held(at) + amount <= limit);
        if (wait > 0) {
          expect(held(at + wait) + amount).toBeLessThanOrEqual(limit);
          expect(held(at + wait - 1) + amount).toBeGreaterThan(limit);
          continue;
        }
        counter.add(at, amount);
        admitted.push({ at, amount });
      }
    }));
  });

  test('a correction counts from then on, and is nothing once the call has left the window', () => {
    const counter = createCounter({ unit: 'tokens', limit: 100, seconds: 10, kind: 'rolling' });
    const correct = counter.add(START, 80);
    correct(30);
    expect(counter.used(START + 1)).toBe(30);
    expect(counter.used(START + 10_000)).toBe(0);
    correct(90);
    expect(counter.used(START + 10_001)).toBe(0);
  });
});

describe('a refilling window', () => {
  test('equals a bucket recounted from every call', () => {
    fc.assert(fc.property(steps, limits, (offered, limit) => {
      const counter = createCounter({ unit: 'requests', limit, seconds: 10, kind: 'refill' });
      let level = 0;
      let at = START;
      for (const { gap, amount } of offered) {
        at += gap;
        level = Math.max(0, level - (gap * limit) / 10_000);
        expect(counter.used(at)).toBeCloseTo(level, 6);
        expect(counter.reset(at)).toBeCloseTo((level / limit) * 10_000, 3);
        expect(counter.wait(at, amount)).toBeCloseTo(Math.max(0, ((level + amount - limit) / limit) * 10_000), 3);
        if (counter.wait(at, amount) > 0) continue;
        counter.add(at, amount);
        level += amount;
      }
    }));
  });

  test('gives the recorded waits', () => {
    const minute = createCounter({ unit: 'tokens', limit: 8000, seconds: 60, kind: 'refill' });
    minute.add(START, 2591);
    expect(minute.wait(START, 5863)).toBeCloseTo(3405, 6);
    const day = createCounter({ unit: 'tokens', limit: 200_000, seconds: 86_400, kind: 'refill' });
    day.add(START, 197_494);
    expect(day.wait(START, 4035)).toBeCloseTo(660_528, 6);
  });

  test('what is larger than the limit never fits', () => {
    for (const kind of ['rolling', 'refill', 'calendar'] as const) expect(createCounter({ unit: 'tokens', limit: 10, seconds: 60, kind }).wait(START, 11)).toBe(Infinity);
  });
});

const dateIn = (timeZone: string, at: number): string => new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);

/** The length of the Californian day after the one around `at`. */
function dayAfter(at: number): number {
  const begin = nextReset(at, 86_400, 'America/Los_Angeles');
  return nextReset(begin, 86_400, 'America/Los_Angeles') - begin;
}

describe('a calendar window', () => {
  const zones = fc.constantFrom('UTC', 'America/Los_Angeles', 'Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu');
  /** Around the clock changes of spring and autumn. */
  const instants = fc.integer({ min: Date.UTC(2026, 1, 27), max: Date.UTC(2026, 10, 30) });
  test('a day ends at the midnight of its zone, with clock changes', () => {
    fc.assert(fc.property(zones, instants, (timeZone, at) => {
      const end = nextReset(at, 86_400, timeZone);
      expect(end).toBeGreaterThan(at);
      expect(dateIn(timeZone, end - 1)).toBe(dateIn(timeZone, at));
      expect(dateIn(timeZone, end)).not.toBe(dateIn(timeZone, at));
    }));
  });

  test('a month ends on the first', () => {
    fc.assert(fc.property(zones, instants, (timeZone, at) => {
      const end = nextReset(at, 30 * 86_400, timeZone);
      expect(dateIn(timeZone, end)).toMatch(/-01$/);
      expect(dateIn(timeZone, end - 1).slice(0, 7)).toBe(dateIn(timeZone, at).slice(0, 7));
    }));
  });

  test('the day of a clock change is an hour shorter or longer', () => {
    expect(dayAfter(Date.UTC(2026, 2, 7, 20))).toBe(23 * 3_600_000);
    expect(dayAfter(Date.UTC(2026, 9, 31, 20))).toBe(25 * 3_600_000);
  });

  test('a correction is nothing after the turn', () => {
    const counter = createCounter({ unit: 'tokens', limit: 100, seconds: 60, kind: 'calendar' });
    const correct = counter.add(START, 80);
    expect(counter.used(START + 60_000)).toBe(0);
    correct(90);
    expect(counter.used(START + 60_001)).toBe(0);
  });

  test('never holds more than its limit between two turns', () => {
    fc.assert(fc.property(steps, limits, (offered, limit) => {
      const admitted = offer({ unit: 'requests', limit, seconds: 60, kind: 'calendar' }, offered);
      const minutes = new Set(admitted.map(({ at }) => Math.floor(at / 60_000)));
      for (const minute of minutes) expect(total(admitted.filter(({ at }) => Math.floor(at / 60_000) === minute))).toBeLessThanOrEqual(limit);
    }));
  });
});
