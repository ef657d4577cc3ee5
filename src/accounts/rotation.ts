/** Round-robin: whoever was asked longest ago is next. Even to one call, and nobody who rested has turns to catch up on. */

/** One account's way to serve a target. */
interface Turning {
  readonly accountId: string;
}

/** Why an option cannot serve, and until when. */
interface Lasting<Option extends Turning> {
  readonly option: Option;
  readonly freeAt: number;
}

export interface Rotation<Option extends Turning, Why extends Lasting<Option> = Lasting<Option>> {
  /** Those of `options` who were not left out, the least recently used first. The same array costs nothing to order again, however long it is. */
  order(target: string, options: readonly Option[], now: number): Iterable<Option>;
  /** Another number whenever somebody was left out or taken in since, or the options are others. */
  version(target: string, options: readonly Option[], now: number): number;
  used(target: string, accountId: string): void;
  /** Whoever cannot serve anybody for a while is not passed over again and again. */
  leaveOut(target: string, why: Why, now: number): void;
  /** What keeps those who are left out. */
  leftOut(target: string): Iterable<Why>;
  /** Something may have freed. */
  wake(whom?: (option: Option) => boolean): void;
  save(): readonly (readonly [target: string, account: string])[];
}

/** A place in a ring of neighbours, so that whoever was used moves to the end in one step. */
interface Seat<Option> {
  readonly option: Option | undefined;
  /** When it was used last, and which of the options it is where that was never. */
  turn: number;
  readonly index: number;
  before: Seat<Option>;
  after: Seat<Option>;
}

interface Ring<Option extends Turning, Why> {
  readonly options: readonly Option[];
  /** Nobody's: the first comes after it, the last before it. */
  readonly gap: Seat<Option>;
  readonly seats: ReadonlyMap<string, Seat<Option>>;
  readonly left: Map<Seat<Option>, Why>;
  version: number;
  /** When the first of those left out is looked at again. */
  nextLook: number;
}

/** Leaving out and taking in again costs more than passing over a few times. */
const LEAST_MS = 2 * 60_000;
/** And whoever is left out is looked at again after this, should anything have freed unheard. */
const LONGEST_MS = 10 * 60_000;

export function createRotation<Option extends Turning, Why extends Lasting<Option> = Lasting<Option>>(): Rotation<Option, Why> {
  /** Per target, each account's last turn. Kept also for those who are gone, or not here yet. */
  const turns = new Map<string, Map<string, number>>();
  const rings = new Map<string, Ring<Option, Why>>();
  let turn = 0;
  let versions = 0;

  /** With those whose time is over. */
  function ringOf(target: string, options: readonly Option[], now: number): Ring<Option, Why> {
    const known = rings.get(target);
    if (known?.options !== options) {
      const last = turns.get(target);
      const ring = seat<Option, Why>(options, ({ accountId }) => last?.get(accountId) ?? 0);
      rings.set(target, ring);
      changed(ring);
      return ring;
    }
    if (now >= known.nextLook) {
      takeIn(known, [...known.left.keys()]);
      known.nextLook = Number.POSITIVE_INFINITY;
    }
    return known;
  }

  function changed(ring: Ring<Option, Why>): void {
    versions += 1;
    ring.version = versions;
  }

  function takeIn(ring: Ring<Option, Why>, seats: readonly Seat<Option>[]): void {
    if (seats.length > 0) changed(ring);
    let { after: next } = ring.gap;
    for (const back of seats.toSorted(earlier)) {
      ring.left.delete(back);
      while (next.option !== undefined && earlier(next, back) < 0) next = next.after;
      moveBefore(next, back);
    }
  }

  return {
    *order(target, options, now) {
      let { after: place } = ringOf(target, options, now).gap;
      while (place.option !== undefined) {
        const { option, after } = place;
        // It may be left out now.
        yield option;
        place = after;
      }
    },
    version: (target, options, now) => ringOf(target, options, now).version,
    used(target, accountId) {
      const last = turns.get(target) ?? new Map<string, number>();
      turns.set(target, last.set(accountId, (turn += 1)));
      const ring = rings.get(target);
      const place = ring?.seats.get(accountId);
      if (ring === undefined || place === undefined) return;
      if (ring.left.delete(place)) changed(ring);
      place.turn = turn;
      moveBefore(ring.gap, place);
    },
    leaveOut(target, why, now) {
      const ring = rings.get(target);
      const place = ring?.seats.get(why.option.accountId);
      if (ring === undefined || place === undefined || why.freeAt < now + LEAST_MS) return;
      unlink(place);
      ring.left.set(place, why);
      changed(ring);
      ring.nextLook = Math.min(ring.nextLook, why.freeAt, now + LONGEST_MS);
    },
    leftOut: (target) => rings.get(target)?.left.values() ?? [],
    wake(whom = () => true) {
      for (const ring of rings.values()) takeIn(ring, [...ring.left].filter(([, { option }]) => whom(option)).map(([place]) => place));
    },
    save: () =>
      [...turns]
        .flatMap(([target, last]) => [...last].map(([account, at]) => ({ target, account, at })))
        .sort((one, other) => one.at - other.at)
        .map(({ target, account }) => [target, account] as const),
  };
}

const earlier = <Option>(one: Seat<Option>, other: Seat<Option>): number => one.turn - other.turn || one.index - other.index;

function seat<Option extends Turning, Why>(options: readonly Option[], lastTurn: (option: Option) => number): Ring<Option, Why> {
  const gap = place<Option>(undefined, 0, 0);
  const seats = options.map((option, index) => place(option, lastTurn(option), index));
  for (const taken of seats.toSorted(earlier)) moveBefore(gap, taken);
  return { options, gap, seats: new Map(seats.map((taken) => [taken.option?.accountId ?? '', taken])), left: new Map(), version: 0, nextLook: Number.POSITIVE_INFINITY };
}

function place<Option>(option: Option | undefined, turn: number, index: number): Seat<Option> {
  const alone: Omit<Seat<Option>, 'before' | 'after'> & { before?: Seat<Option>; after?: Seat<Option> } = { option, turn, index };
  return Object.assign(alone, { before: alone as Seat<Option>, after: alone as Seat<Option> });
}

function unlink<Option>(left: Seat<Option>): void {
  left.before.after = left.after;
  left.after.before = left.before;
  left.before = left;
  left.after = left;
}

function moveBefore<Option>(next: Seat<Option>, moved: Seat<Option>): void {
  unlink(moved);
  moved.before = next.before;
  moved.after = next;
  next.before.after = moved;
  next.before = moved;
}
