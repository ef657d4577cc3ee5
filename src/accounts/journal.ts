/** What must survive a crash, as lines of a journal: written where it happens, read back in the same order. */
import type { Fact, Unit, WindowLimit } from '../types.ts';
import type { BreakerRecord } from './breaker.ts';
import type { Charging } from './charging.ts';
import type { Learned as LearnedUse } from './estimate.ts';
import type { KnownMerit } from './merit.ts';
import type { Rest } from './rest.ts';
import type { Source } from './window.ts';

/** Where the lines go. Appending returns once the line would survive the end of this process. */
export interface Journal {
  /** Everything written before, oldest first; what was cut or damaged is left out. */
  read(): readonly unknown[];
  append(entry: Entry): void;
  /** For what a crash may forget: without it more is counted than was used, never less. */
  defer(entry: Entry): void;
  /** It has grown so long that a snapshot should take its place. */
  readonly full: boolean;
  rewrite(entries: readonly Entry[]): void;
  /** The same in the background: lines appended meanwhile come after these. */
  compact(entries: readonly Entry[]): Promise<void>;
}

/** Whose windows a line is about. Without a model: those of the whole pool. */
export interface Scoped {
  readonly provider: string;
  readonly pool: string;
  readonly model: string;
}

/** What a call took. */
export interface Written {
  readonly requests: number;
  readonly tokens: number;
  readonly audio_seconds?: number;
}

export type Entry =
  /** A call was sent. Without an `end` it was under way at the crash, and stays counted. */
  | (Scoped & Written & { readonly type: 'take'; readonly id: number; readonly at: number; readonly account: string; /** In a snapshot: the windows count it already. */ readonly counted?: boolean; /** And since when upstream certainly does. */ readonly seenAt?: number })
  /** What the call turned out to have used. */
  | { readonly type: 'count'; readonly id: number; readonly at: number; readonly unit: Unit; readonly actual: number }
  /** Upstream spoke of it so soon that it frees sooner. */
  | { readonly type: 'seen'; readonly id: number; readonly at: number }
  | { readonly type: 'end'; readonly id: number; /** For its rate: it proves nothing. */ readonly refused?: boolean }
  /** A fact that changed a window: of the pool (0) or the model (1). */
  | (Scoped & { readonly type: 'fact'; readonly at: number; readonly meter: 0 | 1; readonly fact: Fact; readonly unseen: number })
  | (Scoped & Charging & { readonly type: 'charging' })
  | { readonly type: 'rest'; readonly rest: StoredRest }
  | { readonly type: 'awake'; readonly key: string }
  /** How it stands now, in place of what was said before. */
  | { readonly type: 'breaker'; readonly breaker: BreakerRecord }
  /** Now and then, in place of what was said before. */
  | { readonly type: 'estimate'; readonly key: string; readonly learned: LearnedUse }
  | { readonly type: 'merit'; readonly target: string; readonly merit: KnownMerit }
  /** Snapshots only. */
  | (Scoped & { readonly type: 'window'; readonly at: number; readonly meter: 0 | 1; readonly window: StoredWindow })
  | { readonly type: 'turn'; readonly target: string; readonly account: string };

/** JSON has no Infinity: absent means until a human acts. */
export type StoredRest = Omit<Rest, 'until'> & { readonly until?: number };

export interface StoredWindow extends Omit<WindowLimit, 'limit'> {
  /** Absent: nobody named one. */
  readonly limit?: number;
  readonly source: Source;
  readonly configured?: Pick<WindowLimit, 'limit' | 'kind' | 'timeZone'>;
  readonly inferredUntil?: number;
  /** How many milliseconds a call may need to arrive; absent in older journals. */
  readonly guard?: number;
  /** Its calendar is known to turn. */
  readonly turnProven?: boolean;
  /** So many requests were admitted once. */
  readonly proven?: number;
  readonly used: number;
  readonly state: readonly number[];
}

/**
 * The JSON of a line, as `JSON.stringify` has it. The four lines of a call are put together by hand, with their writing at 1.2 µs
 * in place of 2.7 (Node 20.20); a row of the record and a line of the log gained nothing of the kind.
 */
export function textOf(entry: Entry): string {
  switch (entry.type) {
    case 'take': {
      const { id, at, account, provider, pool, model, requests, tokens, audio_seconds: heard, counted, seenAt } = entry;
      if (heard !== undefined || counted !== undefined || seenAt !== undefined || !Number.isFinite(id + at + requests + tokens)) return JSON.stringify(entry);
      return `{"type":"take","id":${id},"at":${at},"account":${quoted(account)},"provider":${quoted(provider)},"pool":${quoted(pool)},"model":${quoted(model)},"requests":${requests},"tokens":${tokens}}`;
    }
    case 'count': return Number.isFinite(entry.id + entry.at + entry.actual) ? `{"type":"count","id":${entry.id},"at":${entry.at},"unit":"${entry.unit}","actual":${entry.actual}}` : JSON.stringify(entry);
    case 'seen': return Number.isFinite(entry.id + entry.at) ? `{"type":"seen","id":${entry.id},"at":${entry.at}}` : JSON.stringify(entry);
    case 'end': return entry.refused === undefined && Number.isFinite(entry.id) ? `{"type":"end","id":${entry.id}}` : JSON.stringify(entry);
    case 'fact': case 'charging': case 'rest': case 'awake': case 'breaker': case 'estimate': case 'merit': case 'window': case 'turn': return JSON.stringify(entry);
    default: return entry satisfies never;
  }
}

/** Nothing to escape: neither quotes, backslashes and control characters, nor surrogates, of which one alone is. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

/** What a line of each type must hold to be believed. Unknown types, from a newer version, are passed over. */
const SHAPES: Readonly<Record<Entry['type'], Readonly<Record<string, 'number' | 'string' | 'boolean' | 'object'>>>> = {
  take: { id: 'number', at: 'number', account: 'string', provider: 'string', pool: 'string', model: 'string', requests: 'number', tokens: 'number' },
  count: { id: 'number', at: 'number', unit: 'string', actual: 'number' },
  seen: { id: 'number', at: 'number' },
  end: { id: 'number' },
  fact: { at: 'number', provider: 'string', pool: 'string', model: 'string', meter: 'number', fact: 'object', unseen: 'number' },
  charging: { provider: 'string', pool: 'string', model: 'string', reservesAllowed: 'boolean', refunds: 'boolean' },
  rest: { rest: 'object' },
  awake: { key: 'string' },
  breaker: { breaker: 'object' },
  window: { at: 'number', provider: 'string', pool: 'string', model: 'string', meter: 'number', window: 'object' },
  turn: { target: 'string', account: 'string' },
  estimate: { key: 'string', learned: 'object' },
  merit: { target: 'string', merit: 'object' },
};

const isType = (type: unknown): type is Entry['type'] => typeof type === 'string' && Object.hasOwn(SHAPES, type);

export function readEntry(line: unknown): Entry | undefined {
  if (typeof line !== 'object' || line === null || !('type' in line) || !isType(line.type)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(line));
  const whole = Object.entries(SHAPES[line.type]).every(([field, type]) => typeof fields.get(field) === type && fields.get(field) !== null);
  return whole ? (line as Entry) : undefined;
}
