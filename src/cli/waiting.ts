/** Signs of life where a person waits: what for, and how long by now. */
import type { Sink } from './context.ts';
import { duration } from './numbers.ts';

const STEP_MS = 1000;
const CLEAR_LINE = '\r\u001B[K';

/** Says nothing within the first second, and leaves nothing behind. */
export async function whileWaiting<T>({ terminal, paint, write }: Sink, what: string, work: () => Promise<T>): Promise<T> {
  if (!terminal) return work();
  let steps = 0;
  const timer = setInterval(() => {
    steps += 1;
    write(`${CLEAR_LINE}${paint('dim', `${what} · ${duration(steps * STEP_MS)}`)}`);
  }, STEP_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (steps > 0) write(CLEAR_LINE);
  }
}
