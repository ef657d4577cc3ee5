/** The characters of all planes as a scanner reads them: a table filled as characters are met, so that each is folded once. */
import { LONE, SEPARATOR, WORD, fold } from './fold.ts';
import type { Unit } from './fold.ts';

// An entry: the kind in the low three bits, then one bit for "extends", then a number that tells the character from others.
// Kinds start at 1; 0 is a character not met before.
export const KIND = 7;
export const EXTENDS = 8;
export const NUMBER_SHIFT = 4;
/** The kind of characters that fold to several units; the number is then that of their list. */
export const SEVERAL = 6;
/** The kind of the first half of a character beyond the basic plane: the pair has to be read together. */
const SURROGATE = 7;

export interface Characters {
  /** Entries by UTF-16 code unit, for the fast way; 0, several and surrogates take the slow one. */
  readonly basic: Int32Array;
  /** The entry of any code point. */
  readonly read: (codePoint: number) => number;
  /** The entries of a character of kind {@link SEVERAL}, by its number. */
  readonly several: (list: number) => readonly number[];
}

const BASIC_PLANE = 0x10000;
/** Beyond the basic plane characters come by the block: emoji, rare Han, letters of mathematics. */
const PAGE = 0x100;

/** @param tokens the number of each token of the keywords. A character that is a token by itself reads as that, 0 where it is none; letters of words read as their code. */
export function createCharacters(tokens: ReadonlyMap<string, number>): Characters {
  const basic = new Int32Array(BASIC_PLANE);
  const pages = new Map<number, Int32Array>();
  const lists: (readonly number[])[] = [];

  const entryOf = ({ code, kind, extends: extending }: Unit): number =>
    ((kind === WORD ? code : (tokens.get(String.fromCodePoint(code)) ?? 0)) << NUMBER_SHIFT) | (extending ? EXTENDS : 0) | kind;
  const learn = (codePoint: number): number => {
    const [first, ...rest] = fold(String.fromCodePoint(codePoint)).map(entryOf);
    return first === undefined || rest.length > 0 ? ((lists.push([first ?? 0, ...rest]) - 1) << NUMBER_SHIFT) | SEVERAL : first;
  };
  const pageOf = (codePoint: number): Int32Array => {
    const number = Math.floor(codePoint / PAGE);
    const page = pages.get(number) ?? new Int32Array(PAGE);
    pages.set(number, page);
    return page;
  };
  const read = (codePoint: number): number => {
    // Half a pair, alone: nothing that could be read.
    if (basic[codePoint] === SURROGATE) return SEPARATOR;
    if (codePoint < BASIC_PLANE) return (basic[codePoint] ||= learn(codePoint));
    return (pageOf(codePoint)[codePoint % PAGE] ||= learn(codePoint));
  };

  basic.fill(SURROGATE, 0xd800, 0xdc00).fill(SEPARATOR, 0xdc00, 0xe000);
  // Han characters but for the rarest fold to themselves, and most of a Chinese text is in no keyword: known beforehand, it costs nothing at first sight.
  basic.fill(LONE, 0x3400, 0x4dc0).fill(LONE, 0x4e00, 0xa000);
  for (const [token, number] of tokens) {
    const code = token.charCodeAt(0);
    if (basic[code] === LONE) basic[code] = (number << NUMBER_SHIFT) | LONE;
  }
  return { basic, read, several: (list) => lists[list] ?? [] };
}
