/** Tables that fit: no line is ever wider than the terminal, no number is ever cut. */
import type { Paint } from './context.ts';
import { clip, oneLine, pad, widthOf } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  /** What a program reads. */
  readonly cell: (row: Row) => string | number | boolean | undefined;
  /** What a person reads, where that is not the same. */
  readonly show?: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Colour, which never changes the width. */
  readonly style?: (row: Row) => Parameters<Paint>[0] | undefined;
}

const GAP = 2;

const shown = <Row>({ cell, show }: Column<Row>, row: Row): string => oneLine(show?.(row) ?? String(cell(row) ?? ''));

/** Lines without line ends: a heading and one a row. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { width, paint }: { readonly width: number; readonly paint: Paint }): string[] {
  const texts = rows.map((row) => columns.map((column) => shown(column, row)));
  const natural = columns.map(({ title }, index) => Math.max(widthOf(title), ...texts.map((cells) => widthOf(cells[index] ?? ''))));
  const widths = fit(natural.map((each, index) => ({ natural: each, whole: columns[index]?.align === 'right' })), width);
  const last = widths.findLastIndex((space) => space > 0);
  const line = (cells: readonly string[], style: (text: string, index: number) => string): string =>
    cells
      .map((text, index) => ({ text, index, space: widths[index] ?? 0 }))
      .filter(({ space }) => space > 0)
      .map(({ text, index, space }) => {
        const clipped = clip(text, space);
        const { align } = columns[index] ?? {};
        return style(index === last && align !== 'right' ? clipped : pad(clipped, space, align), index);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    line(columns.map(({ title }) => title), (text) => paint('bold', text)),
    ...rows.map((row, at) =>
      line(texts[at] ?? [], (text, index) => {
        const format = columns[index]?.style?.(row);
        return format === undefined ? text : paint(format, text);
      }),
    ),
  ];
}

/** A word or a name cut shorter than this says nothing any more. */
const LEAST = 16;

interface Span {
  readonly natural: number;
  /** A number without its last digits is another number. */
  readonly whole: boolean;
}

/** The widths of the columns. Words are cut to one common cap; where that is too little, the rightmost column is left out instead and gets 0. */
function fit(spans: readonly Span[], width: number): number[] {
  const room = width - GAP * (spans.length - 1);
  const widest = Math.max(...spans.map(({ natural }) => natural));
  for (let cap = Math.max(LEAST, Math.min(widest, room)); cap >= LEAST; cap -= 1) {
    const widths = spans.map(({ natural, whole }) => (whole ? natural : Math.min(natural, cap)));
    if (widths.reduce((total, each) => total + each, 0) <= room) return widths;
  }
  return spans.length > 1 ? [...fit(spans.slice(0, -1), width), 0] : [width];
}
