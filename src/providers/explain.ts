/**
 * What a refusal means. The rules are read from the top: what a refusal is most surely about comes first, so money
 * stands before rates (`insufficient_quota` is a 429), and a bad key before the caller's mistakes (xAI says 400).
 */
import type { UpstreamFailure } from '../failure.ts';
import type { Case } from './case.ts';
import type { HttpFailure } from './dialect.ts';
import { readComplaint } from './envelope.ts';
import { given } from './json.ts';
import { readRefusal } from './refusal.ts';
import { rules } from './rules.ts';
import { fit } from './wording.ts';

/** Only these end by waiting: Groq sends `retry-after` with a 413, too. */
const WAITING: ReadonlySet<UpstreamFailure['kind']> = new Set(['rate-minute', 'rate-day', 'balance', 'overloaded']);

export function explain(failure: HttpFailure, now: number): UpstreamFailure {
  const complaint = readComplaint(failure.body);
  const status = failure.status >= 200 && failure.status < 300 ? (complaint?.status ?? failure.status) : failure.status;
  const refusal = readRefusal({ ...failure, status }, complaint, now);
  const told: Case = { status, complaint, text: complaint?.message.toLowerCase() ?? '', refusal, failure, now };
  const rule = rules.find(({ when }) => when(told));
  // Nothing but a 200 gets past the rules: an answer that is neither one thing nor the other.
  const outcome = typeof rule?.means === 'function' ? rule.means(told) : (rule?.means ?? { kind: 'broken-answer' });
  return {
    message: wording(told, rule?.say),
    ...(status >= 300 && { upstreamStatus: status }),
    ...(WAITING.has(outcome.kind) && given('retryAt', refusal.retryAt)),
    ...(refusal.facts.length > 0 && { facts: refusal.facts }),
    ...outcome,
  };
}

function wording({ status, complaint, failure }: Case, say: string | undefined): string {
  const who = status >= 300 ? `${failure.provider} answered ${status}` : failure.provider;
  const words = fit(complaint?.message ?? '');
  return [`${who}: ${words === '' ? (say ?? 'no reason given') : words}`, ...(words !== '' && say !== undefined ? [`(${say})`] : [])].join(' ');
}
