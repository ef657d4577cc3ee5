/** One entry of the log, as a person reads it. */
import { z } from 'zod';
import type { Paint } from '../context.ts';
import { count, duration, usd } from '../numbers.ts';
import { oneLine } from '../text.ts';

const attemptShape = z.object({ provider: z.string(), account: z.string(), model: z.string(), outcome: z.string(), retry_at: z.string().optional() });
type Attempt = z.infer<typeof attemptShape>;

const entryShape = z.object({
  time: z.string(),
  level: z.string(),
  message: z.string(),
  request_id: z.string().optional(),
  key: z.string().optional(),
  surface: z.string().optional(),
  rule: z.string().optional(),
  words: z.array(z.string()).optional(),
  provider: z.string().optional(),
  account: z.string().optional(),
  model: z.string().optional(),
  attempts: z.array(attemptShape).optional(),
  passed_over: z.array(attemptShape).optional(),
  queue_ms: z.number().optional(),
  total_ms: z.number().optional(),
  tokens_in: z.number().optional(),
  tokens_out: z.number().optional(),
  cache: z.string().optional(),
  saved_usd: z.number().optional(),
  status: z.number().optional(),
  failure: z.string().optional(),
  state: z.string().optional(),
  reason: z.string().optional(),
  until: z.string().optional(),
});
export type Entry = z.infer<typeof entryShape>;

/** Undefined: no line of ours. */
export function readEntry(line: string): Entry | undefined {
  try {
    return entryShape.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Enough to name a request among those of a log, and short enough for a line. */
const ID_LENGTH = 12;

export interface Style {
  readonly paint: Paint;
  /** For a person, who has only so much of a line. */
  readonly terminal: boolean;
}

/** The line itself, and below it what became of each attempt where there is more to tell than one. */
export function renderEntry(entry: Entry, style: Style): string[] {
  const { paint } = style;
  const time = paint('dim', new Date(entry.time).toTimeString().slice(0, 8));
  if (entry.status === undefined) return [[time, levelText(entry, paint), accountText(entry)].filter((part) => part !== '').join('  ')];
  const { attempts = [], passed_over: passed = [] } = entry;
  const failed = attempts.length > 1 || entry.failure !== undefined ? attempts : [];
  return [
    [time, requestText(entry, style)].join('  '),
    ...failed.map((attempt) => attemptLine('asked', attempt, paint)),
    ...passed.map((attempt) => attemptLine('passed over', attempt, paint)),
  ];
}

const levels: Readonly<Record<string, Parameters<Paint>[0]>> = { error: 'red', warn: 'yellow', debug: 'dim' };

const levelText = ({ level }: Entry, paint: Paint): string => (level === 'info' ? '' : paint(levels[level] ?? 'reset', level));

function accountText({ message, provider, account, state, reason, until }: Entry): string {
  if (state === undefined) return oneLine(message);
  return oneLine(`${provider ?? ''}/${account ?? ''} is ${state}: ${reason ?? ''}${until === undefined ? '' : ` until ${until}`}`);
}

function requestText({ status = 0, surface, rule, words = [], provider, account, model, failure, tokens_in: asked, tokens_out: answered, queue_ms: queue = 0, total_ms: total, cache, saved_usd: saved = 0, key, request_id: id }: Entry, { paint, terminal }: Style): string {
  const by = words.length === 0 ? '' : ` (${words.join(', ')})`;
  const parts = [
    paint(status < 400 ? 'green' : status < 500 ? 'yellow' : 'red', String(status)),
    oneLine(`${rule ?? surface ?? ''}${by}`),
    ...(provider === undefined ? [] : [`${paint('cyan', oneLine(`${provider}/${account ?? ''}`))} ${oneLine(model ?? '')}`]),
    ...(failure === undefined ? [] : [paint('red', oneLine(failure))]),
    ...(cache === 'hit' ? ['from the cache'] : []),
    ...(asked === undefined ? [] : [`${count(asked)}+${count(answered ?? 0)} tokens`]),
    ...(total === undefined ? [] : [duration(total)]),
    ...(queue > 0 ? [`${duration(queue)} in line`] : []),
    ...(saved > 0 ? [`${usd(saved)} saved`] : []),
    ...(key === undefined || key === 'local' ? [] : [`key ${oneLine(key)}`]),
    ...(id === undefined ? [] : [paint('dim', oneLine(terminal ? id.slice(0, ID_LENGTH) : id))]),
  ];
  return parts.join('  ');
}

function attemptLine(verb: string, { provider, account, model, outcome, retry_at: until }: Attempt, paint: Paint): string {
  const text = `${verb} ${provider}/${account} ${model}: ${outcome}${until === undefined ? '' : ` until ${until}`}`;
  return `          ${paint('dim', oneLine(text))}`;
}
