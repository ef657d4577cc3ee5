/** Whole answers in memory, for a time and up to a size; those unused longest go first. */
import { LRUCache } from 'lru-cache';
import type { Account, ChatChunk, Clock, Target, Usage } from '../types.ts';

export interface Kept {
  readonly chunks: readonly ChatChunk[];
  readonly usage: Usage | undefined;
  readonly target: Target;
  readonly account: Account;
  /** Fields of the question its model was not asked. */
  readonly dropped: readonly string[];
  readonly keptAt: number;
}

export interface AnswerStore {
  readonly find: (key: string) => Kept | undefined;
  readonly keep: (key: string, kept: Kept, ttlMs: number) => void;
}

export interface AnswerStoreOptions {
  readonly now: Clock;
  readonly mostBytes: number;
}

/** One answer may take no more of the room than this: eight of the longest and no more would be no cache. */
const LARGEST_SHARE = 1 / 8;
/** An object, its strings' heads and its place in a list. */
const CHUNK_BYTES = 200;

export function createAnswerStore({ now, mostBytes }: AnswerStoreOptions): AnswerStore {
  const answers = new LRUCache<string, Kept>({ maxSize: mostBytes, maxEntrySize: Math.ceil(mostBytes * LARGEST_SHARE), sizeCalculation: sizeOf, perf: { now }, ttlResolution: 0 });
  return {
    find: (key) => answers.get(key),
    keep: (key, kept, ttlMs) => void answers.set(key, kept, { ttl: ttlMs }),
  };
}

/** Two bytes a character, as V8 keeps all but Latin text. */
const sizeOf = ({ chunks }: Kept): number => chunks.reduce((sum, { text, raw }) => sum + CHUNK_BYTES + text.length * 2 + (raw?.bytes.byteLength ?? 0), CHUNK_BYTES);
