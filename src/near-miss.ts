/** The known name somebody most likely meant, if any is close enough to say so. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const wanted = normal(written);
  if (wanted === '') return undefined;
  // A third of the letters: one slip in `tools`, five in `provider_preferences`. Beyond that the hint misleads.
  const reach = Math.max(1, Math.floor(wanted.length / 3));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const other = normal(name);
    // A difference in length is a distance already: of a thousand models few are worth comparing.
    if (Math.abs(other.length - wanted.length) > reach) continue;
    const distance = distanceOf(wanted, other);
    if (distance <= reach && distance < (best?.distance ?? Infinity)) best = { name, distance };
  }
  return best?.name ?? known.find((name) => wanted.length >= MINIMUM_PART && normal(name).includes(wanted));
}

/** ` (did you mean x?)`, or nothing. */
export function didYouMean(written: string, known: readonly string[]): string {
  const name = nearest(written, known);
  return name === undefined ? '' : ` (did you mean ${name}?)`;
}

/** `keywords` means `content_keywords`; shorter parts are in too many names. */
const MINIMUM_PART = 5;

/** Distances are not worth computing for what nobody typed as a name. */
const LONGEST = 64;

/** `contentKeywords`, `content-keywords` and `content_keywords` are the same word to the one who types it. */
function normal(name: string): string {
  return name.slice(0, LONGEST).replaceAll(/[^\p{L}\p{N}]/gu, '').toLowerCase();
}

/** Edits (insert, delete, replace, swap of neighbours) from one word to the other. */
function distanceOf(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(Math.min(
        cell(last, column) + 1,
        cell(current, column - 1) + 1,
        cell(last, column - 1) + (same ? 0 : 1),
        swapped ? cell(beforeLast, column - 2) + 1 : Infinity,
      ));
    }
    [beforeLast, last] = [last, current];
  }
  return cell(last, to.length);
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
