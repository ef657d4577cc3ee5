/** Text that arrives in pieces, set as an indented column: words move to the next line whole. */
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../text.ts';

export interface Flow {
  /** What can be shown by now; the last word is held until it is over. */
  readonly push: (text: string) => string;
  readonly end: () => string;
}

export function createFlow({ indent, width }: { readonly indent: string; readonly width: number }): Flow {
  const room = Math.max(10, width - indent.length);
  let column = 0;
  let word = '';

  const settle = (): string => {
    const size = widthOf(stripVTControlCharacters(word));
    const broken = column > 0 && column + size > room ? `\n${indent}` : '';
    // A line begins with its indent only once there is something to put there.
    const start = broken === '' && column === 0 && size > 0 ? indent : '';
    column = (broken === '' ? column : 0) + size;
    const text = broken + start + word;
    word = '';
    return text;
  };
  const one = (character: string): string => {
    if (character === '\n') {
      const text = settle();
      column = 0;
      return `${text}\n`;
    }
    if (character !== ' ') {
      // Scripts without spaces may break between any two characters.
      const before = widthOf(character) > 1 ? settle() : '';
      word += character;
      return before + (widthOf(character) > 1 ? settle() : '');
    }
    const text = settle();
    if (column >= room) return text;
    const lead = column === 0 ? indent : '';
    column += 1;
    return `${text}${lead} `;
  };
  return { push: (text) => Array.from(text, one).join(''), end: settle };
}
