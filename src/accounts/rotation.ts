/** Round-robin: whoever was asked longest ago is next. Even to one call, and nobody who rested has turns to catch up on. */

export interface Rotation {
  /** A new array: the least recently used first. */
  order<T extends { readonly id: string }>(target: string, accounts: readonly T[]): readonly T[];
  used(target: string, accountId: string): void;
  save(): readonly (readonly [target: string, account: string])[];
}

export function createRotation(): Rotation {
  /** Per target, accounts by last use, oldest first: a Map keeps the order of insertion. */
  const cursors = new Map<string, Map<string, number>>();
  let turn = 0;

  return {
    order(target, accounts) {
      const turns = cursors.get(target);
      if (turns === undefined || accounts.length < 2) return accounts;
      return [...accounts].sort((one, other) => (turns.get(one.id) ?? 0) - (turns.get(other.id) ?? 0));
    },
    used(target, accountId) {
      const turns = cursors.get(target) ?? new Map<string, number>();
      turn += 1;
      turns.set(accountId, turn);
      cursors.set(target, turns);
    },
    save: () =>
      [...cursors]
        .flatMap(([target, turns]) => [...turns].map(([account, at]) => ({ target, account, at })))
        .sort((one, other) => one.at - other.at)
        .map(({ target, account }) => [target, account] as const),
  };
}
