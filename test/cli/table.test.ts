import { describe, expect, test } from '@jest/globals';
import { array, assert, constant, integer, oneof, property, string, stringMatching, tuple } from 'fast-check';
import { stripVTControlCharacters, styleText } from 'node:util';
import { renderTable, type Column } from '../../src/cli/table.ts';
import { clip, harmless, pad, widthOf, wrap } from '../../src/cli/text.ts';

const colourful = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { validateStream: false });
const cell = oneof(string(), string({ unit: 'grapheme' }), stringMatching(/^[漢字かな한글a-z ]{0,30}$/u));

const plain = (_: unknown, text: string): string => text;

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
    const lines = renderTable(columnsOf(['name', 'n']), [['漢字', '1'], ['four', '22']], { width: 40, paint: plain });
    expect(lines).toEqual(['name   n', '漢字   1', 'four  22']);
  });

  test('what nobody looks at is never cut', () => {
    const long = 'x'.repeat(500);
    expect(renderTable(columnsOf(['a', 'b']), [[long, long]], { width: Infinity, paint: plain })[1]).toBe(`${long}  ${long}`);
  });

  test('the longest words give way first', () => {
    const columns: Column<readonly string[]>[] = [{ title: 'id', cell: (row) => row[0] }, { title: 'note', cell: (row) => row[1] }];
    expect(renderTable(columns, [['abcd', 'n'.repeat(50)]], { width: 26, paint: plain })[1]).toBe(`abcd  ${'n'.repeat(19)}…`);
  });

  test('no number is cut, and no name to less than can be told apart: the rightmost column is left out instead', () => {
    const columns: Column<readonly string[]>[] = [{ title: 'model', cell: (row) => row[0] }, { title: 'tokens', cell: (row) => row[1], align: 'right' }, { title: 'saved', cell: (row) => row[2], align: 'right' }];
    const at = (width: number): string | undefined => renderTable(columns, [['maker/some-model-120b', '12345', '$0.000123']], { width, paint: plain })[1];
    expect(at(40)).toBe('maker/some-model-120b   12345  $0.000123');
    expect(at(36)).toBe('maker/some-model…   12345  $0.000123');
    expect(at(34)).toBe('maker/some-model-120b   12345');
    expect(at(23)).toBe('maker/some-model-120b');
  });

  test('nothing follows the last word of a line', () => {
    const columns: Column<readonly string[]>[] = [{ title: 'id', cell: (row) => row[0] }, { title: 'why', cell: (row) => row[1] }];
    expect(renderTable(columns, [['a', 'long enough'], ['b', '']], { width: 40, paint: (_, text) => `<${text}>` })).toEqual(['<id>  <why>', 'a   long enough', 'b']);
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
