import { describe, expect, test } from '@jest/globals';
import { array, assert, boolean, constant, constantFrom, integer, oneof, option, property, record } from 'fast-check';
import { GUARD_MS, WIDEST_GUARD_MS } from '../../src/accounts/counter.ts';
import { createMeter } from '../../src/accounts/meter.ts';
import type { Call, Totals } from '../../src/accounts/unseen.ts';
import { type Window, correct, fits, freeAt } from '../../src/accounts/window.ts';
import type { Fact, WindowLimit } from '../../src/types.ts';
import { START, window } from './harness.ts';

const MINUTE = 60_000;

interface Sent extends Call {
  seenAt: number;
  readonly cost: Totals;
}

/** A window of a meter that keeps no other. */
interface Alone {
  readonly window: Window;
  /** Sends a call. */
  readonly take: (now: number, amount: number) => Sent;
  /** Upstream spoke of it. */
  readonly seen: (now: number, call: Sent) => void;
  /** It took so much less. */
  readonly refund: (now: number, call: Sent, amount: number) => void;
}

function alone(spec: WindowLimit): Alone {
  const meter = createMeter();
  meter.configure({ windows: [spec] }, { windows: [] });
  const one = meter.windows.find(({ unit, seconds }) => unit === spec.unit && seconds === spec.seconds);
  if (one === undefined) throw new Error('not configured');
  const sent = { calls: 0 };
  return {
    window: one,
    take(at, amount) {
      const call: Sent = { id: (sent.calls += 1), at, seenAt: Number.POSITIVE_INFINITY, cost: { requests: 0, tokens: 0, audio_seconds: 0, [spec.unit]: amount } };
      meter.count(at, call);
      return call;
    },
    seen(now, call) {
      meter.seen(now, call);
      call.seenAt = now;
    },
    refund(now, call, amount) {
      meter.adjust(now, call, spec.unit, -amount);
      call.cost[spec.unit] -= amount;
    },
  };
}

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

interface Step {
  readonly wait: number;
  readonly amount: number;
  /** How much of the guard it needs to arrive, in per cent. */
  readonly arrives: number;
  /** So much later its answer begins, if it does. */
  readonly back: number | null;
}

const traffic = array(
  record<Step>({
    wait: oneof(constant(0), integer({ min: 0, max: 40 }), integer({ min: 0, max: 25_000 })), amount: integer({ min: 1, max: 4 }),
    arrives: integer({ min: 0, max: 100 }), back: option(oneof(integer({ min: 0, max: 50 }), integer({ min: 0, max: 2000 }))),
  }),
  { maxLength: 120 },
);

const kinds = constantFrom<WindowLimit['kind']>('rolling', 'refill', 'calendar');

interface Driven {
  readonly arrivals: readonly Arrival[];
  /** When each call had certainly arrived, for all that was heard. */
  readonly certain: readonly Arrival[];
  readonly end: number;
}

/** Sends whatever fits, or waits for the time told and sends then; hears of answers when they begin. */
function drive({ window: one, take, seen }: Alone, steps: readonly Step[], patient: boolean): Driven {
  let now = START + 12_345;
  const arrivals: Arrival[] = [];
  const calls: { readonly call: Sent; readonly amount: number; readonly answeredAt: number }[] = [];
  const { guard } = one.unseen;
  function pass(until: number): void {
    const heard = calls.filter(({ answeredAt }) => answeredAt <= until && answeredAt >= now).sort((before, after) => before.answeredAt - after.answeredAt);
    for (const { answeredAt, call } of heard) if (call.seenAt > answeredAt) seen(answeredAt, call);
    now = until;
  }
  for (const { wait, amount, arrives, back } of steps) {
    pass(now + wait);
    if (!fits(one, now, amount)) {
      if (!patient) continue;
      const told = freeAt(one, now, amount);
      expect(told).toBeGreaterThan(now);
      pass(told - 1);
      // An answer on the way may have brought it forward.
      if (freeAt(one, now, amount) === told) expect(fits(one, now, amount)).toBe(false);
      pass(told);
      expect(fits(one, now, amount)).toBe(true);
    }
    const arrivedAt = now + Math.floor((arrives * guard) / 100);
    arrivals.push({ at: arrivedAt, amount });
    calls.push({ call: take(now, amount), amount, answeredAt: back === null ? Number.POSITIVE_INFINITY : arrivedAt + back });
  }
  pass(now);
  const certain = calls.map(({ call, amount }) => ({ at: Math.min(call.at + guard, call.seenAt), amount }));
  return { arrivals: arrivals.sort((before, after) => before.at - after.at), certain, end: now };
}

describe('a window', () => {
  test('never lets upstream see more than its limit, however the network jitters and whenever answers begin', () => {
    assert(property(kinds, integer({ min: 4, max: 12 }), constantFrom(GUARD_MS, 500, WIDEST_GUARD_MS - 1, WIDEST_GUARD_MS), traffic, boolean(), (kind, limit, guard, steps, patient) => {
      const one = alone(window(limit, 60, { kind }));
      one.window.unseen.widen(guard);
      const { arrivals } = drive(one, steps, patient);
      expect(excess[kind](arrivals, limit, MINUTE)).toBeLessThan(1e-3);
    }), { numRuns: 500 });
  });

  test('lets a call go a span after its answer began, or the guard was over, and no later', () => {
    assert(property(traffic, (steps) => {
      const one = alone(window(12));
      const { certain, end } = drive(one, steps, false);
      for (const later of [0, 100, 150, 1000, 20_000, 59_000, 60_000, 60_150]) {
        expect(one.window.counter.used(end + later)).toBe(sum(certain.filter(({ at }) => at + MINUTE > end + later)));
      }
    }));
  });

  test('an answer’s beginning proves nothing where the widest guard was not enough', () => {
    const one = alone(window(1));
    one.window.unseen.widen(WIDEST_GUARD_MS);
    one.seen(START + 40, one.take(START, 1));
    expect(freeAt(one.window, START + 40, 1)).toBe(START + MINUTE + WIDEST_GUARD_MS);
  });

  test('counts what was taken, settled and refunded, as a recount does', () => {
    const change = record({ wait: integer({ min: 0, max: 9000 }), amount: integer({ min: 1, max: 50 }), back: integer({ min: 0, max: 50 }), seen: boolean() });
    assert(property(array(change, { maxLength: 80 }), (changes) => {
      const one = alone(window(1_000_000));
      const calls: { readonly call: Sent; amount: number; until: number }[] = [];
      let now = START;
      for (const { wait, amount, back, seen } of changes) {
        now += wait;
        calls.push({ call: one.take(now, amount), amount, until: now + GUARD_MS + MINUTE });
        const earlier = calls[Math.floor(calls.length / 2)];
        if (earlier !== undefined && seen && earlier.call.seenAt === Number.POSITIVE_INFINITY) {
          one.seen(now, earlier.call);
          earlier.until = Math.min(earlier.until, now + MINUTE);
        }
        if (earlier !== undefined && back <= earlier.amount) {
          one.refund(now, earlier.call, back);
          earlier.amount -= back;
        }
        const recount = calls.filter(({ until }) => until > now).reduce((total, call) => total + call.amount, 0);
        expect(one.window.counter.used(now)).toBe(recount);
      }
    }));
  });

  test('holds 100,000 events of a day in bounded memory, none let go early', () => {
    const { window: day, take } = alone(window(1_000_000, 86_400));
    for (let event = 0; event < 100_000; event += 1) take(START + event * 600, 1);
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
    expect(freeAt(alone(window(5)).window, START, 6)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is restored as it was, as if nobody on the way was heard of', () => {
    assert(property(kinds, traffic, (kind, steps) => {
      const one = alone(window(10, 60, { kind }));
      const { end: now } = drive(one, steps, false);
      const other = alone(window(10, 60, { kind }));
      other.window.counter.load(one.window.counter.save(), now);
      for (const later of [now + GUARD_MS, now + 20_000, now + 59_000, now + 61_000]) {
        // A bucket fades a guard later by then.
        expect(other.window.counter.used(later)).toBeCloseTo(one.window.counter.used(later), kind === 'refill' ? 1 : 6);
        expect(other.window.counter.used(later)).toBeGreaterThanOrEqual(one.window.counter.used(later) - 1e-6);
      }
    }));
  });
});

function dayEnd(timeZone: string, now: number): string {
  const { window: day, take } = alone(window(1, 86_400, { kind: 'calendar', timeZone }));
  take(now, 1);
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
    const { window: minute, take } = alone(window(2, 60, { kind: 'calendar' }));
    take(START + 30_000, 1);
    take(START + MINUTE - 50, 1);
    expect(minute.counter.used(START + MINUTE + GUARD_MS)).toBe(1);
    expect(fits(minute, START + MINUTE + GUARD_MS, 2)).toBe(false);
  });

  test('of a month ends with the month', () => {
    const { window: month, take } = alone(window(1, 30 * 86_400, { kind: 'calendar' }));
    const now = Date.parse('2026-02-03T00:00:00Z');
    take(now, 1);
    expect(freeAt(month, now, 1)).toBe(Date.parse('2026-03-01T00:00:01Z'));
  });

  test('is not moved by a word that was late on its way', () => {
    const { window: minute, take } = alone(window(2, 60, { kind: 'calendar' }));
    take(START, 2);
    const told = { unit: 'requests', seconds: 60, limit: 2, remaining: 0, source: 'header' } as const;
    correct(minute, START + 1500, { ...told, resetFrom: START + MINUTE, resetAt: START + MINUTE + 1500 }, 0);
    expect(freeAt(minute, START + 1500, 1)).toBe(START + MINUTE + GUARD_MS);
  });

  test('follows the turn upstream tells', () => {
    const { window: minute, take } = alone(window(2, 60, { kind: 'calendar' }));
    take(START, 2);
    correct(minute, START, { unit: 'requests', seconds: 60, limit: 2, remaining: 0, resetAt: START + 17_000, source: 'header' }, 0);
    expect(freeAt(minute, START, 1)).toBe(START + 17_000 + GUARD_MS);
    take(START + 20_000, 2);
    expect(freeAt(minute, START + 20_000, 1)).toBe(START + 77_000 + GUARD_MS);
  });
});

const fact = (remaining: number, rest: Partial<Fact> = {}): Fact => ({ unit: 'requests', seconds: 60, limit: 30, remaining, source: 'header', ...rest });

function used(taken: number): Window {
  const one = alone(window(30));
  if (taken > 0) one.seen(START, one.take(START, taken));
  return one.window;
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
    expect(freeAt(one, START, 1)).toBe(START + 20_000);
  });

  test('a refusal that missed by a hair teaches how much the network jitters, and is nobody else\'s use', () => {
    const { window: one, take } = alone(window(30));
    take(START, 30);
    const free = START + MINUTE + GUARD_MS;
    take(free, 29);
    expect(correct(one, free, fact(0, { source: 'refusal', resetAt: free + 50 }), 0)).toMatchObject({ foreign: 0 });
    expect(one.counter.used(free)).toBe(29);
    // Three times the 150 ms that were too little and the 50 ms by which.
    expect(freeAt(one, free, 30)).toBe(free + MINUTE + 3 * (GUARD_MS + 50));
  });

  test('what was counted before a refusal widened the guard is let go as much later', () => {
    const { window: one, take } = alone(window(30));
    take(START, 29);
    take(START + 1000, 1);
    const free = START + MINUTE + GUARD_MS;
    take(free, 28);
    correct(one, free, fact(0, { source: 'refusal', resetAt: free + 50 }), 0);
    expect(freeAt(one, free, 2)).toBe(START + 1000 + MINUTE + 3 * (GUARD_MS + 50));
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
