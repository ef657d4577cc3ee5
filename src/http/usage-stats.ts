/** `/admin/usage-stats`: what everybody used, and `/v1/usage`: what one key did. */
import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { check, once, refused, wholeText } from '../schema.ts';
import type { Caller } from '../types.ts';
import { firstDay } from '../usage/period.ts';
import { GROUPS } from '../usage/stats.ts';
import type { Group, Stats, StatsQuery } from '../usage/stats.ts';
import { statsCsv, tellStats } from '../usage/tell.ts';

export interface UsageOptions {
  readonly record: { readonly stats: (query: StatsQuery) => Promise<Stats> };
  readonly now: () => number;
}

/** What a key may see apart: accounts are the operator's own matter. */
const OWN_GROUPS = ['day', 'week', 'month', 'provider', 'model'] as const satisfies readonly Group[];

const USUAL_PAGE = 100;
/** About 200 KB, and two milliseconds of the event loop. */
const LARGEST_PAGE = 500;
/** More would be a table nobody reads. */
export const MOST_GROUPS = 3;

const parametersOf = (groups: readonly Group[], usual: Group) => ({
  by: groupsOf(groups).prefault(usual),
  since: once.default('7d').describe('The first day counted: `7d`, `4w`, `2026-08-01` or `2026-08`.'),
  until: once.describe('The first day no longer counted.').exactOptional(),
  after: wholeText(0, Number.MAX_SAFE_INTEGER).default(0).describe('The `next` of the page before.'),
  limit: wholeText(1, LARGEST_PAGE).default(USUAL_PAGE).describe('Rows of a page.'),
});

function groupsOf(groups: readonly Group[]) {
  const [known, more] = [groups.join('|'), MOST_GROUPS - 1];
  const words = `one of ${groups.join(', ')}, or up to ${MOST_GROUPS} of them with commas`;
  return once
    .regex(new RegExp(`^(?:${known})(?:,(?:${known})){0,${more}}$`), `must be ${words}`)
    .describe(`What rows are kept apart by: ${words}.`)
    .transform((text) => groups.filter((group) => text.split(',').includes(group)));
}

export const statsParameters = z.strictObject({ ...parametersOf(GROUPS, 'provider'), format: z.enum(['json', 'csv']).describe('CSV also where `Accept` asks for it.').exactOptional() });
export const ownParameters = z.strictObject(parametersOf(OWN_GROUPS, 'day'));

/** To be mounted at `/admin/usage-stats`, behind the admin guard. */
export function usageStats({ record, now }: UsageOptions): RequestHandler {
  return async (request, response) => {
    const { format = request.headers.accept?.startsWith('text/csv') === true ? 'csv' : 'json', ...asked } = check(statsParameters, request.query);
    const query = queryOf(asked, now());
    const stats = await record.stats(query);
    if (format !== 'csv') {
      response.json(tellStats(stats, query));
      return;
    }
    // A table has no place for what comes after it.
    if (stats.more) response.links({ next: nextPage(request, query.offset + stats.rows.length) });
    response.type('text/csv; charset=utf-8').send(statsCsv(stats, query.by));
  };
}

/** RFC 8288; relative to where it was asked. */
function nextPage({ originalUrl }: Request, after: number): string {
  const [, query = ''] = originalUrl.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set('after', String(after));
  return `?${parameters.toString()}`;
}

/** The same for the key that asks, by day. To be mounted at `/v1/usage`. */
export function ownUsage({ record, now, identify }: UsageOptions & { readonly identify: (request: IncomingMessage) => Caller }): RequestHandler {
  return async (request, response) => {
    const { id, key, project } = identify(request);
    const query = { ...queryOf(check(ownParameters, request.query), now()), only: id === undefined ? { name: key } : { id } };
    response.json({ key, project, ...tellStats(await record.stats(query), query) });
  };
}

function queryOf({ by, since, until, after, limit }: z.output<typeof ownParameters>, now: number): StatsQuery {
  const from = firstDay(since, 'since', now);
  const to = until === undefined ? undefined : firstDay(until, 'until', now);
  if (to !== undefined && to <= from) throw refused('until', 'must be a day after since: it is the first day no longer counted');
  return { by, from, ...(to !== undefined && { to }), offset: after, limit };
}
