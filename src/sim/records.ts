/**
 * What upstream saw: one record a call, from the moment it arrived until its connection was done with it.
 */
import { z } from 'zod';
import { PROVIDER_NAMES } from './types.ts';
import type { ProviderName } from './types.ts';

export interface CallRecord {
  readonly number: number;
  /** Simulated clock. */
  readonly at: number;
  /** Real time, epoch milliseconds. */
  readonly receivedAt: number;
  readonly provider: ProviderName;
  /** The account's label; absent without a key, `unknown` with a foreign one. */
  readonly account?: string;
  readonly organization?: string;
  readonly model?: string;
  readonly method: string;
  readonly path: string;
  /** As received; a credential is replaced by `sha256:` and the first half of its digest. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, or the fields of a form; else the text. */
  readonly body: unknown;
  /** The status sent; absent while there is none, or where the connection broke before. */
  status?: number;
  /** The fault that was played. */
  fault?: string;
  /** Tokens charged to the windows. */
  tokens: number;
  /** What a whole chat answer was long, whoever was told so. */
  usage?: { readonly prompt: number; readonly completion: number };
  /** Content events written. */
  events: number;
  /** Bytes of the answer's body written. */
  bytes: number;
  /** Real time. `left`: the client went away first. `open`: still going on. */
  outcome: 'open' | 'finished' | 'left';
  endedAt?: number;
}

export const callFilterSchema = z.strictObject({
  provider: z.enum(PROVIDER_NAMES).optional(),
  account: z.string().optional(),
  organization: z.string().optional(),
  model: z.string().optional(),
  path: z.string().optional(),
  fault: z.string().optional(),
  status: z.coerce.number().optional(),
  outcome: z.enum(['open', 'finished', 'left']).optional(),
});
export type CallFilter = z.output<typeof callFilterSchema>;

export interface Records {
  readonly add: (record: CallRecord) => void;
  /** In order of arrival; only those that match every criterion given. */
  readonly calls: (filter?: CallFilter) => readonly CallRecord[];
  /** Resolves with the matching calls once there are so many. */
  readonly until: (filter: CallFilter, count?: number) => Promise<readonly CallRecord[]>;
  /** A record was changed: whoever waits should look again. */
  readonly changed: () => void;
  readonly clear: () => void;
}

/** Older records are dropped: a demo may run for days, a test never makes this many (about 100 MB of small calls). */
const MOST_RECORDS = 100_000;

export function createRecords(): Records {
  const records: CallRecord[] = [];
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of waiting) look();
  };
  const calls: Records['calls'] = (filter = {}) => {
    const criteria = Object.entries(filter);
    return records.filter((record) => criteria.every(([name, value]) => value === undefined || record[name as keyof CallFilter] === value));
  };
  return {
    add: (record) => {
      records.push(record);
      if (records.length > MOST_RECORDS) records.splice(0, MOST_RECORDS / 10);
      changed();
    },
    calls,
    until: (filter, count = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = calls(filter);
          if (found.length < count) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    changed,
    clear: () => {
      records.length = 0;
    },
  };
}
