/** After a failed attempt: whether another may follow, and when. */
import { pause } from '../abort.ts';
import type { Lease } from '../accounts/accounts.ts';
import { consequences, FailureError, isUpstreamFailure } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { Turn } from '../gateway.ts';
import { callerWaits, isHeld } from './deadlines.ts';

/** The same upstream again, at a random moment within this: long enough to spread a crowd, too short to be felt. */
const AGAIN_MS = 100;

/**
 * True: the loop goes on. False: the client is told this failure.
 * Throws `unavailable` where the caller waits no longer, or so much is failing upstream that this request must not add to it.
 */
export async function goOn(turn: Turn, lease: Lease, failure: Failure): Promise<boolean> {
  const { gateway, request, match, exclusions, concessions } = turn;
  if (!isUpstreamFailure(failure)) return false;
  if (concessions.concede(lease.target, failure)) return true;
  noteSilence(turn, lease, failure);
  const step = exclusions.after(lease, failure, match.rule);
  if (step === 'stop') return false;
  if (request.relay?.form?.rest?.begun() === true) {
    if (consequences[failure.kind].elsewhere !== 'yes') return false;
    throw notKept(failure, gateway.now());
  }
  if (callerWaits(turn, gateway.now()) === 0) throw tooLate();
  if (consequences[failure.kind].effect === 'breaker' && !gateway.retries.take()) throw spent(gateway.retries.nextAt(), failure);
  if (step === 'again') await waitAgain(turn, gateway.random() * AGAIN_MS);
  return true;
}

async function waitAgain({ story, gateway, signal }: Turn, milliseconds: number): Promise<void> {
  const from = gateway.now();
  await pause(milliseconds, signal);
  story.paused(gateway.now() - from);
}

/** A deadline that ran out is a time, too: a model that has become slow is given more, up to the longest. */
function noteSilence(turn: Turn, { target }: Lease, failure: Failure): void {
  const { firstContent } = turn.gateway;
  const deadline = firstContent.deadline(target);
  if (!isHeld(turn) && deadline !== undefined && failure.kind === 'silent' && failure.phase === 'first-content') firstContent.noted(target, deadline);
}

/** The story tells what the attempts came to. */
const tooLate = (): FailureError => new FailureError({ kind: 'unavailable', message: 'nobody could answer in the time the caller waits', attempts: [] });

/** The next try may well be somebody else's. */
const notKept = ({ message }: Failure, retryAt: number): FailureError =>
  new FailureError({ kind: 'unavailable', message: `${message}; the upload is too large to be kept, so nobody else could be asked with it: send it again`, retryAt, attempts: [] });

const spent = (retryAt: number, { message }: Failure): FailureError =>
  new FailureError({ kind: 'unavailable', message: `${message}; and too much else is failing upstream to try another just now`, retryAt, attempts: [] });
