/** Text as a terminal shows it: columns instead of characters, and nothing that could steer the terminal. */
import measure from 'fast-string-width';

/** Columns the text takes: wide characters two, combining and escape sequences none. */
export const widthOf = (text: string): number => measure(text);

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** At most `width` columns, the cut marked by an ellipsis and never inside a character. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(kept + segment) >= width) break;
    kept += segment;
  }
  return width < 1 ? '' : `${kept}…`;
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}

/**
 * Words from outside (labels, model names, answers) without control characters: an escape sequence in an answer
 * could retitle the window, move the cursor or hide what was said.
 */
export const harmless = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, (character) => (character === '\n' || character === '\t' ? character : ''));

/** The same on one line. */
export const oneLine = (text: string): string => harmless(text).replaceAll(/\s+/g, ' ').trim();

/** Words broken at spaces so that no line is wider than `width`, where the words allow it. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && widthOf(longer) > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  return lines;
}
