/**
 * One character as keywords see it: without case, accent, width or ligature, and with the part it plays in a word.
 *
 * Every character folds by itself, whatever stands around it, so a text can be read once from left to right and
 * never has to be normalised as a whole (ICU's canonical reordering takes quadratic time on long runs of marks).
 */

/** The part a character plays where keywords are found. */
export const SEPARATOR = 1;
/** Invisible: as if it were not there. */
export const IGNORED = 2;
/** Letters, digits and vowel signs of scripts that put spaces between words. */
export const WORD = 3;
/** Korean spaces its words, and then hangs particles on them: 코드 is found in 코드를, not in 바코드 (bar code). */
export const HANGUL = 4;
/** Scripts without spaces, and symbols: every character is a word of its own, so a keyword is found anywhere. */
export const LONE = 5;

export type Kind = typeof SEPARATOR | typeof IGNORED | typeof WORD | typeof HANGUL | typeof LONE;

/** A folded character. */
export interface Unit {
  readonly code: number;
  readonly kind: Kind;
  /** Belongs to the character before it: a Thai vowel sign, a voicing mark, the tail of a Korean syllable. */
  readonly extends: boolean;
}

/**
 * Letters without a canonical decomposition that people type, or find in capitals, as others:
 * Turkish ı (YAZILIM), German ß (STRASSE), Greek final sigma, strokes and ligatures, and the Arabic letters whose
 * Persian and Egyptian keyboards differ.
 */
const LETTERS: Readonly<Record<string, string>> = {
  ı: 'i', ß: 'ss', ς: 'σ', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ŧ: 't', ى: 'ي', ی: 'ي', ک: 'ك',
};

/** Joiners, soft hyphens, variation selectors, the Arabic stretcher and skin tones change how a word looks, not what it says. */
const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Emoji_Modifier}\u0640]$/u;

/**
 * Marks that are accents: those shared by many scripts, the points of Arabic, Hebrew and Syriac, and the Indic nukta.
 * Kana voicing marks are shared too, but か and が are different letters; other scripts' marks are vowels.
 */
const ACCENT = /^(?![\u3099\u309a])(?=\p{M})[\p{Script=Inherited}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\u093c\u09bc\u0a3c]$/u;

const SPELLING = /^[\p{L}\p{M}\p{N}]$/u;
const MARK = /^\p{M}$/u;
const KOREAN = /^\p{Script=Hangul}$/u;
/** Vowels and tails of decomposed syllables. */
const KOREAN_TAIL = /^[\u1160-\u11ff\ud7b0-\ud7ff]$/u;
const SPACELESS = new RegExp(
  `^[${['Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Yi', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Javanese', 'Balinese', 'Tai_Le', 'New_Tai_Lue', 'Tai_Tham', 'Tai_Viet']
    .map((script) => String.raw`\p{Script_Extensions=${script}}`).join('')}]$`,
  'u',
);
/** What tells C++ and C# from C. Signs that Markdown sets around words stay separators, so that **stack** trace is a phrase. */
const SYMBOL = /^(?![|~^`])[\p{Sm}\p{Sc}\p{So}#@%&]$/u;

/** What one character, given as a string of one code point, is read as: nothing, one unit or several. */
export function fold(character: string): readonly Unit[] {
  // ™ decomposes to letters, but is none: only letters and digits unfold.
  const plain = character.normalize('NFKD');
  const unfolds = SPELLING.test(character) || plain.length === 1;
  const units = Array.from(unfolds ? plain.toLowerCase() : character)
    .filter((part) => !ACCENT.test(part) && !INVISIBLE.test(part))
    .flatMap((part) => Array.from(LETTERS[part] ?? part))
    .map(unit);
  return units.length > 0 ? units : [{ code: 0, kind: IGNORED, extends: false }];
}

function unit(character: string): Unit {
  const kind = kindOf(character);
  return { code: character.codePointAt(0) ?? 0, kind, extends: (kind === LONE && MARK.test(character)) || (kind === HANGUL && KOREAN_TAIL.test(character)) };
}

function kindOf(character: string): Kind {
  if (SPELLING.test(character)) {
    if (KOREAN.test(character)) return HANGUL;
    return SPACELESS.test(character) ? LONE : WORD;
  }
  return SYMBOL.test(character) ? LONE : SEPARATOR;
}
