import { describe, expect, test } from '@jest/globals';
import { array, assert, boolean, constant, constantFrom, integer, oneof, property, record } from 'fast-check';
import { GUARD_MS } from '../../src/accounts/counter.ts';
import { type Window, correct, createWindow, fits, freeAt } from '../../src/accounts/window.ts';
import type { Fact, WindowLimit } from '../../src/types.ts';
import { START, window } from './harness.ts';

const MINUTE = 60_000;

/** What upstream sees: when a call arrives, and what it costs. */
interface Arrival {
  readonly at: number;
  readonly amount: number;
}

/** How far over its limit upstream would ever have been, by counting everything anew for every arrival. */
const excess: Readonly<Record<WindowLimit['kind'], (arrivals: readonly Arrival[], limit: number, spanMs: number) => number>> = {
  rolling: (arrivals, limit, spanMs) =>
    Math.max(...arrivals.map(({ at }) => sum(arrivals.filter((other) => other.at > at - spanMs && other.at <= at)) - limit), 0),
  calendar: (arrivals, limit, spanMs) =>
    Math.max(...arrivals.map(({ at }) => sum(arrivals.filter((other) => Math.floor(other.at / spanMs) === Math.floor(at / spanMs))) - limit), 0),
  refill(arrivals, limit, spanMs) {
    let level = 0;
    let since = 0;
    let most = 0;
    for (const { at, amount } of arrivals) {
      level = Math.max(0, level - ((at - since) * limit) / spanMs) + amount;
      since = at;
      most = Math.max(most, level - limit);
    }
    return most;
  },
};

const sum = (arrivals: readonly Arrival[]): number => arrivals.reduce((total, { amount }) => total + amount, 0);

const traffic = array(
  record({ wait: oneof(constant(0), integer({ min: 0, max: 40 }), integer({ min: 0, max: 25_000 })), amount: integer({ min: 1, max: 4 }), delay: integer({ min: 0, max: GUARD_MS }) }),
  { maxLength: 120 },
);

const kinds = constantFrom<WindowLimit['kind']>('rolling', 'refill', 'calendar');

/** Sends whatever fits, or waits for the time told and sends then. */
function drive(one: Window, steps: readonly { readonly wait: number; readonly amount: number; readonly delay: number }[], patient: boolean): Arrival[] {
  let now = START + 12_345;
  const arrivals: Arrival[] = [];
  for (const { wait, amount, delay } of steps) {
    now += wait;
    if (!fits(one, now, amount)) {
      if (!patient) continue;
      const free = freeAt(one, now, amount);
      expect(fits(one, free - 1, amount)).toBe(false);
      expect(fits(one, free, amount)).toBe(true);
      now = free;
    }
    one.counter.take(now, amount);
    arrivals.push({ at: now + delay, amount });
  }
  return arrivals.sort((before, after) => before.at - after.at);
}

describe('a window', () => {
  test('never lets upstream see more than its limit, however the network jitters', () => {
    assert(property(kinds, integer({ min: 4, max: 12 }), traffic, boolean(), (kind, limit, steps, patient) => {
      const arrivals = drive(createWindow(window(limit, 60, { kind }), 'configured'), steps, patient);
      expect(excess[kind](arrivals, limit, MINUTE)).toBeLessThan(1e-3);
    }), { numRuns: 1000 });
  });

  test('counts what was taken, settled and refunded, as a recount does', () => {
    const change = record({ wait: integer({ min: 0, max: 9000 }), amount: integer({ min: 1, max: 50 }), back: integer({ min: 0, max: 50 }) });
    assert(property(array(change, { maxLength: 80 }), (changes) => {
      const one = createWindow(window(1_000_000), 'configured');
      const events: { readonly at: number; amount: number }[] = [];
      let now = START;
      for (const { wait, amount, back } of changes) {
        now += wait;
        one.counter.take(now, amount);
        events.push({ at: now, amount });
        const earlier = events[Math.floor(events.length / 2)];
        if (earlier !== undefined && back <= earlier.amount && events.filter(({ at }) => at === earlier.at).length === 1) {
          one.counter.refund(now, earlier.at, back);
          earlier.amount -= back;
        }
        const recount = events.filter(({ at }) => at + MINUTE + GUARD_MS > now).reduce((total, event) => total + event.amount, 0);
        expect(one.counter.used(now)).toBe(recount);
      }
    }));
  });

  test('holds 100,000 events of a day in bounded memory, none let go early', () => {
    const day = createWindow(window(1_000_000, 86_400), 'configured');
    for (let event = 0; event < 100_000; event += 1) day.counter.take(START + event * 600, 1);
    const last = START + 99_999 * 600;
    expect(day.counter.save().length).toBeLessThanOrEqual(4 * 4096);
    expect(day.counter.used(last)).toBe(100_000);
    for (const hours of [6, 12, 20]) {
      const later = START + (24 + hours) * 3_600_000;
      const exact = Math.max(0, 100_000 - Math.ceil((later - GUARD_MS - 86_400_000 - START + 1) / 600));
      const used = day.counter.used(later);
      expect(used).toBeGreaterThanOrEqual(exact);
      // One grain of a day is 21 s: 36 events.
      expect(used).toBeLessThanOrEqual(exact + 40);
    }
  });

  test('what is larger than the window never fits', () => {
    expect(freeAt(createWindow(window(5), 'configured'), START, 6)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is restored as it was', () => {
    assert(property(kinds, traffic, (kind, steps) => {
      const one = createWindow(window(10, 60, { kind }), 'configured');
      drive(one, steps, false);
      const other = createWindow(window(10, 60, { kind }), 'configured');
      const now = steps.reduce((at, { wait }) => at + wait, START + 12_345) + 1000;
      other.counter.load(one.counter.save(), now);
      for (const later of [now, now + 20_000, now + 59_000, now + 61_000]) {
        expect(freeAt(other, later, 3)).toBe(freeAt(one, later, 3));
        expect(other.counter.used(later)).toBeCloseTo(one.counter.used(later), 6);
      }
    }));
  });
});

function dayEnd(timeZone: string, now: number): string {
  const day = createWindow(window(1, 86_400, { kind: 'calendar', timeZone }), 'configured');
  day.counter.take(now, 1);
  return new Date(day.counter.wholeAt(now) - 1000).toISOString();
}

describe('a calendar window', () => {
  test.each([
    ['UTC', '2026-03-10T12:00:00Z', '2026-03-11T00:00:00.000Z'],
    // Pacific time before, over and after the change of 8 March 2026 (23 hours) and 1 November 2026 (25 hours).
    ['America/Los_Angeles', '2026-03-07T20:00:00Z', '2026-03-08T08:00:00.000Z'],
    ['America/Los_Angeles', '2026-03-08T08:30:00Z', '2026-03-09T07:00:00.000Z'],
    ['America/Los_Angeles', '2026-11-01T07:30:00Z', '2026-11-02T08:00:00.000Z'],
    // Days that begin at 01:00, and a zone of half hours.
    ['America/Santiago', '2026-09-05T12:00:00Z', '2026-09-06T04:00:00.000Z'],
    ['Africa/Cairo', '2026-04-23T12:00:00Z', '2026-04-23T22:00:00.000Z'],
    ['Asia/Kolkata', '2026-03-10T12:00:00Z', '2026-03-10T18:30:00.000Z'],
  ])('of %s at %s ends at %s', (timeZone, now, expected) => {
    expect(dayEnd(timeZone, Date.parse(now))).toBe(expected);
  });

  test('counts a call sent just before the turn in both periods: upstream may see it after', () => {
    const minute = createWindow(window(2, 60, { kind: 'calendar' }), 'configured');
    minute.counter.take(START + 30_000, 1);
    minute.counter.take(START + MINUTE - 50, 1);
    expect(minute.counter.used(START + MINUTE + GUARD_MS)).toBe(1);
    expect(fits(minute, START + MINUTE + GUARD_MS, 2)).toBe(false);
  });

  test('of a month ends with the month', () => {
    const month = createWindow(window(1, 30 * 86_400, { kind: 'calendar' }), 'configured');
    const now = Date.parse('2026-02-03T00:00:00Z');
    month.counter.take(now, 1);
    expect(freeAt(month, now, 1)).toBe(Date.parse('2026-03-01T00:00:01Z'));
  });

  test('is not moved by a word that was late on its way', () => {
    const minute = createWindow(window(2, 60, { kind: 'calendar' }), 'configured');
    minute.counter.take(START, 2);
    const told = { unit: 'requests', seconds: 60, limit: 2, remaining: 0, source: 'header' } as const;
    correct(minute, START + 1500, { ...told, resetFrom: START + MINUTE, resetAt: START + MINUTE + 1500 }, 0);
    expect(freeAt(minute, START + 1500, 1)).toBe(START + MINUTE + GUARD_MS);
  });

  test('follows the turn upstream tells', () => {
    const minute = createWindow(window(2, 60, { kind: 'calendar' }), 'configured');
    minute.counter.take(START, 2);
    correct(minute, START, { unit: 'requests', seconds: 60, limit: 2, remaining: 0, resetAt: START + 17_000, source: 'header' }, 0);
    expect(freeAt(minute, START, 1)).toBe(START + 17_000 + GUARD_MS);
    minute.counter.take(START + 20_000, 2);
    expect(freeAt(minute, START + 20_000, 1)).toBe(START + 77_000 + GUARD_MS);
  });
});

const fact = (remaining: number, rest: Partial<Fact> = {}): Fact => ({ unit: 'requests', seconds: 60, limit: 30, remaining, source: 'header', ...rest });

function used(taken: number): Window {
  const one = createWindow(window(30), 'configured');
  if (taken > 0) one.counter.take(START, taken);
  return one;
}

describe('what upstream says', () => {
  test('3 left, with 2 in flight it may not have seen: 1 more, not 3', () => {
    const one = used(2);
    correct(one, START + 1, fact(3), 2);
    expect(fits(one, START + 1, 1)).toBe(true);
    expect(fits(one, START + 1, 2)).toBe(false);
  });

  test('a belief that calls in flight explain stays', () => {
    const one = used(10);
    expect(correct(one, START + 1, fact(22), 2)).toMatchObject({ changed: false, raised: false, foreign: 0 });
    expect(one.counter.used(START + 1)).toBe(10);
  });

  test('more left than we thought is believed at once', () => {
    const one = used(30);
    correct(one, START + 1, fact(25), 0);
    expect(one.counter.used(START + 1)).toBe(5);
  });

  test('an endpoint that lags never lowers a count', () => {
    const one = used(20);
    correct(one, START + 1, { ...fact(28), source: 'endpoint' }, 0);
    expect(one.counter.used(START + 1)).toBe(20);
  });

  test('use by others is told, and ends when upstream says', () => {
    const one = used(1);
    expect(correct(one, START, fact(0, { resetAt: START + 20_000 }), 0)).toMatchObject({ changed: true, raised: false, foreign: 29 });
    expect(freeAt(one, START, 1)).toBe(START + 20_000 + GUARD_MS);
  });

  test('a refusal that missed by a hair teaches how much the network jitters, and is nobody else\'s use', () => {
    const one = used(30);
    const free = START + MINUTE + GUARD_MS;
    one.counter.take(free, 29);
    expect(correct(one, free, fact(0, { source: 'refusal', resetAt: free + 50 }), 0)).toMatchObject({ foreign: 0 });
    expect(one.counter.used(free)).toBe(29);
    // Twice the 150 ms that were too little and the 50 ms by which.
    expect(freeAt(one, free, 30)).toBe(free + MINUTE + 2 * (GUARD_MS + 50));
  });

  test('a refusal for longer than moments is somebody else, be it ever so few', () => {
    const one = used(29);
    expect(correct(one, START, fact(0, { source: 'refusal', resetAt: START + 20_000 }), 0)).toMatchObject({ changed: true, foreign: 1 });
    expect(one.counter.used(START)).toBe(30);
  });

  test('a limit told replaces ours, but not the bound the operator set', () => {
    const one = used(0);
    correct(one, START, { unit: 'requests', seconds: 60, limit: 60, source: 'header' }, 0);
    expect(one).toMatchObject({ limit: 60, source: 'header' });
    one.cap = 10;
    correct(one, START, { unit: 'requests', seconds: 60, limit: 50, source: 'refusal' }, 0);
    expect(one.limit).toBe(10);
  });
});
