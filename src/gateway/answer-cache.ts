/**
 * Where a rule allows it, the same question is asked once: while its answer is on the way all who ask share it, and for
 * a time afterwards it is told again. What is told again costs no quota.
 */
import type { AnswerDisk } from '../cache/disk.ts';
import { keyOf } from '../cache/key.ts';
import { createAnswerStore } from '../cache/store.ts';
import type { AnswerStore, AnswerStoreOptions, Kept } from '../cache/store.ts';
import { whyLeft } from '../failure.ts';
import type { Answer, Turn } from '../gateway.ts';
import type { AbortSignalLike, CacheRule, ChatChunk } from '../types.ts';
import { startFlight } from './flight.ts';
import type { Flight, SharedAnswer } from './flight.ts';
import { startPatience } from './patience.ts';
import type { Patience } from './patience.ts';

export interface AnswerCache {
  readonly store: AnswerStore;
  /** What outlives the process, where the settings want it. */
  readonly disk?: AnswerDisk;
  /** Questions being answered now. */
  readonly flights: Map<string, Flight>;
}

type Ask = (turn: Turn) => Promise<Answer>;

export const createAnswerCache = ({ disk, ...options }: AnswerStoreOptions & { readonly disk?: AnswerDisk | undefined }): AnswerCache => ({ store: createAnswerStore(options), ...(disk && { disk }), flights: new Map() });

/** The answer from the cache, from whoever is asking the same already, or from `ask`. */
export function throughCache(turn: Turn, ask: Ask): Promise<Answer> {
  const { request, match: { rule } } = turn;
  if (rule?.cache === undefined || request.cache === 'off' || request.relay?.form !== undefined) return ask(turn);
  return findOrAsk(turn, { key: keyOf(request, { rule: rule.name, shared: rule.cache.shared }), rule: rule.cache }, ask);
}

interface Wanted {
  readonly key: string;
  readonly rule: CacheRule;
}

async function findOrAsk(turn: Turn, wanted: Wanted, ask: Ask): Promise<Answer> {
  const { gateway: { cache }, request } = turn;
  const { key } = wanted;
  if (request.cache !== 'refresh') {
    const kept = cache.store.find(key) ?? (cache.flights.has(key) ? undefined : await fromDisk(cache, key));
    if (kept !== undefined) return tellAgain(turn, kept);
    const flight = cache.flights.get(key);
    if (flight !== undefined) return (await join(turn, flight)) ?? miss(turn, ask);
  }
  return lead(turn, wanted, ask);
}

async function fromDisk({ disk, store }: AnswerCache, key: string): Promise<Kept | undefined> {
  const found = await disk?.find(key);
  if (found !== undefined) store.keep(key, found.kept, found.ttlMs);
  return found?.kept;
}

function tellAgain({ gateway, match, story }: Turn, { chunks, target, account, usage, dropped, keptAt }: Kept): Answer {
  const lease = { target, account, queuedMs: 0 };
  story.repeated({ lease, usage });
  return { match, lease, attempts: 0, usage: () => usage, dropped, cache: { hit: true, ageMs: gateway.now() - keptAt }, chunks: each(chunks) };
}

async function* each(chunks: readonly ChatChunk[]): AsyncGenerator<ChatChunk> {
  yield* chunks;
}

async function miss(turn: Turn, ask: Ask): Promise<Answer> {
  turn.story.missed();
  return { ...(await ask(turn)), cache: { hit: false, ageMs: 0 } };
}

/** The first to ask. The call is told as its own to the end, even where it leaves and others stay. */
async function lead(turn: Turn, { key, rule }: Wanted, ask: Ask): Promise<Answer> {
  const { gateway: { cache, now }, signal } = turn;
  const flight = startFlight({
    ask: (own) => miss({ ...turn, signal: own }, ask),
    whole({ lease: { target, account }, usage, dropped }, chunks) {
      if (chunks.some(({ finish }) => finish === 'content_filter')) return;
      const kept: Kept = { chunks, usage: usage(), target, account, dropped, keptAt: now() };
      cache.store.keep(key, kept, rule.ttlMs);
      void cache.disk?.keep(key, kept, rule.ttlMs);
    },
    over() {
      if (cache.flights.get(key) === flight) cache.flights.delete(key);
    },
  });
  cache.flights.set(key, flight);
  const leave = flight.board(signal);
  try {
    const { read, ...answer } = await flight.answer;
    return { ...answer, chunks: leaving(read(signal), leave) };
  } catch (error) {
    leave();
    throw error;
  }
}

async function* leaving(chunks: AsyncIterable<ChatChunk>, leave: () => void): AsyncGenerator<ChatChunk> {
  try {
    yield* chunks;
  } finally {
    leave();
  }
}

/** One who asks the same a little later. Undefined: the first came to nothing, and its failure is its own. */
async function join(turn: Turn, flight: Flight): Promise<Answer | undefined> {
  const { gateway, request, signal } = turn;
  const startedAt = gateway.now();
  const waitMs = request.deadline - startedAt;
  const patience = startPatience({ signal, firstContentMs: waitMs, lastContentMs: waitMs, totalMs: gateway.policy().totalMs, someoneElse: () => false, uploading: () => false });
  const leave = flight.board(patience.signal);
  try {
    const shared = await Promise.race([flight.answer, left(patience.signal)]);
    patience.committed();
    return follow(turn, shared, { patience, leave, startedAt });
  } catch {
    patience.end();
    leave();
    if (patience.signal.aborted) throw whyLeft(patience.signal);
    return undefined;
  }
}

const left = (signal: AbortSignalLike): Promise<never> => new Promise((_, reject) => {
  signal.addEventListener('abort', () => reject(whyLeft(signal)), { once: true });
});

interface Place {
  readonly patience: Patience;
  readonly leave: () => void;
  readonly startedAt: number;
}

/** The books of one who shares another's answer: nothing used, and told once however it ends. */
function follow({ gateway, story }: Turn, { read, ...answer }: SharedAnswer, { patience, leave, startedAt }: Place): Answer {
  const { signal } = patience;
  const { lease } = answer;
  const gone = (): void => void story.failed(whyLeft(signal), { lease, usage: undefined });
  signal.addEventListener('abort', gone, { once: true });
  const told = (): void => story.repeated({ lease, usage: answer.usage(), waitedMs: gateway.now() - startedAt });

  async function* chunks(): AsyncGenerator<ChatChunk> {
    try {
      for await (const chunk of read(signal)) {
        if (chunk.whole) told();
        yield chunk;
      }
      told();
    } catch (error) {
      throw story.failed(error, { lease, usage: undefined });
    } finally {
      // Says nothing where the end was told; what is left is a client that stopped reading.
      gone();
      signal.removeEventListener('abort', gone);
      patience.end();
      leave();
    }
  }
  return { ...answer, attempts: 0, cache: { hit: true, ageMs: 0 }, chunks: chunks() };
}
