/** A body nobody needs whole: as much of it as says why. */
import type { HttpAnswer } from './call.ts';

/** Refusals are a sentence or two; error pages are longer and say less. */
const MAX_CHARACTERS = 64 * 1024;

/** Reads at most `milliseconds` long. A body that breaks off is as much as there is. */
export async function readText(answer: HttpAnswer, milliseconds: number): Promise<string> {
  const decoder = new TextDecoder();
  const timer = setTimeout(answer.drain, milliseconds);
  let text = '';
  try {
    for await (const chunk of answer.bytes) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length < MAX_CHARACTERS) continue;
      answer.drain();
      break;
    }
  } catch {
    // The status already told what matters.
  } finally {
    clearTimeout(timer);
  }
  return text;
}
