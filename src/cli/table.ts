/** Tables that fit: the widest columns give way first, and no line is ever wider than the terminal. */
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
  const widths = fit(natural, width);
  const line = (cells: readonly string[], style: (text: string, index: number) => string): string =>
    cells
      .map((text, index) => ({ text, index, space: widths[index] ?? 0 }))
      .filter(({ space }) => space > 0)
      .map(({ text, index, space }) => style(pad(clip(text, space), space, columns[index]?.align), index))
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

/** A column narrower than this says nothing any more: the rightmost is left out instead. */
const LEAST = 3;

/** The widths of the columns, the widest cut to one common cap; 0 for columns there is no room for. */
function fit(natural: readonly number[], width: number): number[] {
  const room = width - GAP * (natural.length - 1);
  const sum = (cap: number): number => natural.reduce((total, each) => total + Math.min(each, cap), 0);
  for (let cap = Math.min(Math.max(...natural), Math.max(room, LEAST)); cap >= LEAST; cap -= 1) {
    if (sum(cap) <= room) return natural.map((each) => Math.min(each, cap));
  }
  if (sum(LEAST) <= room) return [...natural];
  return natural.length > 1 ? [...fit(natural.slice(0, -1), width), 0] : [width];
}
