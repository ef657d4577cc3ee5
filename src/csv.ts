/** A row of CSV without its line end. RFC 4180. */
export const csvRow = (cells: readonly string[]): string => cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
