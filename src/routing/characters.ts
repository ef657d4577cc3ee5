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
/** The kind of the first half of a character beyond the basic plane: the table of its plane knows more. */
export const SURROGATE = 7;

export interface Characters {
  /** Entries by UTF-16 code unit, for the fast way; 0, several and surrogates take the slow one. */
  readonly basic: Int32Array;
  /** The entry of any code point. */
  readonly read: (codePoint: number) => number;
  /** The entries of a character of kind {@link SEVERAL}, by its number. */
  readonly several: (list: number) => readonly number[];
}

const PLANE = 0x10000;
/** Han characters but for the rarest: each is a word of its own and folds to itself. */
const HAN = [[0x3400, 0x4dbf], [0x4e00, 0x9fff]] as const;

/** @param classOf the number of a character that is a token by itself; 0 where no keyword has it. Letters of words are numbered by their code. */
export function createCharacters(classOf: (character: string) => number): Characters {
  const planes: Int32Array[] = [];
  const lists: (readonly number[])[] = [];

  const entryOf = ({ code, kind, extends: extending }: Unit): number =>
    ((kind === WORD ? code : classOf(String.fromCodePoint(code))) << NUMBER_SHIFT) | (extending ? EXTENDS : 0) | kind;
  const learn = (codePoint: number): number => {
    const [first, ...rest] = fold(String.fromCodePoint(codePoint)).map(entryOf);
    return first === undefined || rest.length > 0 ? ((lists.push([first ?? 0, ...rest]) - 1) << NUMBER_SHIFT) | SEVERAL : first;
  };
  const planeOf = (codePoint: number): Int32Array => (planes[Math.floor(codePoint / PLANE)] ??= new Int32Array(PLANE));
  const basic = planeOf(0);
  const read = (codePoint: number): number => {
    // Half a pair, alone: nothing that could be read.
    if (basic[codePoint] === SURROGATE) return SEPARATOR;
    return (planeOf(codePoint)[codePoint % PLANE] ||= learn(codePoint));
  };

  basic.fill(SURROGATE, 0xd800, 0xdc00).fill(SEPARATOR, 0xdc00, 0xe000);
  // Most of what a Chinese text holds is in no keyword: known beforehand, it costs nothing at first sight.
  for (const [from, to] of HAN) {
    for (let code = from; code <= to; code += 1) basic[code] = (classOf(String.fromCodePoint(code)) << NUMBER_SHIFT) | LONE;
  }
  return { basic, read, several: (list) => lists[list] ?? [] };
}
