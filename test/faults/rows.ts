/** What goes wrong upstream, and what must come of it: a row a fault, in the order of the failure's phase. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultRuleInput } from '../../src/sim/fault-table.ts';
import type { Deadlines } from '../../src/types.ts';
import type { HouseOptions, Name } from './house.ts';

/**
 * What a client sees with the first candidate faulty and the second good. `next`: the second's answer. `again`: the same,
 * after the first was asked twice. `first`: the first's own. `event`: an error event and no end. `told`: the failure, and
 * the second was not asked.
 */
export type Ending = 'next' | 'again' | 'first' | 'event' | 'told';

type Fault = FaultRuleInput['fault'];

export interface Row {
  readonly name: string;
  /** Two where a stream is told it in another way than JSON. */
  readonly fault: Fault | { readonly stream: Fault; readonly json: Fault };
  readonly stream: Ending;
  readonly json: Ending;
  /** With all faulty: the status, and bounds of `Retry-After` in seconds where it is known. */
  readonly status: number;
  readonly retryAfter?: readonly [number, number];
  /** `scope reason` of what rests at the faulty provider afterwards. */
  readonly rests?: readonly string[];
  /** Of the faulty provider alone, where only a deadline ends it: who is good has as much time as any. */
  readonly deadlines?: Deadlines;
}

export const row = (name: string, fault: Row['fault'], both: Ending | readonly [Ending, Ending], status: number, more: Partial<Row> = {}): Row => {
  const [stream, json] = typeof both === 'string' ? [both, both] : both;
  return { name, fault, stream, json, status, ...more };
};

/** A refusal some provider really sent. */
function recorded(provider: string, name: string): Fault {
  const all = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'fixtures', provider, 'errors.json'), 'utf8')) as { name: string; status: number; headers?: Record<string, string>; body: string | Record<string, unknown> }[];
  const found = all.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`${provider} has no refusal ${name}`);
  const { status, headers = {}, body } = found;
  return { kind: 'answer', status, headers, body };
}

const DAY = 86_400;
const refusedFor = (header: string | null): Row['fault'] => ({ kind: 'answer', status: 429, headers: { 'retry-after': header }, body: { error: { message: 'slow down' } } });
const inTime = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();
const said = (status: number, body: object | string = { error: { message: 'something' } }): Row['fault'] => ({ kind: 'answer', status, body: body as Record<string, unknown> });

const afterCommit = ['event', 'next'] as const;
const soon = { deadlines: { firstContentMs: 150, totalMs: 400 } };
/** The content is there in time, however late the machine. */
const soonAfter = { deadlines: { stallMs: 150, totalMs: 400 } };
const soft = ['account-model broken-answer'];

const connection: readonly Row[] = [
  row('reset before anything', { kind: 'reset' }, 'again', 503),
  row('closed before anything', { kind: 'close' }, 'again', 503),
  row('reset after the headers', { kind: 'reset', after: 'headers' }, 'next', 503),
  row('closed after the headers', { kind: 'close', after: 'headers' }, 'next', 503),
  row('reset mid-stream', { kind: 'reset', after: 2 }, afterCommit, 503, { rests: soft }),
  row('closed mid-stream', { kind: 'close', after: 2 }, afterCommit, 503, { rests: soft }),
];

const http: readonly Row[] = [
  row('garbage for a status line', { kind: 'status-line' }, 'next', 503),
  row('oversized headers', { kind: 'oversized-headers' }, 'next', 503),
  row('a bad chunk size', { kind: 'bad-chunk' }, 'next', 503),
  row('a bad chunk size mid-stream', { kind: 'bad-chunk', after: 2 }, afterCommit, 503, { rests: soft }),
  row('a length that is too long', { kind: 'length', by: 10 }, ['first', 'next'], 503),
  row('a length that is too short', { kind: 'length', by: -10 }, ['first', 'next'], 503),
  row('a redirect', said(302, ''), 'next', 503, { rests: ['provider overloaded'] }),
  row('a permanent redirect', { kind: 'answer', status: 308, headers: { location: 'http://127.0.0.1:1/' } }, 'next', 503),
];

const silences: readonly Row[] = [
  row('hang before headers', { kind: 'silence' }, 'next', 503, soon),
  row('headers, then silence', { kind: 'silence', after: 'headers' }, 'next', 503, soon),
  row('content, then silence', { kind: 'silence', after: 1 }, afterCommit, 503, { ...soonAfter, rests: ['account-model silent'] }),
  row('comments for ever', { kind: 'comments' }, 'next', 503, soon),
  row('content, then comments for ever', { kind: 'comments', after: 1 }, afterCommit, 503, soonAfter),
  row('slow drip within an event', { kind: 'framing', bytes: 1, ms: 30 }, 'next', 503, soonAfter),
];

const ends: readonly Row[] = [
  row('no [DONE], finish reason seen', { kind: 'leave-out', parts: ['done'] }, 'first', 200),
  row('no role, no usage', { kind: 'leave-out', parts: ['role', 'usage'] }, 'first', 200),
  row('no finish reason', { kind: 'leave-out', parts: ['finish'] }, ['event', 'first'], 503),
  row('an end before any content', { kind: 'end' }, 'next', 503),
  row('an end mid-stream', { kind: 'end', after: 2 }, afterCommit, 503, { rests: soft }),
  row('cut in half', { kind: 'cut' }, afterCommit, 503),
  row('empty', { kind: 'empty' }, 'next', 503),
];

const bodies: readonly Row[] = [
  row('gzip garbage', { kind: 'gzip', content: 'garbage' }, 'next', 503),
  row('gzip cut short', { kind: 'gzip', content: 'cut' }, afterCommit, 503),
  row('gzip bomb', { kind: 'gzip', content: 'bomb', bytes: 80 * 1024 * 1024 }, 'next', 503),
  row('10 MB without a line end', { kind: 'long-event' }, 'next', 503),
  row('10 MB without a line end, mid-stream', { kind: 'long-event', after: 1 }, afterCommit, 503),
  row('content without end', { kind: 'endless', ms: 5 }, afterCommit, 503, soonAfter),
  row('a page in a 200', { kind: 'html' }, 'next', 503, { rests: ['provider overloaded'] }),
  row('an error object in a 200', { kind: 'refusal', name: 'rate-minute', status: 200, headers: { 'retry-after': '7' } }, 'next', 429, { rests: ['pool-model rate-minute'] }),
  row('JSON for a stream, a stream for JSON', { kind: 'swap' }, 'first', 200),
  row('split after every byte', { kind: 'framing', bytes: 1 }, 'first', 200),
  row('split in the middle of characters, CRLF, BOM', { kind: 'framing', bytes: 7, newline: 'crlf', bom: true }, 'first', 200),
  row('CR alone', { kind: 'framing', bytes: 5, newline: 'cr' }, 'first', 200),
  row('all in one segment', { kind: 'framing', bytes: 1_000_000 }, 'first', 200),
  row('malformed JSON first', { kind: 'malformed' }, 'next', 503),
  row('malformed JSON mid-stream', { kind: 'malformed', after: 2 }, afterCommit, 503),
  ...(['openai', 'anthropic', 'groq', 'cerebras', 'openrouter'] as const).flatMap((shape) => [
    row(`an error event first, as ${shape} writes it`, { kind: 'error-event', shape }, 'again', 503),
    row(`an error event mid-stream, as ${shape} writes it`, { kind: 'error-event', shape, after: 2, next: 'done' }, ['event', 'again'], 503),
  ]),
];

const limits: readonly Row[] = [
  row('429 with seconds', refusedFor('7'), 'next', 429, { retryAfter: [6, 7], rests: ['pool-model rate-minute'] }),
  row('429 with a date', refusedFor(inTime(3_600)), 'next', 429, { retryAfter: [1_800, 3_601] }),
  row('429 with nothing', refusedFor(null), 'next', 429, { retryAfter: [59, 61] }),
  row('429 absurd: 0', refusedFor('0'), 'next', 429),
  row('429 absurd: -5', refusedFor('-5'), 'next', 429),
  row('429 absurd: words', refusedFor('soon'), 'next', 429, { retryAfter: [59, 61] }),
  row('429 absurd: 1e12', refusedFor('1000000000000'), 'next', 429, { retryAfter: [DAY - 2, DAY] }),
  row('429 absurd: 1970', refusedFor('Thu, 01 Jan 1970 00:00:00 GMT'), 'next', 429),
  row('429 that names a day', { kind: 'refusal', name: 'rate-day' }, 'next', 429, { retryAfter: [60, DAY], rests: ['pool-model rate-day'] }),
  row('429 of a day with a hint of seconds', recorded('gemini', '429 day outranks its own hint, in an array'), 'next', 429, { retryAfter: [60, DAY + 3_600], rests: ['pool-model rate-day'] }),
  row('402', recorded('cerebras', '402'), 'next', 429, { retryAfter: [3_600, DAY], rests: ['account balance'] }),
  row('402 of calls in flight', recorded('openrouter', '402 in flight waits'), 'next', 429, { rests: ['pool rate-minute'] }),
];

const refusals: readonly Row[] = [
  row('401', recorded('groq', 'bad key'), 'next', 503, { rests: ['account credential'] }),
  row('a 400 that means a bad key (xAI)', recorded('xai', 'bad key is a 400'), 'next', 503, { rests: ['account credential'] }),
  row('a 400 that means a bad key (Gemini)', recorded('gemini', 'bad key is a 400'), 'next', 503, { rests: ['account credential'] }),
  row('403 terms', recorded('mistral', 'labs model'), 'next', 503, { rests: ['account-model model-access'] }),
  row('403 agents only', recorded('openrouter', '403 agentic harness'), 'next', 503, { rests: ['account-model model-access'] }),
  row('403 of an edge filter', said(403, 'error code: 1010'), 'next', 503, { rests: ['provider overloaded'] }),
  row('404', recorded('groq', 'no such model'), 'next', 503, { rests: ['target model-gone'] }),
  row('410', recorded('nvidia', 'end of life'), 'next', 503, { rests: ['target model-gone'] }),
  row('decommissioned', recorded('groq', 'decommissioned'), 'next', 503, { rests: ['target model-gone'] }),
  row('413', said(413), 'next', 400, { rests: [] }),
  row('context length', recorded('openai', 'too long'), 'next', 400, { rests: [] }),
  row('400 for what cannot be left out', said(400, { error: { message: 'messages: too odd', param: 'messages', code: 'odd' } }), 'told', 400, { rests: [] }),
  row('a content filter', recorded('openai', 'content policy'), 'told', 400, { rests: [] }),
  row('400 for a tool the model cannot use', { kind: 'refusal', name: 'no-tools' }, 'next', 400, { rests: [] }),
];

const trouble: readonly Row[] = [408, 409, 425, 500, 502, 503, 504, 529].map((status) => row(String(status), said(status), 'again', 503, { rests: [] }));

/** A house whose `faulty` providers have the row's deadlines. The time of a whole answer is everybody's, so a good one needs to have it, too. */
export const within = ({ deadlines }: Row, faulty: readonly Name[], wholeAnswerMs: number): Pick<HouseOptions, 'policy' | 'providers'> =>
  deadlines === undefined ? {} : { policy: { wholeAnswerMs }, providers: Object.fromEntries(faulty.map((name) => [name, { deadlines }])) };

export const faultOf = ({ fault }: Row, stream: boolean): Fault => ('kind' in fault ? fault : fault[stream ? 'stream' : 'json']);

export const rows: readonly Row[] = [...connection, ...http, ...silences, ...ends, ...bodies, ...limits, ...refusals, ...trouble];
