import { describe, expect, test } from '@jest/globals';
import { array, assert, constant, integer, oneof, property, string, stringMatching, tuple } from 'fast-check';
import { stripVTControlCharacters, styleText } from 'node:util';
import { renderTable, type Column } from '../../src/cli/table.ts';
import { clip, harmless, pad, widthOf, wrap } from '../../src/cli/text.ts';

const colourful = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { validateStream: false });
const cell = oneof(string(), string({ unit: 'grapheme' }), stringMatching(/^[漢字かな한글a-z ]{0,30}$/u));

const columnsOf = (titles: readonly string[]): Column<readonly string[]>[] =>
  titles.map((title, index) => ({ title, cell: (row) => row[index], align: index % 2 === 0 ? 'left' : 'right', style: () => 'green' }));

describe('tables', () => {
  test('no line is wider than the terminal, whatever the cells and the colours', () => {
    assert(
      property(
        array(cell, { minLength: 1, maxLength: 6 }).chain((titles) => tuple(constant(titles), array(array(cell, { minLength: titles.length, maxLength: titles.length }), { maxLength: 6 }))),
        integer({ min: 1, max: 120 }),
        ([titles, rows], width) => {
          const lines = renderTable(columnsOf(titles), rows, { width, paint: colourful });
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test('wide characters keep the columns straight', () => {
    const lines = renderTable(columnsOf(['name', 'n']), [['漢字', '1'], ['four', '22']], { width: 40, paint: (_, text) => text });
    expect(lines).toEqual(['name   n', '漢字   1', 'four  22']);
  });

  test('what nobody looks at is never cut', () => {
    const long = 'x'.repeat(500);
    expect(renderTable(columnsOf(['a', 'b']), [[long, long]], { width: Infinity, paint: (_, text) => text })[1]).toBe(`${long}  ${long}`);
  });

  test('the widest column gives way first', () => {
    const lines = renderTable(columnsOf(['id', 'note']), [['abcd', 'n'.repeat(50)]], { width: 20, paint: (_, text) => text });
    expect(lines[1]).toBe(`abcd  ${'n'.repeat(13)}…`);
  });
});

describe('text', () => {
  test('clip and pad agree on columns', () => {
    assert(
      property(cell, integer({ min: 1, max: 40 }), (text, width) => {
        const plain = harmless(text).replaceAll(/[\n\t]/g, ' ');
        expect(widthOf(pad(clip(plain, width), width))).toBe(width);
      }),
    );
  });

  test('nothing from outside can steer the terminal', () => {
    expect(harmless('\u001B]0;owned\u0007\u001B[2Jok\r\u009B31m\u202Egnp')).toBe(']0;owned[2Jok31mgnp');
  });

  test('wrapping loses no word', () => {
    assert(
      property(array(stringMatching(/^[a-z]{1,9}$/)), integer({ min: 9, max: 60 }), (words, width) => {
        const lines = wrap(words.join(' '), width);
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});
