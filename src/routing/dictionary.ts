/** Whole words by a running hash of their letters: what most words of a text cost is one load that says "none of ours". */

export interface Dictionary {
  /** Letters beyond this many cannot be a word of ours. */
  readonly longest: number;
  /** One byte for each slot a hash can fall into; 0: no word has it. */
  readonly maybe: Uint8Array;
  /** The token of the word spelled by the first `length` letters of `word`, 0 if it is none. Exact: the letters are compared. */
  readonly find: (hash: number, word: Int32Array, length: number) => number;
}

/** The hash after one more letter. */
export const hashOn = (hash: number, letter: number): number => (Math.imul(hash, 31) + letter) | 0;
/** A hash's slot in {@link Dictionary.maybe}: multiplied so that words differing in their first letters only part too. */
export const slotOf = (hash: number, slots: number): number => ((hash ^ (hash >>> 15)) & (slots - 1));

interface Word {
  readonly letters: readonly number[];
  readonly token: number;
}

/** @param words letters as the scanner reads them, and the token they stand for */
export function createDictionary(words: readonly Word[]): Dictionary {
  // Sixteen slots a word keep false alarms near 6 %, in 16 KB for 1,000 words.
  const maybe = new Uint8Array(2 ** Math.ceil(Math.log2(16 * Math.max(1, words.length))));
  const byHash = new Map<number, readonly Word[]>();
  for (const word of words) {
    const hash = word.letters.reduce(hashOn, 0);
    maybe[slotOf(hash, maybe.length)] = 1;
    byHash.set(hash, [...(byHash.get(hash) ?? []), word]);
  }
  const find = (hash: number, word: Int32Array, length: number): number => {
    for (const { letters, token } of byHash.get(hash) ?? []) if (letters.length === length && begins(word, letters)) return token;
    return 0;
  };
  return { longest: Math.max(0, ...words.map(({ letters }) => letters.length)), maybe, find };
}

function begins(word: Int32Array, letters: readonly number[]): boolean {
  for (let index = 0; index < letters.length; index += 1) if (word[index] !== letters[index]) return false;
  return true;
}
