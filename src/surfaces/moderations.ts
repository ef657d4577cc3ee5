/** Moderations that say whether anything was found: Mistral tells categories only, and clients would read the missing flag as a no. */
import { isRecord, records } from './json.ts';
import type { Json } from './json.ts';

/** Takes and gives the text of a moderation; the same text where nothing was missing. */
export function withFlags(answer: string): string {
  const value: unknown = JSON.parse(answer);
  if (!isRecord(value)) return answer;
  const results = records(value['results']);
  if (!results.some(lacksFlag)) return answer;
  return JSON.stringify({ ...value, results: results.map((one): Json => (lacksFlag(one) ? { flagged: isFlagged(one), ...one } : one)) });
}

const lacksFlag = ({ flagged, categories }: Json): boolean => flagged === undefined && isRecord(categories);

const isFlagged = ({ categories }: Json): boolean => isRecord(categories) && Object.values(categories).includes(true);
