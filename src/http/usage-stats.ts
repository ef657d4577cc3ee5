/** `/admin/usage-stats`: what everybody used, and `/v1/usage`: what one key did. */
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { FailureError } from '../failure.ts';
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
const MOST_GROUPS = 3;

/**
 * `?by=provider,day&since=7d&until=2026-09-01&after=<next>&limit=<n>&format=json|csv`; CSV also where `Accept` asks for it.
 * To be mounted at `/admin/usage-stats`, behind the admin guard.
 */
export function usageStats({ record, now }: UsageOptions): RequestHandler {
  return async (request, response) => {
    const query = readQuery(request.query, { groups: GROUPS, usual: 'provider', now: now() });
    const stats = await record.stats(query);
    if (wantsCsv(request.query['format'], request.headers.accept)) response.type('text/csv; charset=utf-8').send(statsCsv(stats, query.by));
    else response.json(tellStats(stats, query));
  };
}

/** The same for the key that asks, by day. To be mounted at `/v1/usage`. */
export function ownUsage({ record, now, identify }: UsageOptions & { readonly identify: (request: IncomingMessage) => Caller }): RequestHandler {
  return async (request, response) => {
    const { id, key, project } = identify(request);
    const query = { ...readQuery(request.query, { groups: OWN_GROUPS, usual: 'day', now: now() }), only: id === undefined ? { name: key } : { id } };
    response.json({ key, project, ...tellStats(await record.stats(query), query) });
  };
}

const PARAMETERS = ['by', 'since', 'until', 'after', 'limit', 'format'];

interface Reading {
  readonly groups: readonly Group[];
  readonly usual: Group;
  readonly now: number;
}

function readQuery(query: Readonly<Record<string, unknown>>, { groups, usual, now }: Reading): StatsQuery {
  const unknown = Object.keys(query).find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) throw refuse(unknown, `there is no parameter ${JSON.stringify(unknown)}; known here: ${PARAMETERS.join(', ')}`);
  const from = firstDay(textIn(query, 'since') ?? '7d', 'since', now);
  const until = textIn(query, 'until');
  const to = until === undefined ? undefined : firstDay(until, 'until', now);
  if (to !== undefined && to <= from) throw refuse('until', 'until must be a day after since: it is the first day no longer counted');
  return {
    by: groupsIn(textIn(query, 'by') ?? usual, groups),
    from,
    ...(to !== undefined && { to }),
    offset: numberIn(query, 'after', { usual: 0, least: 0, most: Number.MAX_SAFE_INTEGER }),
    limit: numberIn(query, 'limit', { usual: USUAL_PAGE, least: 1, most: LARGEST_PAGE }),
  };
}

function groupsIn(written: string, groups: readonly Group[]): Group[] {
  const names = written.split(',');
  const known = groups.filter((group) => names.includes(group));
  if (known.length !== names.length || known.length > MOST_GROUPS) throw refuse('by', `by must be one of ${groups.join(', ')}, or up to ${MOST_GROUPS} of them with commas`);
  return known;
}

function textIn(query: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw refuse(name, `${name} must be given once`);
}

function numberIn(query: Readonly<Record<string, unknown>>, name: string, { usual, least, most }: { readonly usual: number; readonly least: number; readonly most: number }): number {
  const written = textIn(query, name);
  if (written === undefined) return usual;
  const number = /^\d{1,16}$/.test(written) ? Number(written) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw refuse(name, `${name} must be a number from ${least} to ${most}`);
}

function wantsCsv(format: unknown, accept = ''): boolean {
  if (format === undefined) return accept.startsWith('text/csv');
  if (format === 'json' || format === 'csv') return format === 'csv';
  throw refuse('format', 'format must be json or csv');
}

const refuse = (param: string, message: string): FailureError => new FailureError({ kind: 'invalid-request', param, message });
