/**
 * What is read of a prompt, and what a keyword found there is worth.
 *
 * The last user turn says what is asked now, so a word in it counts with its full weight. The rest is context:
 *
 * | place      | what                                                            | a word counts      |
 * |------------|-----------------------------------------------------------------|--------------------|
 * | `now`      | the last user turn; of a long one, its first and last paragraph | its weight         |
 * | `document` | the middle of a long last turn: most likely pasted              | half               |
 * | `earlier`  | the three user turns before, newest first                       | half, ¼, ⅛         |
 * | `system`   | the system prompt                                               | ¼, never by itself |
 *
 * A word counts once, where it counts most. All context together counts at most 1, as much as one plain word said now:
 * a follow-up such as "make it faster" stays with its topic, and any word of another task leaves it. The system prompt
 * only ranks rules that hold by what the user said.
 */
import type { PromptText } from '../types.ts';
import { scan } from './scanner.ts';
import type { Scanner, Span } from './scanner.ts';

export type Where = 'now' | 'document' | 'earlier' | 'system';

interface Place {
  readonly where: Where;
  /** The share of its weight that a keyword found here has. */
  readonly scale: number;
}

const NOWHERE: Place = { where: 'system', scale: 0 };

/** By place as the scanner notes it, in the order in which one outweighs the next. */
const PLACES: readonly Place[] = [
  NOWHERE,
  { where: 'now', scale: 1 },
  { where: 'document', scale: 1 / 2 },
  { where: 'earlier', scale: 1 / 2 },
  { where: 'earlier', scale: 1 / 4 },
  { where: 'earlier', scale: 1 / 8 },
  { where: 'system', scale: 1 / 4 },
];
const NOW = 1;
const DOCUMENT = 2;
const EARLIER = 3;
const EARLIER_TURNS = 3;
const SYSTEM = EARLIER + EARLIER_TURNS;

/** All context together is worth one plain word. */
export const MOST_CONTEXT = 1;

/**
 * A first or last paragraph of at most so many characters, some 150 words, is taken for the question itself: people ask
 * before or after what they paste. It also bounds what history and system prompt cost to read: 8,000 characters, about 40 µs.
 */
const EDGE = 1_000;

/** Where each keyword of the scanner stands: its place, by keyword; 0 for nowhere. */
export function readPrompt(scanner: Scanner, { last, earlier, system }: PromptText): Uint8Array {
  const found = new Uint8Array(scanner.noted.length);
  scan(scanner, last, askedIn(last), found);
  earlier.slice(0, EARLIER_TURNS).forEach((turn, back) => scanEdges(scanner, turn, EARLIER + back, found));
  scanEdges(scanner, system, SYSTEM, found);
  return found;
}

/** Spans that adjoin, so that no word is lost where they meet. */
function askedIn(text: string): readonly Span[] {
  const { length } = text;
  if (length <= 2 * EDGE) return [{ from: 0, to: length, place: NOW }];
  const first = firstParagraph(text.slice(0, EDGE));
  const last = lastParagraph(text.slice(-EDGE));
  // Without any paragraphs both ends are as good as each other.
  const unbroken = first === undefined && last === undefined ? EDGE : 0;
  const head = first ?? unbroken;
  const tail = length - (last ?? unbroken);
  return [{ from: 0, to: head, place: NOW }, { from: head, to: tail, place: DOCUMENT }, { from: tail, to: length, place: NOW }];
}

/** Where the first paragraph ends, if it does: after the line break that closes its last word. */
function firstParagraph(start: string): number | undefined {
  const text = start.trimStart();
  const blank = text.search(/\n\r?\n/);
  return blank < 0 ? undefined : start.length - text.length + blank + 1;
}

/** How long the last paragraph is, with the white space that follows it, if it begins here. */
function lastParagraph(end: string): number | undefined {
  const text = end.trimEnd();
  const blank = Math.max(text.lastIndexOf('\n\n'), text.lastIndexOf('\n\r\n'));
  return blank < 0 ? undefined : end.length - blank - 1;
}

function scanEdges(scanner: Scanner, text: string, place: number, found: Uint8Array): void {
  const { length } = text;
  if (length <= 2 * EDGE) return scan(scanner, text, [{ from: 0, to: length, place }], found);
  scan(scanner, text, [{ from: 0, to: EDGE, place }], found);
  scan(scanner, text, [{ from: length - EDGE, to: length, place }], found);
}

/** What a place above 0 is worth. */
export const placeOf = (place: number): Place => PLACES[place] ?? NOWHERE;

/** Whether the user says it in the last turn, anywhere. */
export const saidNow = (place: number): boolean => place === NOW || place === DOCUMENT;
