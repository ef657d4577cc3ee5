/** `on_stream_break: resume`: an answer that broke off goes on with another provider of the same model, if that says the same. */
import type { Lease } from '../accounts/accounts.ts';
import { failureOf, FailureError, isUpstreamFailure, whyLeft } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { Answer, CalledAnswer, Turn } from '../gateway.ts';
import type { ChatChunk, Target } from '../types.ts';
import { onStreamBreak } from './deadlines.ts';
import { createTranscript } from './transcript.ts';

type TryAll = (turn: Turn) => Promise<CalledAnswer>;

/** With a failure: whether this one may still be made good. */
export function mayResume(turn: Turn, failure?: Failure): boolean {
  const { request, signal } = turn;
  if (onStreamBreak(turn) !== 'resume' || !request.stream || request.relay !== undefined) return false;
  return failure === undefined || (isUpstreamFailure(failure) && !signal.aborted);
}

/** The same answer; where it breaks, what `tryAll` finds goes on from there, or the break is told after all. */
export function resumable(turn: Turn, first: CalledAnswer, tryAll: TryAll): Answer {
  const state = { answer: first };
  const transcript = createTranscript();

  async function* chunks(): AsyncGenerator<ChatChunk> {
    try {
      for (let source = first.chunks; ; source = transcript.beyond(state.answer.chunks)) {
        try {
          for await (const chunk of source) {
            transcript.note(chunk);
            yield chunk;
          }
          return;
        } catch (error) {
          state.answer = await another(turn, state.answer.lease, error, tryAll);
        }
      }
    } catch (error) {
      throw turn.story.failed(error, { lease: state.answer.lease, usage: state.answer.usage() });
    } finally {
      // Says nothing where the end was told; what is left is a client that stopped reading.
      turn.story.failed(whyLeft(turn.signal), { lease: state.answer.lease, usage: state.answer.usage() });
    }
  }
  return { ...first, usage: () => state.answer.usage(), chunks: chunks() };
}

/** Throws the break where nobody can take over, unless the client left before that was known. */
async function another(turn: Turn, lease: Lease, error: unknown, tryAll: TryAll): Promise<CalledAnswer> {
  const failure = failureOf(error);
  const broken = new FailureError(failure, { cause: error });
  if (!isUpstreamFailure(failure) || !mayResume(turn, failure) || !turn.gateway.retries.take()) throw broken;
  turn.exclusions.after(lease, failure, turn.match.rule);
  const others = turn.targets.filter((target) => isSameModel(target, lease.target));
  try {
    return await tryAll({ ...turn, targets: others });
  } catch {
    throw turn.signal.aborted ? whyLeft(turn.signal) : broken;
  }
}

/** Providers call one model by different names; an alias they share tells. */
function isSameModel({ model: one }: Target, { model: other }: Target): boolean {
  const names = new Set([one.name, ...one.aliases].map((name) => name.toLowerCase()));
  return [other.name, ...other.aliases].some((name) => names.has(name.toLowerCase()));
}
