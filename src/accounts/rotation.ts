/** Round-robin: whoever was asked longest ago is next. Even to one call, and nobody who rested has turns to catch up on. */

/** One account's way to serve a target. */
interface Turning {
  readonly accountId: string;
}

export interface Rotation<Option extends Turning> {
  /** Those of `options`, the least recently used first. The same array costs nothing to order again, however long it is. */
  order(target: string, options: readonly Option[]): Iterable<Option>;
  used(target: string, accountId: string): void;
  save(): readonly (readonly [target: string, account: string])[];
}

/** A place in a ring of neighbours, so that whoever was used moves to the end in one step. */
interface Seat<Option> {
  readonly option: Option | undefined;
  before: Seat<Option>;
  after: Seat<Option>;
}

interface Ring<Option> {
  readonly options: readonly Option[];
  /** Nobody's: the first comes after it, the last before it. */
  readonly gap: Seat<Option>;
  readonly seats: ReadonlyMap<string, Seat<Option>>;
}

export function createRotation<Option extends Turning>(): Rotation<Option> {
  /** Per target, each account's last turn. Kept also for those who are gone, or not here yet. */
  const turns = new Map<string, Map<string, number>>();
  const rings = new Map<string, Ring<Option>>();
  let turn = 0;

  function ringOf(target: string, options: readonly Option[]): Ring<Option> {
    const known = rings.get(target);
    if (known?.options === options) return known;
    const last = turns.get(target);
    const ring = seat(options, ({ accountId }) => last?.get(accountId) ?? 0);
    rings.set(target, ring);
    return ring;
  }

  return {
    *order(target, options) {
      const { gap } = ringOf(target, options);
      for (let { after: place } = gap; place.option !== undefined; place = place.after) yield place.option;
    },
    used(target, accountId) {
      const last = turns.get(target) ?? new Map<string, number>();
      turns.set(target, last.set(accountId, (turn += 1)));
      const ring = rings.get(target);
      const place = ring?.seats.get(accountId);
      if (ring !== undefined && place !== undefined) moveBefore(ring.gap, place);
    },
    save: () =>
      [...turns]
        .flatMap(([target, last]) => [...last].map(([account, at]) => ({ target, account, at })))
        .sort((one, other) => one.at - other.at)
        .map(({ target, account }) => [target, account] as const),
  };
}

function seat<Option extends Turning>(options: readonly Option[], lastTurn: (option: Option) => number): Ring<Option> {
  const gap = place<Option>(undefined);
  const seats = new Map<string, Seat<Option>>();
  for (const option of options.toSorted((one, other) => lastTurn(one) - lastTurn(other))) {
    const taken = place(option);
    moveBefore(gap, taken);
    seats.set(option.accountId, taken);
  }
  return { options, gap, seats };
}

function place<Option>(option: Option | undefined): Seat<Option> {
  const alone: { option: Option | undefined; before?: Seat<Option>; after?: Seat<Option> } = { option };
  return Object.assign(alone, { before: alone as Seat<Option>, after: alone as Seat<Option> });
}

function moveBefore<Option>(next: Seat<Option>, moved: Seat<Option>): void {
  moved.before.after = moved.after;
  moved.after.before = moved.before;
  moved.before = next.before;
  moved.after = next;
  next.before.after = moved;
  next.before = moved;
}
