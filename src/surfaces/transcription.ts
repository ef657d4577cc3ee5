/** Transcripts as events for clients that asked for events: few models stream, and a client that waits for events reads nothing else. */
import { isRecord } from './json.ts';

/** Takes the text of a transcription that came at once. Undefined: it is none. */
export function transcriptEvents(answer: string): string | undefined {
  const value: unknown = JSON.parse(answer);
  if (!isRecord(value) || typeof value['text'] !== 'string') return undefined;
  const { text, ...rest } = value;
  return [{ type: 'transcript.text.delta', delta: text }, { ...rest, type: 'transcript.text.done', text }].map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
}
