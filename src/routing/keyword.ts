/** A keyword as text is read: the sequence of its words and characters. */
import { HANGUL, IGNORED, LONE, SEPARATOR, WORD, fold } from './fold.ts';

/** Between tokens: a Korean word begins, or white space or punctuation parts two characters of a script without spaces. */
export const GAP = ' ';

/**
 * Folded tokens in order: a whole word of a spacing script, or one character of any other (Korean words are led by a
 * {@link GAP}). `Stack-Trace` is `['stack', 'trace']`, `C++` is `['c', '+', '+']`, `Python代码` is `['python', '代', '码']`.
 * What stands between two words does not matter. Empty when there is nothing but punctuation.
 */
export function spell(keyword: string): readonly string[] {
  const tokens: string[] = [];
  let before: number = SEPARATOR;
  let parted = false;
  for (const { code, kind } of Array.from(keyword).flatMap(fold)) {
    if (kind === IGNORED) continue;
    const character = String.fromCodePoint(code);
    if (kind === WORD) {
      if (before === WORD) tokens.push((tokens.pop() ?? '') + character);
      else tokens.push(character);
    } else if (kind === HANGUL || kind === LONE) {
      if (kind === HANGUL ? before !== HANGUL : parted) tokens.push(GAP);
      tokens.push(character);
    }
    parted = kind === SEPARATOR && (parted || before === LONE || before === HANGUL);
    before = kind;
  }
  return tokens;
}

/** Why a keyword can never be found, if so. */
export function checkKeyword(keyword: string): string | undefined {
  return spell(keyword).length > 0 ? undefined : `'${keyword}' has no letter, digit or symbol to look for; use content_regex for punctuation`;
}
