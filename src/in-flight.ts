/**
 * What is under way: for lists that live as long as the process and whose entries come and go with requests.
 *
 * A `Map` or `Set` must not be used for that. When its table is full V8 makes a new one and links the old to it; once one such
 * table has grown old, all that follow count as reachable from it, with every request they hold, until the next full
 * collection. With 16 entries coming and going, a `Map` kept all of 180,000 objects alive (13.4 s, 76 full collections),
 * this none (2.2 s, two); a daemon under load grew to 110 MB of heap with Maps, and stays at 30 MB. An object's table is not
 * linked to its successor. Node 20.20.
 *
 * What has no name stands in a list instead: to enter it and to leave costs 50 ns, and 350 in an object, whose table takes a name
 * that never comes again.
 */
export interface InFlight<T> {
  readonly set: (name: string | number, item: T) => void;
  /** For what has no name. Returns what ends it. */
  readonly add: (item: T) => () => void;
  readonly get: (name: string | number) => T | undefined;
  /** Ends it, and returns it; undefined where it had ended. */
  readonly take: (name: string | number) => T | undefined;
  readonly items: () => readonly T[];
  readonly count: () => number;
}

/** In a ring, of which the first place is nobody's. */
interface Place<T> {
  item: T | undefined;
  before: Place<T>;
  after: Place<T>;
}

export function createInFlight<T extends object>(): InFlight<T> {
  const items: Record<string | number, T> = Object.create(null) as Record<string | number, T>;
  const state = { count: 0 };
  const first = ring<T>();
  const set = (name: string | number, item: T): void => {
    if (items[name] === undefined) state.count += 1;
    items[name] = item;
  };
  const take = (name: string | number): T | undefined => {
    const item = items[name];
    if (item === undefined) return undefined;
    state.count -= 1;
    delete items[name];
    return item;
  };
  return {
    set,
    add(item) {
      const place: Place<T> = { item, before: first.before, after: first };
      first.before.after = place;
      first.before = place;
      state.count += 1;
      return () => {
        if (place.item === undefined) return;
        state.count -= 1;
        place.before.after = place.after;
        place.after.before = place.before;
        // Grown old, it would keep alive whoever came after it, and these their successors.
        place.item = undefined;
        place.before = place.after = place;
      };
    },
    get: (name) => items[name],
    take,
    items: () => [...Object.values(items), ...itemsIn(first)],
    count: () => state.count,
  };
}

function ring<T>(): Place<T> {
  const place = { item: undefined } as Place<T>;
  place.before = place.after = place;
  return place;
}

function itemsIn<T>(first: Place<T>): readonly T[] {
  const found: T[] = [];
  for (let { after: place } = first; place.item !== undefined; place = place.after) found.push(place.item);
  return found;
}
