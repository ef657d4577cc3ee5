/** How an answer came about, told beside it. */
import type { Answer, Gateway } from '../gateway.ts';
import { repeatedMoney } from '../gateway/story.ts';

/** By name, what each says. */
export const ANSWER_HEADERS = {
  'x-request-id': 'The name of the request, in errors and in the log.',
  'x-tollfree-provider': 'Who answered.',
  'x-tollfree-model': 'By its provider’s own name.',
  'x-tollfree-account': 'Its label.',
  'x-tollfree-route': 'The rule, or `direct`.',
  'x-tollfree-attempts': 'Calls upstream, the one that answered included.',
  'x-tollfree-queue-ms': 'Time in line.',
  'x-tollfree-cache': '`hit`, `miss` or `bypass`.',
  'x-tollfree-dropped': 'Fields of the question that nobody there understands.',
  'x-tollfree-context-tokens': 'Of the prompt, where turns were left out.',
  'x-tollfree-cost-usd': 'Absent: unknown, or not yet known when a stream begins.',
  'x-tollfree-saved-usd': 'Against list price.',
  age: 'Seconds since a cached answer was given.',
} as const;
type AnswerHeaders = { [Name in keyof typeof ANSWER_HEADERS]?: string };

/** As far as it is known at the commit point. `unsaid`: fields of the question that have no place in the inner form. */
export function headersOf({ match, lease, attempts, dropped: refused, cache }: Answer, unsaid: readonly string[] = []): AnswerHeaders {
  const dropped = unsaid.length === 0 ? refused : [...new Set([...unsaid, ...refused])];
  return {
    'x-tollfree-provider': lease.target.provider.name,
    'x-tollfree-model': headerSafe(lease.target.model.name),
    'x-tollfree-account': headerSafe(lease.account.label),
    'x-tollfree-route': headerSafe(match.rule?.name ?? 'direct'),
    'x-tollfree-attempts': String(attempts),
    'x-tollfree-queue-ms': String(Math.round(lease.queuedMs)),
    'x-tollfree-cache': cache === undefined ? 'bypass' : cache.hit ? 'hit' : 'miss',
    ...(cache?.hit === true && { age: String(Math.floor(cache.ageMs / 1000)) }),
    ...(dropped.length > 0 && { 'x-tollfree-dropped': dropped.map(headerSafe).join(', ') }),
  };
}

/** Known once the answer is whole. */
export function moneyHeaders({ lease, usage, cache }: Answer, { price }: Gateway): AnswerHeaders {
  const asked = price(lease.target, usage());
  const { costUsd, savedUsd } = cache?.hit === true ? repeatedMoney(asked) : asked;
  const headers: Record<string, string> = {};
  if (costUsd !== undefined) headers['x-tollfree-cost-usd'] = money(costUsd);
  if (savedUsd !== undefined) headers['x-tollfree-saved-usd'] = money(savedUsd);
  return headers;
}

/** Labels are an operator's own words, in any script; headers carry printable ASCII. */
function headerSafe(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}

/** Eight decimals show the price of a single token of the cheapest models. */
function money(usd: number): string {
  return usd === 0 ? '0' : usd.toFixed(8).replace(/\.?0+$/, '');
}
