/** Which deadlines hold for one attempt: the rule's, the model's, the learned, the operator's. */
import type { Lease, Outlook } from '../accounts/accounts.ts';
import type { Policy, Turn } from '../gateway.ts';
import type { Match } from '../routing/classify.ts';
import type { ChatRequest, Target } from '../types.ts';
import { startPatience } from './patience.ts';
import type { Patience } from './patience.ts';

/** Milliseconds the caller still waits; Infinity for a whole answer, where the caller did not say. */
export function callerWaits({ stream, deadline, deadlineNamed }: ChatRequest, now: number): number {
  return stream || deadlineNamed === true ? Math.max(0, deadline - now) : Number.POSITIVE_INFINITY;
}

/** For one attempt. */
export function patienceWith({ gateway, request, match, targets, exclusions, signal }: Turn, lease: Lease): Patience {
  const policy = gateway.policy();
  const learned = gateway.firstContent.deadline(lease.target);
  const { firstContentMs, wholeAnswerMs, totalMs } = deadlines({ ...policy, ...(learned !== undefined && { firstContentMs: learned }) }, match, lease.target);
  const freeNow = ({ target, account, pool, freeAt }: Outlook): boolean =>
    freeAt !== undefined && freeAt <= gateway.now() && target !== lease.target && !exclusions.excluded(target, account, pool);
  const callerMs = callerWaits(request, gateway.now());
  return startPatience({
    signal,
    firstContentMs: Math.min(callerMs, request.stream ? firstContentMs : wholeAnswerMs),
    lastContentMs: Math.min(callerMs, request.stream ? Number.POSITIVE_INFINITY : totalMs),
    totalMs,
    someoneElse: () => gateway.accounts.outlook(targets, request).some(freeNow),
  });
}

/** The rule's deadlines, else what is known of the model, else what was learned of it, else the operator's. */
export function deadlines(policy: Policy, match: Match, { model }: Target): Policy {
  return { ...policy, ...(model.firstContentMs !== undefined && { firstContentMs: model.firstContentMs }), ...match.rule?.deadlines };
}
