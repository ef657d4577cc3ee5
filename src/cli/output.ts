/** Data on stdout in the form that was asked for, and words beside it on stderr. */
import { csvRow } from '../csv.ts';
import type { Context } from './context.ts';
import { renderTable, type Column } from './table.ts';

export type Format = 'table' | 'json' | 'csv';

/** What a person should know beside the data. */
export const note = ({ words }: Pick<Context, 'words'>, text: string): void => words.write(`${words.paint('yellow', 'note:')} ${text}\n`);

export const printLines = ({ out }: Context, lines: readonly string[]): void => out.write(lines.map((line) => `${line}\n`).join(''));

export const printJson = (context: Context, data: unknown): void => printLines(context, [JSON.stringify(data, undefined, 2)]);

/**
 * A list in any of the formats. `json` prints `data` (default: the rows as they are); `table` and `csv` print the columns.
 * An empty table says `empty` on stderr, so that a script reads nothing.
 */
export function printRows<Row>(
  context: Context,
  { format, rows, columns, data = rows, empty }: { readonly format: Format; readonly rows: readonly Row[]; readonly columns: readonly Column<Row>[]; readonly data?: unknown; readonly empty: string },
): void {
  if (format === 'json') printJson(context, data);
  else if (format === 'csv') printLines(context, csv(columns, rows));
  else if (rows.length === 0) context.words.write(`${empty}\n`);
  else printLines(context, renderTable(columns, rows, { width: context.out.width(), paint: context.out.paint }));
}

/** With plain line feeds, as every Unix tool writes them. */
function csv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  return [csvRow(columns.map(({ title }) => title)), ...rows.map((row) => csvRow(columns.map((column) => String(column.cell(row) ?? ''))))];
}
