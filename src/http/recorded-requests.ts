/** `/admin/requests`: the record's rows, each request with its attempts, newest first. Never what was said. */
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { check, wholeText } from '../schema.ts';
import type { Rows, RowsQuery } from '../usage/rows.ts';
import { tellRows } from '../usage/tell.ts';

export interface RecordedRequestOptions {
  readonly record: { readonly rows: (query: RowsQuery) => Promise<Rows> };
}

const USUAL_PAGE = 100;
/** About 130 KB, and two milliseconds of the event loop. */
const LARGEST_PAGE = 200;

export const requestsPage = z.strictObject({
  after: wholeText(1, Number.MAX_SAFE_INTEGER).describe('The `next` of the page before.').exactOptional(),
  limit: wholeText(1, LARGEST_PAGE).default(USUAL_PAGE).describe('How many of a page.'),
});

/** To be mounted at `/admin/requests`, behind the admin guard. */
export function recordedRequests({ record }: RecordedRequestOptions): RequestHandler {
  return async (request, response) => {
    const { after, limit } = check(requestsPage, request.query);
    response.json(tellRows(await record.rows({ limit, ...(after !== undefined && { before: after }) })));
  };
}
