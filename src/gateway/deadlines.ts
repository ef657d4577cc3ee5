/** Which deadlines hold for one attempt: the rule's, the model's, the learned, the operator's. */
import type { Lease, Outlook } from '../accounts/accounts.ts';
import type { Policy, Turn } from '../gateway.ts';
import type { Match } from '../routing/classify.ts';
import type { ChatChunk, Rule, Target } from '../types.ts';
import { startPatience } from './patience.ts';
import type { Patience } from './patience.ts';

/** The client's own wish, else its rule's. */
export const onStreamBreak = ({ request, match }: Pick<Turn, 'request' | 'match'>): Rule['onStreamBreak'] => request.onStreamBreak ?? match.rule?.onStreamBreak ?? 'error';

/** Whether the commit point is the last byte: for JSON, and for a stream whose breaks the client must not see. */
export const isHeld = (turn: Pick<Turn, 'request' | 'match'>): boolean => !turn.request.stream || onStreamBreak(turn) === 'buffer';

const isContent = ({ content }: ChatChunk): boolean => content;
/** Behind a large file a form may say `stream` where nobody has read it yet: who answers in events has. */
const isEvents = ({ raw }: ChatChunk): boolean => raw?.contentType.startsWith('text/event-stream') === true;
const isNone = (): boolean => false;

/** Which chunk may go to the client, with all that came before it. */
export function commitPoint(turn: Pick<Turn, 'request' | 'match'>): (chunk: ChatChunk) => boolean {
  if (onStreamBreak(turn) === 'buffer') return isNone;
  return turn.request.stream ? isContent : isEvents;
}

/** Milliseconds the caller still waits; Infinity for a whole answer, where the caller did not say. */
export function callerWaits(turn: Pick<Turn, 'request' | 'match'>, now: number): number {
  const { deadline, deadlineNamed } = turn.request;
  return !isHeld(turn) || deadlineNamed === true ? Math.max(0, deadline - now) : Number.POSITIVE_INFINITY;
}

/** The latest moment at which a turn still leaves the time an answer usually takes to begin. */
export function lastTurn(turn: Turn): number {
  const { deadline } = turn.request;
  return callerWaits(turn, deadline) === 0 ? deadline - turn.gateway.firstContent.usual(turn.targets) : deadline;
}

/** For one attempt. */
export function patienceWith(turn: Turn, lease: Lease): Patience {
  const { gateway, request, match, targets, exclusions, signal } = turn;
  const policy = gateway.policy();
  const learned = gateway.firstContent.deadline(lease.target);
  const { firstContentMs, wholeAnswerMs, totalMs } = deadlines({ ...policy, ...(learned !== undefined && { firstContentMs: learned }) }, match, lease.target);
  const held = isHeld(turn);
  const silenceMs = held ? wholeAnswerMs : firstContentMs;
  const freeSoon = ({ target, account, pool, freeAt }: Outlook): boolean =>
    freeAt !== undefined && freeAt <= gateway.now() + silenceMs && target.model !== lease.target.model && !exclusions.excluded(target, account, pool);
  const callerMs = callerWaits(turn, gateway.now());
  const upload = request.relay?.form?.rest;
  return startPatience({
    signal,
    firstContentMs: Math.min(callerMs, silenceMs),
    lastContentMs: Math.min(callerMs, held ? totalMs : Number.POSITIVE_INFINITY),
    totalMs,
    someoneElse() {
      if (upload?.begun() === true) return false;
      const outlooks = gateway.accounts.outlook(targets, request);
      return outlooks instanceof Promise ? outlooks.then((promised) => promised.some(freeSoon)) : outlooks.some(freeSoon);
    },
    uploading: () => upload?.whole() === false,
  });
}

/** The rule's deadlines, else what is known of the model, else the provider's, else what was learned of the model, else the operator's. */
export function deadlines(policy: Policy, match: Match, { provider, model }: Target): Policy {
  return { ...policy, ...provider.deadlines, ...(model.firstContentMs !== undefined && { firstContentMs: model.firstContentMs }), ...match.rule?.deadlines };
}
