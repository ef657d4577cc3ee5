/** Which deadlines hold for one attempt: the rule's, the model's, the learned, the operator's. */
import type { Lease, Outlook } from '../accounts/accounts.ts';
import type { Policy, Turn } from '../gateway.ts';
import type { Match } from '../routing/classify.ts';
import type { Target } from '../types.ts';
import { startPatience } from './patience.ts';
import type { Patience } from './patience.ts';

/** For one attempt. */
export function patienceWith({ gateway, request, match, targets, exclusions, signal }: Turn, lease: Lease): Patience {
  const policy = gateway.policy();
  const learned = gateway.firstContent.deadline(lease.target);
  const { firstContentMs, wholeAnswerMs, totalMs } = deadlines({ ...policy, ...(learned !== undefined && { firstContentMs: learned }) }, match, lease.target);
  const freeNow = ({ target, account, pool, freeAt }: Outlook): boolean =>
    freeAt !== undefined && freeAt <= gateway.now() && target !== lease.target && !exclusions.excluded(target, account, pool);
  return startPatience({
    signal,
    firstContentMs: request.stream ? firstContentMs : wholeAnswerMs,
    lastContentMs: request.stream ? request.deadline - gateway.now() : totalMs,
    totalMs,
    someoneElse: () => gateway.accounts.outlook(targets, request).some(freeNow),
  });
}

/** The rule's deadlines, else what is known of the model, else what was learned of it, else the operator's. */
export function deadlines(policy: Policy, match: Match, { model }: Target): Policy {
  return { ...policy, ...(model.firstContentMs !== undefined && { firstContentMs: model.firstContentMs }), ...match.rule?.deadlines };
}
