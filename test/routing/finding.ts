/** Which keywords a scanner finds, and which a reader finds who looks for each of them at every place. */
import { HANGUL, IGNORED, LONE, SEPARATOR, WORD, fold } from '../../src/routing/fold.ts';
import { GAP, spell } from '../../src/routing/keyword.ts';
import { createScanner, scan } from '../../src/routing/scanner.ts';
import type { Scanner, Span } from '../../src/routing/scanner.ts';

/** Keywords with one spelling each, as `compileRules` hands them to the scanner. */
export function scannerOf(keywords: readonly string[]): { readonly scanner: Scanner; readonly words: readonly string[] } {
  const spelled = new Map(keywords.map((word) => [spell(word).join('\0'), word]));
  spelled.delete('');
  const words = [...spelled.values()];
  return { scanner: createScanner(words.map(spell)), words };
}

export function find(keywords: readonly string[], text: string): string[] {
  const { scanner, words } = scannerOf(keywords);
  const found = placesIn(scanner, text, [{ from: 0, to: text.length, place: 1 }]);
  return words.filter((_, index) => found[index] !== 0);
}

export function placesIn(scanner: Scanner, text: string, spans: readonly Span[]): Uint8Array {
  const found = new Uint8Array(scanner.noted.length);
  scan(scanner, text, spans, found);
  return found;
}

interface Token {
  readonly text: string;
  /** Nothing extends its last character. */
  readonly whole: boolean;
}

/** Slow on purpose: tokens of the whole text, then every keyword at every place. */
export function findSlowly(keywords: readonly string[], text: string): string[] {
  const tokens = tokensOf(text);
  return scannerOf(keywords).words.filter((word) => {
    const wanted = spell(word);
    return tokens.some((_, start) => {
      const last = tokens[start + wanted.length - 1];
      return last?.whole === true && wanted.every((token, index) => tokens[start + index]?.text === token);
    });
  });
}

function tokensOf(text: string): Token[] {
  const units = Array.from(text).flatMap(fold).filter(({ kind }) => kind !== IGNORED);
  const tokens: Token[] = [];
  units.forEach(({ code, kind }, index) => {
    const character = String.fromCodePoint(code);
    const before = units[index - 1];
    const next = units[index + 1];
    if (kind === WORD) {
      const word = before?.kind === WORD ? (tokens.pop()?.text ?? '') : '';
      tokens.push({ text: word + character, whole: true });
    } else if (kind !== SEPARATOR) {
      const spoken = units.slice(0, index).findLast((unit) => unit.kind !== SEPARATOR)?.kind;
      const parted = before?.kind === SEPARATOR && (spoken === LONE || spoken === HANGUL);
      if (kind === HANGUL ? before?.kind !== HANGUL : parted) tokens.push({ text: GAP, whole: true });
      tokens.push({ text: character, whole: next?.extends !== true });
    }
  });
  return tokens;
}
