import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createInFlight } from '../src/in-flight.ts';

test('holds what was set or added and has not ended, as a Map would', () => {
  const step = fc.record({ what: fc.constantFrom('set', 'take', 'get', 'add', 'end'), name: fc.constantFrom('a', 'b', '__proto__', 'constructor', 'c') });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const known = new Map<string, { readonly at: number }>();
      const inFlight = createInFlight<{ readonly at: number }>();
      const ends: { readonly named: string; readonly end: () => void }[] = [];
      for (const [at, { what, name }] of steps.entries()) {
        if (what === 'add') {
          ends.push({ named: `nameless ${at}`, end: inFlight.add({ at }) });
          known.set(`nameless ${at}`, { at });
        } else if (what === 'end') {
          // Any of them, also one that has ended.
          const one = ends[(at * 7) % (ends.length || 1)];
          one?.end();
          known.delete(one?.named ?? '');
        } else if (what === 'set') {
          inFlight.set(name, { at });
          known.set(name, { at });
        } else {
          expect(what === 'take' ? inFlight.take(name) : inFlight.get(name)).toEqual(known.get(name));
          if (what === 'take') known.delete(name);
        }
        expect(inFlight.count()).toBe(known.size);
        expect(inFlight.items().map((item) => item.at).toSorted((one, other) => one - other)).toEqual([...known.values()].map((item) => item.at).toSorted((one, other) => one - other));
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

/** MiB. */
const used = (): number => getHeapStatistics().used_heap_size / 2 ** 20;

test('one that ended after it had grown old keeps none of those alive that came after it', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  const inFlight = createInFlight<{ readonly one: number }>();
  const last = { end: (): void => undefined };
  collect({ type: 'minor' });
  const before = used();
  for (let round = 0; round < 20; round += 1) {
    for (let one = 0; one < 50_000; one += 1) {
      const end = inFlight.add({ one });
      last.end();
      last.end = end;
    }
    // Only what is under way at this moment grows old, which takes two collections.
    collect({ type: 'minor' });
    collect({ type: 'minor' });
  }
  expect(inFlight.count()).toBe(1);
  collect({ type: 'minor' });
  expect(used() - before).toBeLessThan(2);
});
