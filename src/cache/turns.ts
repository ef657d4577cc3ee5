/** Turns of conversations that go on by naming the last one, each for whoever had it; in memory, for a time and up to a size. */
import { LRUCache } from 'lru-cache';
import type { Caller, Clock } from '../types.ts';

type Item = Readonly<Record<string, unknown>>;

export interface TurnStore {
  /** All items up to this turn, oldest first. Undefined: it was never theirs, or is not kept any more. */
  readonly recall: (caller: Caller, id: string) => readonly Item[] | undefined;
  /** What this turn added to the one before. */
  readonly keep: (caller: Caller, id: string, items: readonly Item[], previous?: string) => void;
}

interface Turn {
  readonly items: readonly Item[];
  readonly previous?: string;
  /** Of this turn alone, and with all before it. */
  readonly bytes: number;
  readonly total: number;
}

export interface TurnStoreOptions {
  readonly now: Clock;
  readonly mostBytes: number;
  /** A turn nobody has gone on from for so long is forgotten. */
  readonly keepMs: number;
}

/** One conversation may take no more of the room than this. */
const LARGEST_SHARE = 1 / 8;

export function createTurnStore({ now, mostBytes, keepMs }: TurnStoreOptions): TurnStore {
  const turns = new LRUCache<string, Turn>({ maxSize: mostBytes, sizeCalculation: ({ bytes }) => bytes, ttl: keepMs, updateAgeOnGet: true, perf: { now }, ttlResolution: 0 });
  return {
    recall(caller, id) {
      const found: (readonly Item[])[] = [];
      for (let next: string | undefined = id; next !== undefined; ) {
        const turn: Turn | undefined = turns.get(keyOf(caller, next));
        if (turn === undefined) return undefined;
        found.push(turn.items);
        next = turn.previous;
      }
      return found.toReversed().flat();
    },
    keep(caller, id, items, previous) {
      // Two bytes a character, as V8 keeps all but Latin text.
      const bytes = JSON.stringify(items).length * 2;
      const before = previous === undefined ? 0 : turns.peek(keyOf(caller, previous))?.total;
      if (before === undefined || before + bytes > mostBytes * LARGEST_SHARE) return;
      turns.set(keyOf(caller, id), { items, bytes, total: before + bytes, ...(previous !== undefined && { previous }) });
    },
  };
}

const keyOf = ({ key, id = key }: Caller, turn: string): string => `${id}\n${turn}`;
