/** Lists in pages: each says as `next` what the following one is to be asked for with, as `after`. */
import { z } from 'zod';
import { once, refused, wholeText } from '../schema.ts';

/** A page fits a screen or two; the largest is about a megabyte. */
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1_000;

const limit = wholeText(1, LARGEST_PAGE).default(USUAL_PAGE).describe('How many of a page.');
const NEXT = 'The `next` of the page before.';

/** Of what has an id and stays in its order: nothing is missed or told twice, whatever comes and goes meanwhile. */
export const pageAfterId = { after: once.describe(NEXT).exactOptional(), limit };
/** Of what changes by the second: by its place. */
const pageAfterPlace = { after: wholeText(0, Number.MAX_SAFE_INTEGER).default(0).describe(NEXT), limit };

export const idPage = z.strictObject(pageAfterId);
export const placePage = z.strictObject(pageAfterPlace);

interface Page<T, Next> {
  readonly page: readonly T[];
  readonly more: { readonly next?: Next };
}

/** Throws `invalid-request` where there is no such id any more: who goes on elsewhere might miss some. */
export function afterId<T>(all: readonly T[], idOf: (one: T) => string, { after, limit: most }: z.output<typeof idPage>): Page<T, string> {
  const start = after === undefined ? 0 : all.findIndex((one) => idOf(one) === after) + 1;
  if (after !== undefined && start === 0) throw refused('after', 'must be what next said; if that is no longer there, begin anew');
  const page = all.slice(start, start + most);
  const last = page.at(-1);
  return { page, more: last === undefined || all.length <= start + most ? {} : { next: idOf(last) } };
}

export function afterPlace<T>(all: readonly T[], { after, limit: most }: z.output<typeof placePage>): Page<T, number> {
  return { page: all.slice(after, after + most), more: all.length > after + most ? { next: after + most } : {} };
}
