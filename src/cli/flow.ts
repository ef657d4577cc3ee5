/** Text that arrives in pieces, set as an indented column: words move to the next line whole. */
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from './text.ts';

export interface Flow {
  /** What can be shown by now; the last word is held until it is over. */
  readonly push: (text: string) => string;
  readonly end: () => string;
}

export function createFlow({ indent, width }: { readonly indent: string; readonly width: number }): Flow {
  const room = Math.max(10, width - indent.length);
  let column = 0;
  let spaces = 0;
  let word = '';

  /** The word and the spaces before it; on a new line, where the spaces that led there are forgotten. */
  const settle = (): string => {
    const size = widthOf(stripVTControlCharacters(word));
    const text = word;
    word = '';
    // Colours take no room: they change nothing about where the line stands.
    if (size === 0) return text;
    const fits = column === 0 || column + spaces + size <= room;
    const lead = fits ? (column === 0 ? indent : '') + ' '.repeat(spaces) : `\n${indent}`;
    column = (fits ? column + spaces : 0) + size;
    spaces = 0;
    return lead + text;
  };
  const one = (character: string): string => {
    if (character === '\n') {
      const text = settle();
      column = spaces = 0;
      return `${text}\n`;
    }
    if (character === ' ') {
      const text = settle();
      spaces += 1;
      return text;
    }
    // Scripts without spaces may break between any two characters.
    if (widthOf(character) > 1) {
      const before = settle();
      word = character;
      return before + settle();
    }
    word += character;
    return '';
  };
  return { push: (text) => Array.from(text, one).join(''), end: settle };
}
