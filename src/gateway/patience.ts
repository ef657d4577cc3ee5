/** How long one attempt may keep silent, and what cuts it off. */
import { createAbort } from '../abort.ts';
import { FailureError, whyLeft } from '../failure.ts';
import type { SilentPhase } from '../failure.ts';
import type { AbortSignalLike } from '../types.ts';

export interface Patience {
  /** Aborts when the client leaves or a deadline runs out; its reason is the FailureError to tell. */
  readonly signal: AbortSignalLike;
  /** The first content is here: from now on only the total counts. */
  readonly committed: () => void;
  readonly end: () => void;
}

export interface PatienceOptions {
  /** The client's own. */
  readonly signal: AbortSignalLike;
  readonly firstContentMs: number;
  /** What the last candidate gets: when nobody else could serve, leaving a silent one early helps no one. */
  readonly lastContentMs: number;
  readonly totalMs: number;
  /** Asked when the first deadline runs out, and again each time as long has passed. */
  readonly someoneElse: () => boolean | Promise<boolean>;
  /** The client has not sent all of its question: then the silence is its own. */
  readonly uploading: () => boolean;
}

const told = (milliseconds: number): string => (milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${Math.round(milliseconds / 1_000)} s`);

export function startPatience(options: PatienceOptions): Patience {
  const { signal, firstContentMs, lastContentMs, totalMs, someoneElse, uploading } = options;
  const controller = createAbort();
  const left = (): void => controller.abort(whyLeft(signal));
  const silent = (phase: SilentPhase, milliseconds: number): void =>
    controller.abort(new FailureError(uploading()
      ? { kind: 'invalid-request', message: `the upload was not whole within ${told(milliseconds)}; x-tollfree-deadline-ms gives it more` }
      : { kind: 'silent', phase, message: `no ${phase === 'total' ? 'end' : 'content'} within ${told(milliseconds)}` }));

  const look = (waited: number): void => {
    const other = waited >= lastContentMs || someoneElse();
    if (typeof other === 'boolean') decide(waited, other);
    else void decideThen(waited, other);
  };
  /** Content may come, and the client may leave, before the promise is kept. */
  const decideThen = async (waited: number, other: Promise<boolean>): Promise<void> => {
    const looking = timers.current;
    const known = await other.catch(() => false);
    if (timers.current === looking) decide(waited, known);
  };
  const decide = (waited: number, leave: boolean): void => {
    if (leave) silent('first-content', waited);
    else wait(Math.min(waited + firstContentMs, lastContentMs), waited);
  };
  const wait = (until: number, waited: number): void => {
    timers.current = setTimeout(look, until - waited, until);
  };
  const timers: { current?: NodeJS.Timeout | undefined } = {};
  wait(firstContentMs, 0);
  if (signal.aborted) left();
  else signal.addEventListener('abort', left, { once: true });

  return {
    signal: controller.signal,
    committed() {
      clearTimeout(timers.current);
      timers.current = setTimeout(silent, totalMs, 'total', totalMs);
    },
    end() {
      clearTimeout(timers.current);
      timers.current = undefined;
      signal.removeEventListener('abort', left);
    },
  };
}
