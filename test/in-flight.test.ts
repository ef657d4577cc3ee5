import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createInFlight } from '../src/in-flight.ts';

test('holds what was set or added and has not ended, as a Map would', () => {
  const step = fc.record({ what: fc.constantFrom('set', 'take', 'get'), name: fc.constantFrom('a', 'b', '__proto__', 'constructor', 'c') });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const known = new Map<string, { readonly at: number }>();
      const inFlight = createInFlight<{ readonly at: number }>();
      for (const [at, { what, name }] of steps.entries()) {
        if (what === 'set') {
          inFlight.set(name, { at });
          known.set(name, { at });
        } else {
          expect(what === 'take' ? inFlight.take(name) : inFlight.get(name)).toEqual(known.get(name));
          if (what === 'take') known.delete(name);
        }
        expect(inFlight.count()).toBe(known.size);
        expect(new Set(inFlight.items())).toEqual(new Set(known.values()));
      }
    }),
  );
});

test('what has no name ends once', () => {
  const inFlight = createInFlight<{ readonly one: number }>();
  const ends = [{ one: 1 }, { one: 2 }].map((item) => inFlight.add(item));
  ends[0]?.();
  ends[0]?.();
  expect(inFlight.items()).toEqual([{ one: 2 }]);
  expect(inFlight.count()).toBe(1);
});
