/** Whole words by a running hash of their letters: what most words of a text cost is one load that says "none of ours". */

interface Word {
  /** As the scanner reads them. */
  readonly letters: Int32Array;
  /** What the word is to the automaton. */
  readonly token: number;
}

export interface Dictionary {
  /** Letters of the longest word. */
  readonly longest: number;
  /** Numbers of words, by slot; 0 for none. Open addressing. */
  readonly slots: Int32Array;
  /** By number; the first is nobody. */
  readonly words: readonly Word[];
}

/** The hash after one more letter. */
export const hashOn = (hash: number, letter: number): number => (Math.imul(hash, 31) + letter) | 0;

/** Folds the high half in, where letters long past have gone. */
const slotOf = (hash: number, { length }: Int32Array): number => ((hash ^ (hash >>> 15)) & (length - 1));

export function createDictionary(spelled: readonly { readonly letters: readonly number[]; readonly token: number }[]): Dictionary {
  // Sixteen slots a word: fifteen words of sixteen that are not ours meet an empty one. 64 KB for 1,000 words.
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(16 * (spelled.length + 1))));
  const words: Word[] = [{ letters: new Int32Array(0), token: 0 }];
  for (const { letters, token } of spelled) {
    let slot = slotOf(letters.reduce(hashOn, 0), slots);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = words.push({ letters: Int32Array.from(letters), token }) - 1;
  }
  return { longest: Math.max(0, ...spelled.map(({ letters }) => letters.length)), slots, words };
}

/** False: no word of ours has this hash, nor one that was moved aside for it. */
export const mayKnow = ({ slots }: Dictionary, hash: number): boolean => slots[slotOf(hash, slots)] !== 0;

/** The token of the word spelled by the first `length` letters, 0 if it is none of ours. Exact: the letters are compared. */
export function lookUp({ slots, words }: Dictionary, hash: number, letters: Int32Array, length: number): number {
  for (let slot = slotOf(hash, slots); ; slot = (slot + 1) & (slots.length - 1)) {
    const number = slots[slot] ?? 0;
    if (number === 0) return 0;
    const word = words[number];
    if (word?.letters.length === length && begins(letters, word.letters)) return word.token;
  }
}

function begins(letters: Int32Array, word: Int32Array): boolean {
  for (let index = 0; index < word.length; index += 1) if (letters[index] !== word[index]) return false;
  return true;
}
