/** A provider's own words, made fit for a client: short, one line, no markup, no keys. */
import { redact } from '../redact.ts';

const LONGEST = 300;

export function fit(text: string): string {
  const line = redact(text).replaceAll(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
