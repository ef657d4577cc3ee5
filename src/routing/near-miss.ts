/** The name somebody most likely meant. */

/** ` (did you mean 'x'?)`, or nothing: a hint that is more than a third wrong would mislead. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const wanted = written.toLowerCase();
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of new Set(known)) {
    const distance = edits(wanted, name.toLowerCase(), Math.floor(Math.max(wanted.length, name.length) / 3));
    if (distance !== undefined && distance < (best?.distance ?? Infinity)) best = { name, distance };
  }
  return best === undefined ? '' : ` (did you mean '${best.name}'?)`;
}

/** Letters to insert, delete or replace (Levenshtein); undefined above `most`. */
function edits(from: string, to: string, most: number): number | undefined {
  if (Math.abs(from.length - to.length) > most) return undefined;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of from.split('').entries()) {
    const next = [index + 1];
    for (const [column, other] of to.split('').entries()) {
      next.push(Math.min((row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, (row[column] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  const distance = row.at(-1) ?? Infinity;
  return distance <= most ? distance : undefined;
}
